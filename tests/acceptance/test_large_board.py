"""A board of 45 MB goes through in little memory, page by page."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from openfunnel.records import BoardRef
from openfunnel.sandbox.serve import running
from openfunnel.sandbox.world import BoardAnswer, pack

from .stage import Stage

POSTINGS = 8_000
MOST_MEGABYTES = 500
BOARD = BoardRef(ats="lever", token="colossus")
PARAGRAPH = "<p>You run the {number}th gate of the harbour and write down which ships pass it.</p>"


@dataclass(frozen=True)
class OneBoard:
    """A world of one enormous board."""

    body: bytes

    def boards(self) -> tuple[BoardRef, ...]:
        return (BOARD,)

    def answer(self, ref: BoardRef) -> BoardAnswer | None:
        return pack(ref, self.body) if ref == BOARD else None


def posting(number: int) -> dict[str, object]:
    text = PARAGRAPH.format(number=number) * 70
    return {
        "id": f"{number:08x}-0000-4000-8000-000000000000",
        "text": f"Keeper {number}",
        "description": text,
        "categories": {"location": "Porto", "team": "Harbour"},
        "hostedUrl": f"https://jobs.lever.co/colossus/{number}",
        "createdAt": 1_780_000_000_000,
    }


def peak_megabytes(pid: int) -> float:
    try:
        status = Path(f"/proc/{pid}/status").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    found = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(found[1]) / 1024 if found else 0.0


def test_a_board_of_45_megabytes_is_stored_in_little_memory(stage: Stage) -> None:
    body = json.dumps([posting(number) for number in range(POSTINGS)]).encode()
    assert len(body) > 45_000_000

    with running(OneBoard(body)) as sandbox:
        stage.face(sandbox)
        stage.push("lever", BOARD.token)
        crawler = stage.scrapy("crawl", "lever", "-a", "idle=1")
        peak = 0.0

        def ended() -> bool:
            nonlocal peak
            peak = max(peak, peak_megabytes(crawler.pid))
            return crawler.poll() is not None

        stage.wait_until(ended)

    assert stage.count("SELECT count(*) FROM job_postings WHERE status = 'fetched'") == POSTINGS
    assert stage.rows("SELECT posting_count, failure FROM boards") == [(POSTINGS, None)]
    # Each page is a transaction of its own.
    assert stage.count("SELECT count(DISTINCT xmin::text) FROM job_postings") >= POSTINGS / 200
    assert 0 < peak < MOST_MEGABYTES
