"""Replays on a real database: what is stored, what is counted, and where one goes on."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from openfunnel.errors import DatabaseUnavailable, ExtractionFailed, ModelBusy
from openfunnel.extraction import naming, rules
from openfunnel.extraction.replay import BATCH, Replay
from openfunnel.extraction.replay_journal import Plan
from openfunnel.extraction.replay_report import CountedChange, ReplayReport
from openfunnel.extraction.router import choose
from openfunnel.extraction.usage import Meter
from openfunnel.normalize import skills, taxonomy
from openfunnel.records import (
    ExtractionResult,
    PostingStatus,
    PostingText,
    Seniority,
    Sourced,
    ValueSource,
)
from openfunnel.sandbox.ollama import MODEL, router
from openfunnel.sandbox.serve import running
from openfunnel.settings import Settings
from openfunnel.store import usage
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from openfunnel.store.models import StoredReplay
from openfunnel.store.queries import postings_for_extraction
from openfunnel.store.replays import ReplayFilter

from .conftest import NOW, Rules, Store

MANY = 3 * BATCH
TEXT = (
    "About the role\nYou will build the pipelines of our planning tool, and keep them running "
    "for ten thousand shops in nine countries.\n## Requirements\n- 5 years of Python and Kafka\n"
    "- You write clearly, and you like to look into what went wrong.\n"
)


class Level(Rules):
    """The rules, and a level of one's own; the first word of `failing` titles fails."""

    def __init__(self, level: Seniority, **changes: Any) -> None:
        super().__init__(**changes)
        self.level = level

    async def extract(self, posting: PostingText) -> ExtractionResult:
        result = await super().extract(posting)
        level = Sourced[Seniority](value=self.level, source=ValueSource.RULES)
        extraction = result.extraction.model_copy(update={"seniority": level})
        return result.model_copy(update={"extraction": extraction})


def levels(store: Store) -> list[str]:
    return [one.seniority for one in store.extractions()]


def extracted(
    store: Store, count: int, name: str = "rules", model: str | None = None, text: str = TEXT
) -> list[int]:
    """Store postings with an extraction, as a worker leaves them."""
    ids = store.fetch(count, text)
    with store.database.begin() as session:
        pending = postings_for_extraction(session, ids)
        save_extractions(session, [finished(pending[one], name, model) for one in ids], NOW)
    return ids


def finished(
    pending: Any, name: str = "rules", model: str | None = None, fence: int = 1
) -> FinishedExtraction:
    result = ExtractionResult(
        extraction=rules.extract(pending.posting), extractor=name, model=model, prompt_version="1"
    )
    return FinishedExtraction(pending.id, pending.text_checksum, result, fence)


Make = Callable[..., Replay]


@pytest.fixture
def make(database: Database) -> Make:
    """Make a replay that loses no time."""

    def make(extractor: Any, plan: Plan | None = None, **changes: Any) -> Replay:
        values = {"meter": Meter(), "slots": 2, "clock": lambda: NOW, "pause_seconds": 0}
        return Replay(database, extractor, plan=plan or Plan(), **(values | changes))

    return make


async def run(replay: Replay, stop: asyncio.Event | None = None) -> ReplayReport:
    await replay.begin()
    done = await replay.run(stop or asyncio.Event(), lambda _: None)
    assert done or stop
    return replay.report


async def test_what_changed_is_stored_and_counted(store: Store, make: Make) -> None:
    extracted(store, MANY)

    report = await run(make(Level(Seniority.STAFF)))

    assert levels(store) == ["staff"] * MANY
    assert (report.postings, report.changed, report.same) == (MANY, MANY, 0)
    assert report.changes == (
        CountedChange(field="seniority", before="mid", after="staff", postings=MANY),
    )


async def test_nothing_changes_where_everything_says_the_same(store: Store, make: Make) -> None:
    extracted(store, 3)

    report = await run(make(Rules()))

    assert (report.postings, report.same, report.changes) == (3, 3, ())


async def test_a_stopped_replay_goes_on_behind_the_last_posting_it_stored(
    store: Store, make: Make
) -> None:
    ids = extracted(store, MANY)
    stop = asyncio.Event()
    first = make(Level(Seniority.STAFF))
    await first.begin()

    done = await first.run(stop, lambda _: stop.set())
    assert not done
    assert levels(store) == ["staff"] * BATCH + ["mid"] * (MANY - BATCH)

    second = make(rest := Level(Seniority.STAFF))
    begun = await second.begin()
    assert begun is not None
    assert begun.after_id == ids[BATCH - 1]
    assert await second.run(asyncio.Event(), lambda _: None)
    assert len(rest.titles) == MANY - BATCH
    assert (second.report.postings, second.report.changed) == (MANY, MANY)


async def test_a_replay_that_dies_counts_no_posting_twice(store: Store, make: Make) -> None:
    extracted(store, MANY)
    shown: list[int] = []

    def clock() -> datetime:  # read once for each batch
        if shown:
            raise RuntimeError("killed")
        return NOW

    first = make(Level(Seniority.STAFF), clock=clock)
    await first.begin()
    with pytest.raises(RuntimeError, match="killed"):
        await first.run(asyncio.Event(), lambda report: shown.append(report.postings))
    assert shown == [BATCH]

    report = await run(make(Level(Seniority.STAFF)))

    assert (report.postings, report.changed, report.same) == (MANY, MANY, 0)


async def test_a_replay_that_is_through_begins_anew(store: Store, make: Make) -> None:
    extracted(store, 3)
    await run(make(Rules()))

    again = make(Level(Seniority.STAFF))

    assert await again.begin() is None
    assert await again.run(asyncio.Event(), lambda _: None)
    assert again.report.changed == 3


async def test_what_was_left_undone_can_be_left_behind(store: Store, make: Make) -> None:
    extracted(store, MANY)
    stop = asyncio.Event()
    first = make(Rules())
    await first.begin()
    await first.run(stop, lambda _: stop.set())

    second = make(Level(Seniority.STAFF))

    assert await second.begin(anew=True) is None
    assert await second.run(asyncio.Event(), lambda _: None)
    assert second.report.changed == MANY


async def test_a_limit_is_of_the_whole_replay(store: Store, make: Make) -> None:
    extracted(store, MANY)
    plan, stop = Plan(limit=BATCH + 3), asyncio.Event()
    first = make(Level(Seniority.STAFF), plan)
    await first.begin()
    await first.run(stop, lambda _: stop.set())

    report = await run(make(Level(Seniority.STAFF), plan))

    assert report.postings == BATCH + 3
    assert levels(store).count("staff") == BATCH + 3


async def test_only_what_matches_is_extracted_again(store: Store, make: Make) -> None:
    extracted(store, 2)
    mine = ReplayFilter(company_name="acme")

    found = await run(make(Level(Seniority.LEAD), Plan(mine)))
    missed = await run(make(Level(Seniority.VP), Plan(ReplayFilter(ats="lever"))))

    assert (found.postings, missed.postings) == (2, 0)
    assert levels(store) == ["lead", "lead"]


async def test_a_dry_run_shows_what_would_change_and_stores_nothing(
    store: Store, make: Make, database: Database
) -> None:
    extracted(store, 3)

    report = await run(make(Level(Seniority.STAFF), Plan(dry_run=True)))

    assert report.changed == 3
    assert levels(store) == ["mid"] * 3
    with database.begin() as session:
        assert session.scalars(select(StoredReplay)).all() == []


async def test_postings_that_wait_are_extracted_when_they_are_asked_for(
    store: Store, make: Make
) -> None:
    store.fetch(2)

    usual = await run(make(Rules()))
    waiting = await run(make(Rules(), Plan(ReplayFilter(status=PostingStatus.FETCHED))))

    assert (usual.postings, waiting.postings, waiting.new) == (0, 2, 2)
    assert store.statuses() == ["extracted", "extracted"]


# --- what is not replaced -----------------------------------------------------------------------


async def test_a_result_that_a_worker_stored_meanwhile_stays(store: Store, make: Make) -> None:
    ids = extracted(store, 2)

    async def overtake(posting: PostingText) -> None:
        if posting.title != "Engineer 0":
            return
        with store.database.begin() as session:
            for pending in postings_for_extraction(session, ids).values():
                if pending.posting.title == posting.title:
                    save_extractions(session, [finished(pending, fence=7)], NOW)

    report = await run(make(Level(Seniority.STAFF, before=overtake)))

    assert (report.outrun, report.changed) == (1, 1)
    assert sorted(levels(store)) == ["mid", "staff"]


async def test_a_posting_that_cannot_be_extracted_keeps_what_it_had(
    store: Store, make: Make
) -> None:
    extracted(store, 3)

    async def fail(posting: PostingText) -> None:
        if posting.title == "Engineer 0":
            raise ExtractionFailed(reason="no answer")
        if posting.title == "Engineer 1":
            raise ValueError("a bug")

    report = await run(make(Level(Seniority.STAFF, before=fail)))

    assert (report.failed, report.changed) == (2, 1)
    assert report.failures == {
        "The extraction failed: no answer.": 1,
        "ValueError: a bug": 1,
    }
    assert sorted(levels(store)) == ["mid", "mid", "staff"]


class Endless(Level):
    """Says of one posting what PostgreSQL cannot store."""

    async def extract(self, posting: PostingText) -> ExtractionResult:
        result = await super().extract(posting)
        much = 2**70 if posting.title == "Engineer 1" else 1
        return result.model_copy(update={"tokens_in": much})


async def test_of_a_batch_with_a_value_postgresql_refuses_only_that_one_is_lost(
    store: Store, make: Make
) -> None:
    extracted(store, 3)

    report = await run(make(Endless(Seniority.STAFF)))

    assert (report.changed, report.failed) == (2, 1)
    assert "PostgreSQL refuses it" in next(iter(report.failures))
    assert sorted(levels(store)) == ["mid", "staff", "staff"]


@pytest.mark.parametrize(
    ("how", "kept", "failed"), [({"triage": "closed"}, 2, 0), ({"failure": "m: no JSON"}, 0, 2)]
)
async def test_rules_that_stand_in_do_not_replace_a_model(
    store: Store, make: Make, how: dict[str, str], kept: int, failed: int
) -> None:
    extracted(store, 2, "ollama", "small:1b")

    class StandIn(Level):
        async def extract(self, posting: PostingText) -> ExtractionResult:
            return (await super().extract(posting)).model_copy(update=how)

    report = await run(make(StandIn(Seniority.STAFF)))

    assert (report.kept, report.failed, report.postings) == (kept, failed, 2)
    assert [one.extractor for one in store.extractions()] == ["ollama", "ollama"]


async def test_rules_replace_a_model_where_they_are_asked_for(store: Store, make: Make) -> None:
    extracted(store, 2, "ollama", "small:1b")

    report = await run(make(Level(Seniority.STAFF), Plan(rules_replace_models=True)))

    assert report.changed == 2
    assert [one.extractor for one in store.extractions()] == ["rules", "rules"]


# --- models -------------------------------------------------------------------------------------


async def test_a_model_that_is_away_is_waited_for(store: Store, make: Make) -> None:
    extracted(store, 2)
    refusals = iter([True, True, True])

    async def refuse(_: PostingText) -> None:
        if next(refusals, False):
            raise ModelBusy(model="m", host="h", reason="busy")

    report = await run(make(Level(Seniority.STAFF, before=refuse)))

    assert (report.changed, report.failed) == (2, 0)


async def test_a_store_that_is_away_for_a_moment_is_waited_for(store: Store, make: Make) -> None:
    extracted(store, 2)
    outages = iter([True, True])

    async def fail(_: PostingText) -> None:
        if next(outages, False):
            raise DatabaseUnavailable(url="u", detail="it restarts")

    report = await run(make(Level(Seniority.STAFF, before=fail)))

    assert (report.changed, report.failed) == (2, 0)


async def test_a_replay_that_waits_for_a_model_can_be_stopped(store: Store, make: Make) -> None:
    extracted(store, 2)
    stop = asyncio.Event()

    async def refuse(_: PostingText) -> None:
        stop.set()
        raise ModelBusy(model="m", host="h", reason="busy")

    report = await run(make(Rules(before=refuse)), stop)

    assert report.postings == 0


async def test_what_models_cost_is_of_the_source_and_of_no_run(
    store: Store, make: Make, database: Database
) -> None:
    extracted(store, 2)
    meter = Meter()

    class Metered(Rules):
        async def extract(self, posting: PostingText) -> ExtractionResult:
            meter.note(posting, "m", calls=1, cache_hits=2, tokens_in=30, tokens_out=4, seconds=5)
            return await super().extract(posting)

    report = await run(make(Metered(), meter=meter))

    assert (report.calls, report.cache_hits) == (2, 4)
    assert (report.tokens_in, report.tokens_out) == (60, 8)
    with database.begin() as session:
        (row,) = usage.usage_in_all(session)
    assert row == usage.UsageRow(None, "greenhouse", "m", 2, 4, 60, 8, 10.0)


class NoBoards:
    """A world without boards: these tests are about the model."""

    def boards(self) -> tuple[()]:
        return ()

    def answer(self, ref: object) -> None:
        return None


@pytest.fixture
def model_server() -> Iterator[str]:
    with running(NoBoards(), ollama=router(slots=4)) as url:
        yield url


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], None]]:
    """Give an entry of the taxonomy another name, and its former one as an alias."""

    def forget() -> None:
        for module in (skills, naming):
            for one in vars(module).values():
                if hasattr(one, "cache_clear"):
                    one.cache_clear()

    def rename(old: str, new: str) -> None:
        slug = taxonomy.slug_of(new)
        changed = tuple(
            replace(one, name=new, slug=slug) if one.name == old else one
            for one in taxonomy.entries()
        )
        for module in (taxonomy, naming):
            monkeypatch.setattr(module, "entries", lambda: changed)
        forget()

    yield rename
    monkeypatch.undo()
    forget()


async def test_a_replay_after_a_change_of_the_taxonomy_asks_no_model(
    store: Store,
    make: Make,
    settings: Settings,
    model_server: str,
    database: Database,
    rename: Callable[[str, str], None],
) -> None:
    store.fetch(5, TEXT)
    asked = settings.model_copy(
        update={"ollama_host": model_server, "model": MODEL, "extractor": "ollama"}
    )
    meter = Meter()
    extractor = (await choose(asked, database, meter, slots=2)).extractor
    waiting = Plan(ReplayFilter(status=PostingStatus.FETCHED))
    first = await run(make(extractor, waiting, meter=meter))
    assert (first.new, first.calls) == (5, 5)

    rename("Apache Kafka", "Kafka")
    report = await run(make(extractor, meter=meter))

    assert (report.calls, report.cache_hits, report.tokens_in) == (0, 5, 0)
    assert httpx.get(f"{model_server}/sandbox/calls").json()["chat"] == first.calls
    named = {(one.before, one.after): one.postings for one in report.changes}
    assert named == {("Apache Kafka", None): 5, (None, "Kafka"): 5}
    await extractor.close()
