"""The model server of the benchmarks: the sandbox's Ollama, as slow and as broken as is asked for.

`python -m benchmarks.extract.server PORT_FILE [--slots N] [--latency SECONDS] [--faults LIST]`
writes its port to the file once it listens.
"""

import argparse
from pathlib import Path

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.ollama import MODEL, router
from openfunnel.sandbox.serve import LOOPBACK, serve


def main() -> None:
    """Read the command line and serve until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extract.server")
    parser.add_argument("port_file", type=Path)
    parser.add_argument("--slots", type=int, default=8)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--faults", default="")
    arguments = parser.parse_args()
    faults = parse_faults(arguments.faults)
    model = router(faults, models=[MODEL], latency_seconds=arguments.latency, slots=arguments.slots)
    serve(
        LOOPBACK,
        0,
        GeneratedWorld(boards=1, postings=1),
        faults,
        model,
        port_file=arguments.port_file,
    )


if __name__ == "__main__":
    main()
