"""Processes that die and a Redis that forgets: nothing is lost, nothing is done twice."""

import signal
from collections.abc import Iterator

import pytest

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.sources import SOURCES

from .stage import Stage

POSTINGS = 400
EXTRACTED = "SELECT count(*) FROM job_postings WHERE status = 'extracted'"


@pytest.fixture
def crawled(stage: Stage) -> Iterator[Stage]:
    """A stage with everything fetched and nothing extracted; leases are short."""
    world = GeneratedWorld(boards=10, postings=POSTINGS)
    stage.environment["OPENFUNNEL_LEASE_SECONDS"] = "2"
    with running(world) as sandbox:
        stage.face(sandbox)
        for ref in world.boards():
            stage.push(ref.ats, str(ref))
        for source in SOURCES:
            stage.wait_for(stage.scrapy("crawl", source, "-a", "idle=1"))
        assert stage.count("SELECT count(*) FROM job_postings WHERE status = 'fetched'") == POSTINGS
        yield stage


def assert_each_is_extracted_once(stage: Stage) -> None:
    assert stage.count(EXTRACTED) == POSTINGS
    assert stage.count("SELECT count(*) FROM extractions") == POSTINGS
    assert stage.count("SELECT count(*) FROM dead_letters") == 0
    doubled = "SELECT count(*) - count(DISTINCT (job_posting_id, skill_id)) FROM job_skills"
    assert stage.count(doubled) == 0
    with stage.redis() as client:
        assert not client.exists("openfunnel:extract:ready", "openfunnel:extract:lease")


def test_killed_extractors_lose_nothing(crawled: Stage) -> None:
    # Given an extractor that is killed in the middle of its work, twice
    for goal in (POSTINGS // 10, POSTINGS // 3):
        extractor = crawled.openfunnel("extract", "--concurrency", "8")
        crawled.wait_until(lambda goal=goal: crawled.count(EXTRACTED) >= goal)
        extractor.send_signal(signal.SIGKILL)
        extractor.wait()
    assert crawled.count(EXTRACTED) < POSTINGS

    # When the reaper has brought back what they held, and a third one works
    crawled.openfunnel("reap")
    crawled.wait_for(crawled.openfunnel("extract", "--drain"))

    assert_each_is_extracted_once(crawled)


def test_a_redis_that_forgets_everything_loses_nothing(crawled: Stage) -> None:
    # Given extractors at work, and a Redis that is wiped under them
    extractors = [crawled.openfunnel("extract") for _ in range(2)]
    crawled.wait_until(lambda: crawled.count(EXTRACTED) >= POSTINGS // 5)
    with crawled.redis() as client:
        client.flushall()
    assert crawled.count(EXTRACTED) < POSTINGS

    # When the reaper takes a turn
    assert crawled.run("reap", "--once").returncode == 0
    crawled.wait_until(lambda: crawled.count(EXTRACTED) == POSTINGS)
    for extractor in extractors:
        extractor.send_signal(signal.SIGTERM)
        assert extractor.wait(20) == 0

    assert_each_is_extracted_once(crawled)
