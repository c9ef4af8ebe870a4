"""Boards of Ashby, from start entries to PostgreSQL."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from openfunnel.records import BoardRef
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.sandbox.world import BoardAnswer, pack

from .stage import POSTINGS, Stage, postings_of

WORLD = GeneratedWorld(boards=5, postings=60)
BOARD = next(ref for ref in WORLD.boards() if ref.ats == "ashby")


@dataclass(frozen=True)
class Boards:
    """A world of a few answers."""

    answers: Mapping[BoardRef, BoardAnswer]

    def boards(self) -> Sequence[BoardRef]:
        return tuple(self.answers)

    def answer(self, ref: BoardRef) -> BoardAnswer | None:
        return self.answers.get(ref)


def jobs_of(ref: BoardRef) -> list[dict[str, Any]]:
    answer = WORLD.answer(ref)
    assert answer is not None
    jobs: list[dict[str, Any]] = json.loads(answer.body)["jobs"]
    return jobs


def crawl(stage: Stage, boards: Boards, *entries: str) -> None:
    with running(boards) as sandbox:
        stage.face(sandbox)
        stage.push("ashby", *entries)
        stage.wait_for(stage.scrapy("crawl", "ashby", "-a", "idle=1"))


def test_the_address_of_a_posting_brings_in_its_whole_board(stage: Stage) -> None:
    answer = WORLD.answer(BOARD)
    assert answer is not None
    page = jobs_of(BOARD)[-1]["jobUrl"]

    crawl(stage, Boards({BOARD: answer}), f"{page}/application")

    assert sorted(stage.rows(POSTINGS)) == sorted(postings_of(WORLD, [BOARD]))
    assert stage.rows("SELECT failure FROM boards") == [(None,)]
    statuses = stage.rows("SELECT DISTINCT status, text <> '' FROM job_postings")
    assert statuses == [("fetched", True)]
    urls = stage.rows("SELECT canonical_url, apply_url FROM job_postings")
    assert (page, f"{page}/application") in urls


def test_a_broken_job_is_a_dead_letter_and_an_unlisted_one_is_left_out(stage: Stage) -> None:
    # Given a board whose name has a space, with a job nobody can read and one it does not list
    broken, unlisted, *fine = jobs_of(BOARD)
    broken["publishedAt"], unlisted["isListed"] = "soon", False
    labs = BoardRef(ats="ashby", token="Acme Labs")
    body = json.dumps({"apiVersion": "1", "jobs": [broken, unlisted, *fine]}).encode()

    # When it is crawled by its public address
    crawl(stage, Boards({labs: pack(labs, body)}), "https://jobs.ashbyhq.com/Acme%20Labs")

    # Then all others are there, and the broken one is on record
    found = {(token, job_id) for _, token, job_id in stage.rows(POSTINGS)}
    assert found == {(labs.token, job["id"]) for job in fine}
    ((key, reason, error),) = stage.rows("SELECT key, reason, last_error FROM dead_letters")
    assert key == "ashby:Acme Labs"
    assert broken["id"] in f"{reason} {error}"
    assert "publishedAt is no time with an offset" in f"{reason} {error}"


def test_a_board_nobody_has_is_not_found(stage: Stage) -> None:
    crawl(stage, Boards({}), BOARD.token)

    assert stage.rows("SELECT token, failure FROM boards") == [(BOARD.token, "not_found")]
