"""`python -m benchmarks [NAME ...]`: run those named, else all but the longest (crawl, extract)."""

import argparse
import os
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import crawl, extract, pipeline, queue, reach, rules, store

BENCHMARKS = {
    "queue": queue.run,
    "store": store.run,
    "rules": rules.run,
    "pipeline": pipeline.run,
}
LONG = {"crawl": crawl, "extract": extract}
PARTS = (*crawl.PARTS, *extract.PARTS)
NAMES = (*BENCHMARKS, *LONG)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(NAMES))
    parser.add_argument("--runs", type=int, default=3, help="runs of each; the median counts")
    parser.add_argument("--replay", type=Path, help="folder of recorded boards to work on")
    parser.add_argument("--sample", type=int, default=0, help="titles and locations `rules` shows")
    parser.add_argument("--seed", type=int, default=0, help="which of them")
    parser.add_argument("--only", choices=PARTS, help="this part of `crawl` or `extract` alone")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(NAMES):
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}")
    parts = {part for name in arguments.names if name in LONG for part in LONG[name].PARTS}
    if arguments.only and arguments.only not in parts:
        parser.error(f"name the benchmark that {arguments.only} is a part of")
    load, _, _ = os.getloadavg()
    now = datetime.now(UTC)
    print(f"{now:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} processors, load {load:.1f} at the start")
    for name in arguments.names or BENCHMARKS:
        print(f"\n{name}")
        if name in LONG:
            LONG[name].run(arguments.runs, arguments.only)
        else:
            BENCHMARKS[name](arguments.runs, arguments.replay)
            if name == "rules" and arguments.replay is not None:
                reach.run(arguments.replay, arguments.sample, arguments.seed)


if __name__ == "__main__":
    main()
