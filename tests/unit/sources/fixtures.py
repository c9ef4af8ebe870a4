"""Recorded answers and what the sources make of them: `<ats>/<case>/` with three files.

`payload.json` is an answer, `request.json` says to which request (a board's or a posting's, in
which region), `output.json` is the `BoardContent` without the postings' payloads, or the error.
Written anew by `python -m tests.unit.sources.fixtures`, and then read by a human.
"""

import json
from pathlib import Path
from typing import Any

from openfunnel.errors import UnparsableAnswer
from openfunnel.records import BoardContent, BoardRef
from openfunnel.sources import SOURCES
from openfunnel.sources.board import merge

ROOT = Path(__file__).parents[2] / "fixtures" / "sources"
CASES = sorted(f"{folder.parent.name}/{folder.name}" for folder in ROOT.glob("*/*"))


def parse(case: str) -> BoardContent:
    """Parse the recorded answer of a case, all its pages as one."""
    request = json.loads((ROOT / case / "request.json").read_text())
    source = SOURCES[case.partition("/")[0]]
    board = BoardRef(ats=source.name, token="acme", region=request["region"])
    read = {"board": source.parse_board, "posting": source.parse_posting}[request["answer"]]
    return merge(read((ROOT / case / "payload.json").read_bytes(), board))


def output(case: str) -> dict[str, Any]:
    """Return what `output.json` should hold."""
    try:
        content = parse(case)
    except UnparsableAnswer as error:
        return {"error": type(error).__name__, "message": str(error)}
    return content.model_dump(mode="json", exclude={"postings": {"__all__": {"payload"}}})


def recorded(case: str) -> dict[str, Any]:
    """Return what `output.json` holds."""
    return json.loads((ROOT / case / "output.json").read_text())


if __name__ == "__main__":
    for name in CASES:
        text = json.dumps(output(name), indent=2, ensure_ascii=False)
        (ROOT / name / "output.json").write_text(text + "\n")
