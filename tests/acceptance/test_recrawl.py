"""The second crawl: it costs next to nothing where nothing changed, and finds all that did."""

from urllib.request import urlopen

import pytest

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.serve import running
from openfunnel.sources import SOURCES

from .stage import Stage

ROWS = "SELECT id, xmin::text FROM job_postings ORDER BY id"
BODIES = "SELECT count(*) FROM raw_responses"
VISITED = "SELECT count(*) FROM boards WHERE queued_at IS NULL AND failure IS NULL"


def crawl(stage: Stage, world: GeneratedWorld) -> None:
    for ref in world.boards():
        stage.push(ref.ats, str(ref))
    for source in SOURCES:
        stage.wait_for(stage.scrapy("crawl", source, "-a", "idle=1"))


@pytest.mark.parametrize("validators", ["on", "off"])
def test_an_unchanged_world_writes_no_posting_and_stores_no_body(
    stage: Stage, validators: str
) -> None:
    world = GeneratedWorld(boards=20, postings=200)
    with running(world, parse_faults("validators=off" if validators == "off" else "")) as sandbox:
        # Given a world that was crawled
        stage.face(sandbox)
        crawl(stage, world)
        rows, bodies = stage.rows(ROWS), stage.count(BODIES)
        assert len(rows) == 200
        with stage.redis() as client:
            client.delete(*client.keys("openfunnel:extract:*"))

        # When it is crawled again
        crawl(stage, world)
        with urlopen(f"{sandbox}/sandbox/log") as answer:
            log = answer.read().decode()

    # Then its answers are short, or end at their checksum, and nothing is written
    assert ('"304":20' in log) is (validators == "on")
    assert stage.rows(ROWS) == rows
    assert stage.count(BODIES) == bodies == 20
    assert stage.count(VISITED) == 20
    with stage.redis() as client:
        assert not client.keys("openfunnel:extract:job:*")


def test_a_changed_world_writes_what_changed(stage: Stage) -> None:
    world = GeneratedWorld(boards=20, postings=200)
    with running(world) as sandbox:
        stage.face(sandbox)
        crawl(stage, world)
        rows, before = dict(stage.rows(ROWS)), listed(world)

        world.revision = 1
        crawl(stage, world)

    now = listed(world)
    closed = "SELECT external_id FROM job_postings WHERE closed_at IS NOT NULL"
    opened = "SELECT external_id FROM job_postings WHERE closed_at IS NULL"
    assert before != now
    assert {row[0] for row in stage.rows(closed)} == before - now
    assert {row[0] for row in stage.rows(opened)} == now
    assert stage.count("SELECT count(*) FROM posting_versions") > 0
    untouched = sum(rows.get(number) == xmin for number, xmin in stage.rows(ROWS))
    assert 0 < untouched < len(rows)


def listed(world: GeneratedWorld) -> set[str]:
    found = set()
    for ref in world.boards():
        answer = world.answer(ref)
        assert answer is not None
        for page in SOURCES[ref.ats].parse_board(answer.body, ref):
            found |= {posting.external_id for posting in page.postings}
    return found
