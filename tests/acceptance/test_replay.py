"""Extracting again, as users do it: what it shows, what it costs, and where it goes on."""

import json
import re
import signal
from collections.abc import Iterator
from urllib.request import urlopen

import pytest

from openfunnel.sandbox import ollama
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running

from .stage import Stage

POSTINGS = 120
LATENCY_SECONDS = 0.25
BY_MODEL = "SELECT count(*) FROM extractions WHERE extractor = 'ollama'"
OF_LEVER = """
    SELECT count(*) FROM job_postings p JOIN boards b ON b.id = p.board_id WHERE ats = 'lever'
"""
KNOWN = "SELECT count(*) FROM model_answers"
DONE = "SELECT coalesce(max(postings), 0) FROM replays WHERE finished_at IS NULL"


@pytest.fixture
def extracted(stage: Stage) -> Iterator[Stage]:
    """A stage with postings that the rules have extracted, and a model that may be asked."""
    world = GeneratedWorld(boards=4, postings=POSTINGS)
    model = ollama.router(slots=4, latency_seconds=LATENCY_SECONDS)
    with running(world, ollama=model) as sandbox:
        stage.face(sandbox)
        stage.environment["OPENFUNNEL_MODEL"] = ollama.MODEL
        for ref in world.boards():
            stage.push(ref.ats, str(ref))
        for source in ("greenhouse", "lever"):
            stage.wait_for(stage.scrapy("crawl", source, "-a", "idle=1"))
        assert stage.run("extract", "--drain").returncode == 0
        assert stage.count("SELECT count(*) FROM extractions WHERE extractor = 'rules'") == POSTINGS
        yield stage


def calls(stage: Stage, what: str = "chat") -> int:
    """How often the model was asked so far; or how many questions are `open`."""
    with urlopen(f"{stage.environment['OLLAMA_HOST']}/sandbox/calls", timeout=10) as answer:
        return int(json.load(answer)[what])


def test_a_replay_by_a_model_costs_something_once(extracted: Stage) -> None:
    # What would change is shown, and nothing of it stored
    tried = extracted.run("replay", "--extractor", "ollama", "--dry-run")
    assert tried.returncode == 0, tried.stderr
    assert f"{POSTINGS} postings: " in tried.stdout
    assert "A dry run" in tried.stdout
    assert extracted.count(BY_MODEL) == 0
    asked = calls(extracted)
    assert 0 < asked <= POSTINGS

    # Only what is meant is replayed, and nothing by a model that is not there
    of_lever = extracted.count(OF_LEVER)
    some = extracted.run("replay", "--where", "ats=lever", "--where", "extractor=rules")
    assert f"{of_lever} postings: {of_lever} the same" in some.stdout
    missing = extracted.run("replay", "--extractor", "ollama", OLLAMA_HOST="127.0.0.1:1")
    assert missing.returncode == 1
    assert len(missing.stderr.splitlines()) == 1

    # In earnest, every answer is known, and a model's extraction takes the rules' place
    done = extracted.run("replay", "--extractor", "ollama")
    assert done.returncode == 0, done.stderr
    assert f"Models: 0 calls, {POSTINGS} answers known, 0 tokens in" in done.stdout
    assert extracted.count(BY_MODEL) == POSTINGS

    # Again, nothing changes and nothing is asked
    again = extracted.run("replay", "--extractor", "ollama", "--concurrency", "8")
    assert f"{POSTINGS} postings: {POSTINGS} the same, 0 changed, 0 failed" in again.stdout
    assert calls(extracted) == asked

    # And all of it is on the bill
    status = json.loads(extracted.run("status", "--json").stdout)
    assert sum(use["calls"] for use in status["models"]) == asked
    assert sum(use["cache_hits"] for use in status["models"]) >= 2 * POSTINGS
    assert {use["source"] for use in status["models"]} == {"greenhouse", "lever"}
    assert "Models" in extracted.run("status", COLUMNS="100").stdout
    measured = extracted.run("cost", "--postings", "50000", "--price-in", "0.1").stdout
    assert f"Measured over {asked} calls of {ollama.MODEL}:" in measured
    assert re.search(r"price +\d", measured)


def test_a_replay_that_is_ended_goes_on_with_the_same_command(extracted: Stage) -> None:
    command = ("replay", "--extractor", "ollama", "--concurrency", "2")
    stored = 0
    for end in (signal.SIGINT, signal.SIGKILL):
        # Given a replay that is ended on its way
        replay = extracted.openfunnel(*command)
        extracted.wait_until(lambda before=stored: extracted.count(DONE) > before)
        replay.send_signal(end)
        assert replay.wait(30) != 0
        stored = extracted.count(DONE)
        assert 0 < stored < POSTINGS
        assert extracted.count(BY_MODEL) == stored
        if end is signal.SIGINT:
            assert f"stopped after {stored} postings; the same command goes on" in extracted.log()

    # When it is started again
    extracted.wait_until(lambda: calls(extracted, "open") == 0)
    asked, known = calls(extracted), extracted.count(KNOWN)
    done = extracted.run(*command)

    # Then it does the rest, tells of the whole, and asks only what was not answered
    assert done.returncode == 0, done.stderr
    assert f"{stored} postings are done" in done.stderr
    assert f"{POSTINGS} postings: " in done.stdout
    assert extracted.count(BY_MODEL) == POSTINGS
    assert stored <= known
    assert calls(extracted) - asked == extracted.count(KNOWN) - known


def test_costs_are_assumed_where_nothing_was_measured(stage: Stage) -> None:
    told = stage.run("cost", "--postings", "1000", "--seconds", "3.6", "--cached", "0").stdout

    assert "Nothing was measured yet; these are assumptions:" in told
    assert re.search(r"seconds, a call +3\.60 +--seconds, as given", told)
    assert re.search(r"model hours +1\.0$", told, re.MULTILINE)
    assert "price" not in told
