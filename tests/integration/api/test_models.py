"""What models did, over HTTP: on a run, and on a single extraction."""

from dataclasses import asdict

import httpx

from openfunnel.records import ExtractionResult, LeftOut, Omission
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from openfunnel.store.queries import postings_for_extraction
from openfunnel.store.usage import UsageRow, add_usage

from .world import EXTRACTIONS, NOON, World

ANALYST = "Data Analyst"


def save(database: Database, posting_id: int, **changes: object) -> None:
    """Store an extraction of the posting as it came about otherwise."""
    values = {"extractor": "ollama", "model": "small:1b", "prompt_version": "2"}
    result = ExtractionResult(extraction=EXTRACTIONS[ANALYST], **(values | changes))
    with database.begin() as session:
        (pending,) = postings_for_extraction(session, [posting_id]).values()
        finished = FinishedExtraction(posting_id, pending.text_checksum, result, fence=2)
        assert save_extractions(session, [finished], NOON)


async def test_a_run_tells_what_it_asked_of_models(
    client: httpx.AsyncClient, world: World, database: Database
) -> None:
    assert (await client.get(f"/runs/{world.run_id}")).json()["models"] == []
    mine = UsageRow(world.run_id, "greenhouse", "small:1b", 3, 2, 1200, 340, 5.5)
    with database.begin() as session:
        add_usage(session, [mine, UsageRow(None, "lever", "small:1b", 9, 9, 9, 9, 9.0)], NOON)

    (model,) = (await client.get(f"/runs/{world.run_id}")).json()["models"]

    stated = asdict(mine)
    del stated["run_id"]
    assert model == stated


async def test_an_extraction_tells_how_it_came_about(
    client: httpx.AsyncClient, world: World, database: Database
) -> None:
    posting_id = world.postings[ANALYST]
    save(
        database,
        posting_id,
        tokens_in=900,
        tokens_out=100,
        cached=True,
        confidence=0.75,
        refused={"no_evidence": 2, "out_of_bounds": 1},
        left_out=(LeftOut(start=0, end=8, why=Omission.BOILERPLATE),),
    )

    extraction = (await client.get(f"/extractions/{posting_id}")).json()

    told = ("cached", "confidence", "triage", "failure", "dropped", "refused", "left_out")
    assert {name: extraction[name] for name in told} == {
        "cached": True,
        "confidence": 0.75,
        "triage": None,
        "failure": None,
        "dropped": 3,
        "refused": {"no_evidence": 2, "out_of_bounds": 1},
        "left_out": [{"start": 0, "end": 8, "why": "boilerplate"}],
    }


async def test_rules_that_stepped_in_say_why(
    client: httpx.AsyncClient, world: World, database: Database
) -> None:
    posting_id = world.postings[ANALYST]
    save(database, posting_id, extractor="rules", model=None, failure="small:1b: no JSON")
    assert (await client.get(f"/extractions/{posting_id}")).json()["failure"] == "small:1b: no JSON"

    save(database, posting_id, extractor="rules", model=None, triage="too_short")
    extraction = (await client.get(f"/extractions/{posting_id}")).json()
    assert (extraction["triage"], extraction["failure"]) == ("too_short", None)
    assert extraction["confidence"] is None
