"""`python -m benchmarks [NAME ...]`: run all benchmarks, or those named."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import pipeline, queue, store

BENCHMARKS = {"queue": queue.run, "store": store.run, "pipeline": pipeline.run}


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--replay", type=Path, help="folder of recorded boards to work on")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - BENCHMARKS.keys():
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    load, _, _ = os.getloadavg()
    now = datetime.now(UTC)
    print(f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, load {load:.1f} at the start")
    for name in arguments.names or BENCHMARKS:
        print(f"\n{name}")
        BENCHMARKS[name](arguments.runs, arguments.replay)


if __name__ == "__main__":
    main()
