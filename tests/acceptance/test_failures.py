"""Every way in which a board can go wrong has its name, in the store and in the status."""

import json

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.serve import running

from .stage import Stage

WORLD = GeneratedWorld(boards=30, postings=60)
TOKENS = [ref.token for ref in WORLD.boards() if ref.ats == "greenhouse"]
EXPECTED = {
    "404": "not_found",
    "gone": "not_found",
    "429": "rate_limited",
    "500": "server_error",
    "cut": "truncated",
    "invalid": "truncated",
    "short": "truncated",
    "empty": "truncated",
    "too-large": "too_large",
    "redirect-inside": "redirect_refused",
    "redirect": None,
}
"""By the sandbox's fault."""


def test_failures_have_names(stage: Stage) -> None:
    # Given a board for each way to go wrong, and one that is fine
    befallen = dict(zip(EXPECTED, TOKENS, strict=False))
    fine = TOKENS[len(EXPECTED)]
    faults = ",".join(f"{fault}@{token}" for fault, token in befallen.items())
    with running(WORLD, parse_faults(f"{faults},retry-after=0")) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *befallen.values(), fine)
        stage.wait_for(stage.scrapy("crawl", "greenhouse", "-a", "idle=2"))

    # Then each failure is the board's, the status counts them, and the rest is dead letters
    failures = dict(stage.rows("SELECT token, failure FROM boards"))
    assert failures == {fine: None} | {befallen[one]: name for one, name in EXPECTED.items()}
    status = json.loads(stage.run("status", "--json").stdout)
    assert status["failures"]["greenhouse"] == {
        name: list(EXPECTED.values()).count(name) for name in EXPECTED.values() if name
    }
    letters = dict(stage.rows("SELECT key, reason FROM dead_letters"))
    assert letters == {
        f"greenhouse:{befallen[one]}": name
        for one, name in EXPECTED.items()
        if name not in (None, "not_found")
    }


def test_a_host_that_wants_no_robots_is_left_alone(stage: Stage) -> None:
    with running(WORLD, robots="User-agent: *\nDisallow: /") as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *TOKENS[:3])
        stage.wait_for(stage.scrapy("crawl", "greenhouse", "-a", "idle=1"))

    assert set(stage.rows("SELECT failure FROM boards")) == {("refused_by_robots",)}


def test_dead_letters_are_tried_again(stage: Stage) -> None:
    # Given a board that was given up, and a host that is well again
    with running(WORLD, parse_faults(f"invalid@{TOKENS[0]}")) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", TOKENS[0], "../etc/passwd")
        stage.wait_for(stage.scrapy("crawl", "greenhouse", "-a", "idle=2"))
    assert stage.count("SELECT count(*) FROM dead_letters") == 2

    # When its letter is retried
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        assert stage.run("dlq", "retry", "--all", "--kind", "crawl").returncode == 0
        stage.wait_for(stage.scrapy("crawl", "greenhouse", "-a", "idle=2"))

    # Then the board is fetched, and its letter is gone
    assert stage.rows("SELECT failure FROM boards") == [(None,)]
    assert stage.rows("SELECT kind FROM dead_letters") == [("entry",)]
    assert stage.run("dlq", "drop", "--all").returncode == 0
    assert stage.count("SELECT count(*) FROM dead_letters") == 0
