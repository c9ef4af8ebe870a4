"""A model server that misbehaves and goes away, and workers that die: no posting is lost."""

import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from openfunnel.records import Evidence, Extraction
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import FaultKind
from openfunnel.sandbox.serve import running
from openfunnel.sources import SOURCES

from .stage import Stage

POSTINGS = 150
EXTRACTED = "SELECT count(*) FROM job_postings WHERE status = 'extracted'"
ENDED = "SELECT count(*) FROM job_postings WHERE status IN ('extracted', 'failed')"
BY_MODEL = "SELECT count(*) FROM extractions WHERE extractor = 'ollama'"

ALL_FAULTS = ",".join(f"{kind}:0.06" for kind in FaultKind if kind.of_ollama)


@pytest.fixture
def crawled(stage: Stage) -> Stage:
    """A stage with everything fetched and nothing extracted; models are asked, leases are short."""
    world = GeneratedWorld(boards=5, postings=POSTINGS)
    with running(world) as sandbox:
        stage.face(sandbox)
        for ref in world.boards():
            stage.push(ref.ats, str(ref))
        for source in SOURCES:
            stage.wait_for(stage.scrapy("crawl", source, "-a", "idle=1"))
    assert stage.count("SELECT count(*) FROM job_postings WHERE status = 'fetched'") == POSTINGS
    stage.environment |= {
        "OPENFUNNEL_EXTRACTOR": "ollama",
        "OPENFUNNEL_LEASE_SECONDS": "2",
        "OPENFUNNEL_ANSWER_SECONDS": "1",
        "OPENFUNNEL_ON_MODEL_FAILURE": "dead",
    }
    return stage


def serve_model(stage: Stage, faults: str, port: int = 0) -> subprocess.Popen[bytes]:
    """Start a model server, on a port of its choice or on one it had before."""
    port_file = stage.logs / f"port-{len(stage.processes)}"
    world = ("--boards", "1", "--postings", "1", "--faults", faults)
    place = ("--port", str(port), "--port-file", str(port_file))
    server = stage.openfunnel("sandbox", *world, *place)
    stage.wait_until(port_file.exists)
    stage.environment["OLLAMA_HOST"] = f"http://127.0.0.1:{port_file.read_text('ascii')}"
    return server


def extract(stage: Stage) -> subprocess.Popen[bytes]:
    """Start a worker."""
    return stage.openfunnel("extract", "--concurrency", "4")


def assert_every_value_stands_in_its_posting(stage: Stage) -> None:
    """Each stored value is within bounds, and each evidence where it is said to be."""
    statement = """
        SELECT p.title, p.text, e.fields
        FROM extractions e JOIN job_postings p ON p.id = e.job_posting_id
    """
    for title, text, fields in stage.rows(statement):
        Extraction.model_validate(fields)
        for evidence in evidence_in(fields):
            if evidence.start is None:
                assert evidence.text in title
            else:
                assert evidence.text == text[evidence.start : evidence.end]


def evidence_in(value: Any) -> Iterator[Evidence]:
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, dict | list):
            yield from evidence_in(child)
    if isinstance(value, dict) and value.get("evidence"):
        yield Evidence.model_validate(value["evidence"])


def test_every_posting_ends_extracted_or_as_a_dead_letter_with_its_reason(crawled: Stage) -> None:
    # Given a model server that shows every fault there is, and a worker that is killed meanwhile
    serve_model(crawled, ALL_FAULTS)
    worker = extract(crawled)
    crawled.wait_until(lambda: crawled.count(EXTRACTED) >= POSTINGS // 10)
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert crawled.count(ENDED) < POSTINGS

    # When the reaper brings back what it held, and others work, who may find no model at first
    crawled.openfunnel("reap")

    def everything_has_ended() -> bool:
        if crawled.processes[-1].poll() is not None:
            extract(crawled)
        return crawled.count(ENDED) == POSTINGS

    extract(crawled)
    crawled.wait_until(everything_has_ended)

    # Then nothing is lost, and nothing is believed that does not stand in its posting
    reasons = """
        SELECT count(*) FROM job_postings p JOIN dead_letters d ON d.key = p.id::text
        WHERE p.status = 'failed' AND d.kind = 'extract' AND d.reason <> '' AND d.last_error <> ''
    """
    assert crawled.count(reasons) + crawled.count(EXTRACTED) == POSTINGS
    assert crawled.count("SELECT count(*) FROM extractions") == crawled.count(EXTRACTED)
    assert crawled.count("SELECT sum(dropped) FROM extractions") > 0
    assert_every_value_stands_in_its_posting(crawled)


def test_a_model_that_is_down_for_a_while_costs_no_attempt(crawled: Stage) -> None:
    # Given a worker whose model server dies
    server = serve_model(crawled, "")
    worker = extract(crawled)
    crawled.wait_until(lambda: crawled.count(EXTRACTED) >= POSTINGS // 10)
    server.send_signal(signal.SIGKILL)
    server.wait()
    crawled.wait_until(lambda: "Waiting: " in crawled.log())
    assert crawled.count(EXTRACTED) < POSTINGS

    # When it is back
    serve_model(crawled, "", port=int(crawled.environment["OLLAMA_HOST"].rpartition(":")[2]))
    crawled.wait_until(lambda: crawled.count(ENDED) == POSTINGS)

    # Then the model has extracted every posting, and no attempt has failed
    assert worker.poll() is None
    assert crawled.count(BY_MODEL) == crawled.count(EXTRACTED) == POSTINGS
    assert crawled.count("SELECT count(*) FROM dead_letters") == 0
    assert "Posting " not in crawled.log()
