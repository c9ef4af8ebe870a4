"""Workers whose model misbehaves: every posting ends, with a result or with a reason."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from openfunnel.extraction.contract import Extractor
from openfunnel.extraction.router import choose
from openfunnel.extraction.usage import Meter
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.ollama import MODEL, router
from openfunnel.sandbox.serve import running
from openfunnel.settings import Settings
from openfunnel.store import usage
from openfunnel.store.database import Database

from .conftest import MakeWorker, Store

TEXT = """We run a platform that hospitals rely on, day and night.
What you will do: build services in Python, keep them in PostgreSQL, and see them through to
production on Kubernetes. You need five years of experience and like to explain what you do.
"""


@asynccontextmanager
async def model(
    database: Database, meter: Meter, faults: str = "", **settings: Any
) -> AsyncIterator[Extractor]:
    """An extractor whose model server fails as `faults` say; half of them spare the first call."""
    wrong = parse_faults(faults)
    with running(GeneratedWorld(1, 1), wrong, router(wrong)) as url:
        loaded = Settings.load(
            environ={}, extractor="ollama", ollama_host=url, model=MODEL, **settings
        )
        choice = await choose(loaded, database, meter, slots=3)
        yield choice.extractor
        await choice.extractor.close()


async def test_postings_are_extracted_by_the_model_and_its_use_is_stored(
    store: Store, database: Database, make_worker: MakeWorker
) -> None:
    store.fetch(6, TEXT)
    meter = Meter()
    async with model(database, meter) as extractor:
        await make_worker(extractor, meter=meter).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 6
    assert {(one.extractor, one.model) for one in store.extractions()} == {("ollama", MODEL)}
    with database.begin() as session:
        (row,) = usage.usage_in_all(session)
    assert (row.ats, row.model, row.calls) == ("greenhouse", MODEL, 6)
    assert row.tokens_in == sum(one.tokens_in for one in store.extractions()) > 0


@pytest.mark.parametrize("faults", ["ollama-busy:0.5", "ollama-unreachable:0.5"])
async def test_a_model_that_is_often_away_extracts_everything_in_the_end(
    store: Store, database: Database, make_worker: MakeWorker, faults: str
) -> None:
    store.fetch(12, TEXT)
    meter = Meter()
    async with model(database, meter, faults) as extractor:
        await make_worker(extractor, meter=meter).run(asyncio.Event(), drain=True)

    assert store.statuses() == ["extracted"] * 12
    assert {(one.extractor, one.model) for one in store.extractions()} == {("ollama", MODEL)}
    assert store.dead_letters() == []


async def test_answers_that_stay_unusable_leave_the_posting_to_the_rules(
    store: Store, database: Database, make_worker: MakeWorker
) -> None:
    store.fetch(1, TEXT)
    async with model(database, Meter(), "ollama-invalid") as extractor:
        await make_worker(extractor).run(asyncio.Event(), drain=True)

    (stored,) = store.extractions()
    assert (stored.extractor, stored.model) == ("rules", None)
    assert stored.failure.startswith(MODEL)
    assert store.statuses() == ["extracted"]


async def test_answers_that_stay_unusable_end_as_a_dead_letter_where_that_is_wished(
    store: Store, database: Database, make_worker: MakeWorker
) -> None:
    (posting_id,) = store.fetch(1, TEXT)
    wish = {"on_model_failure": "dead"}
    async with model(database, Meter(), "ollama-invalid", **wish) as extractor:
        await make_worker(extractor).run(asyncio.Event(), drain=True)

    (letter,) = store.dead_letters()
    assert (letter.kind, letter.key, letter.attempts) == ("extract", str(posting_id), 1)
    assert MODEL in letter.last_error
    assert store.statuses() == ["failed"]
