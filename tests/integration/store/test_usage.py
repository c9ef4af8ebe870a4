from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from sqlalchemy import text

from openfunnel.store.database import Database
from openfunnel.store.run_writes import create_run
from openfunnel.store.usage import (
    UsageRow,
    add_usage,
    usage_in_all,
    usage_of_run,
    usage_of_runs,
)

USE = UsageRow(None, "lever", "small", 3, 1, 2**40, 20, 1.5)


def test_what_is_noted_adds_up_for_each_run_ats_and_model(store, now: datetime) -> None:
    run, other = (create_run(store.session, "import", "trace", [], now).id for _ in range(2))
    of_run = replace(USE, run_id=run)

    add_usage(store.session, [of_run, of_run, replace(of_run, model="large")], now)
    add_usage(store.session, [of_run, replace(of_run, ats="ashby")], now)
    add_usage(store.session, [replace(USE, run_id=other), USE], now)
    add_usage(store.session, [], now)

    thrice = UsageRow(run, "lever", "small", 9, 3, 3 * 2**40, 60, 4.5)
    assert usage_of_run(store.session, run) == [
        replace(of_run, ats="ashby"),
        replace(of_run, model="large"),
        thrice,
    ]
    assert usage_of_run(store.session, other) == [replace(USE, run_id=other)]
    assert usage_of_run(store.session, other + 1) == []
    assert usage_in_all(store.session) == [
        replace(USE, ats="ashby"),
        replace(USE, model="large"),
        UsageRow(None, "lever", "small", 15, 5, 5 * 2**40, 100, 7.5),
    ]
    assert usage_of_runs(store.session) == [
        replace(USE, ats="ashby"),
        replace(USE, model="large"),
        UsageRow(None, "lever", "small", 12, 4, 4 * 2**40, 80, 6.0),
    ]


def test_what_a_run_cost_that_is_gone_still_counts(store, now: datetime) -> None:
    run = create_run(store.session, "import", "trace", [], now).id
    store.session.execute(text("DELETE FROM runs"))

    add_usage(store.session, [replace(USE, run_id=run), USE], now)

    assert usage_of_run(store.session, run) == []
    assert [use.calls for use in usage_in_all(store.session)] == [6]


def test_a_model_with_an_endless_name_counts(store, now: datetime) -> None:
    name = Random(1).randbytes(10_000).hex()  # which no index takes, even compressed

    add_usage(store.session, [replace(USE, model=name), replace(USE, model=name + "!")], now)
    add_usage(store.session, [replace(USE, model=name)], now)

    assert [(use.model, use.calls) for use in usage_in_all(store.session)] == [(name[:200], 9)]


def test_many_workers_add_to_the_same_accounts_without_a_deadlock(
    database: Database, store_on: Callable[..., Any], now: datetime
) -> None:
    with database.begin() as session:
        runs = [create_run(session, "import", "trace", [], now).id for _ in range(5)]
    uses = [replace(USE, run_id=run, model=str(n)) for run in [*runs, None] for n in range(5)]

    def add(seed: int) -> None:
        with database.begin() as session:
            add_usage(session, Random(seed).sample(uses, len(uses)), now)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(add, range(40)))

    with database.begin() as session:
        assert {use.calls for use in usage_in_all(session)} == {3 * 6 * 40}
