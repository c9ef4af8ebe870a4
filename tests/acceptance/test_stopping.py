"""A crawler that is told to stop: what is in the air ends, and the rest is handed back at once."""

import signal

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.serve import running

from .stage import Stage

WORLD = GeneratedWorld(boards=80, postings=160)
TOKENS = [ref.token for ref in WORLD.boards() if ref.ats == "greenhouse"]
FETCHED = "SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL"
FAULTLESS = "SELECT count(*) FROM dead_letters"


def states(stage: Stage) -> tuple[int, int, int]:
    """Requests ready, delayed and leased."""
    with stage.redis() as client:
        keys = ("requests", "requests:delayed", "requests:lease")
        ready, delayed, leased = (client.zcard(f"greenhouse:{key}") for key in keys)
    return ready, delayed, leased


def assert_nothing_counts_as_a_death(stage: Stage) -> None:
    with stage.redis() as client:
        for key in client.keys("greenhouse:requests:job:*"):
            assert client.hget(key, "deaths") in (None, b"0")


def test_what_is_in_the_air_is_finished(stage: Stage) -> None:
    # Given a crawler that asks for many slow answers at a time, of which the first came
    with running(WORLD, parse_faults("slow,slow-seconds=3")) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *TOKENS)
        crawler = stage.scrapy("crawl", "greenhouse")
        stage.wait_until(lambda: stage.count(FETCHED) > 0)

        # When it is asked to stop
        crawler.send_signal(signal.SIGTERM)
        stage.wait_for(crawler)

    # Then these answers are stored, and all others wait for somebody else
    fetched = stage.count(FETCHED)
    assert fetched >= 8
    ready, delayed, leased = states(stage)
    assert (ready + delayed, leased) == (len(TOKENS) - fetched, 0)
    assert stage.count(FAULTLESS) == 0
    assert_nothing_counts_as_a_death(stage)


def test_what_takes_too_long_is_handed_back(stage: Stage) -> None:
    # Given a crawler whose answers will not come for a minute
    with running(WORLD, parse_faults("slow,slow-seconds=60")) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *TOKENS)
        crawler = stage.scrapy("crawl", "greenhouse")
        stage.wait_until(lambda: states(stage)[2] >= 8)

        # When it is asked to stop, then it ends without them, and they wait for somebody else
        crawler.send_signal(signal.SIGTERM)
        stage.wait_for(crawler)
        ready, delayed, leased = states(stage)
    assert (ready + delayed, leased) == (len(TOKENS), 0)
    assert stage.count(FETCHED) == 0
    assert_nothing_counts_as_a_death(stage)


def test_a_redis_that_forgets_everything_loses_no_board(stage: Stage) -> None:
    # Given a crawler in the middle of its work, and a Redis that is wiped under it
    stage.environment["OPENFUNNEL_HOST_RATE"] = "20"
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *TOKENS)
        stage.scrapy("crawl", "greenhouse")
        stage.openfunnel("reap")
        stage.wait_until(lambda: stage.count(FETCHED) >= 5)
        with stage.redis() as client:
            client.flushall()
        assert stage.count(FETCHED) < len(TOKENS)

        # Then the reaper queues again what is wanted, and all of it is fetched
        stage.wait_until(lambda: stage.count(FETCHED) == len(TOKENS))
    assert stage.count(FAULTLESS) == 0
