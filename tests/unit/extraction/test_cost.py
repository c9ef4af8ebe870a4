"""Projections, by numbers that can be checked on paper."""

from dataclasses import replace
from decimal import Decimal

import pytest

from openfunnel.extraction.cost import (
    POSTING_TOKENS,
    Assumptions,
    Prices,
    assume,
    measure,
    project,
)
from openfunnel.extraction.prompt import SYSTEM_PROMPT
from openfunnel.extraction.tokens import TokenEstimate
from openfunnel.store.progress import ModelShare
from openfunnel.store.usage import UsageRow

EVEN = Assumptions(
    tokens_in=1000, tokens_out=200, seconds=3.6, calls=1, cached=0, triaged=0, slots=1
)
USES = [
    UsageRow(None, "greenhouse", "small", 80, 15, 80_000, 16_000, 240.0),
    UsageRow(None, "lever", "small", 10, 5, 10_000, 3_000, 20.0),
    UsageRow(None, "lever", "large", 10, 5, 10_000, 1_000, 140.0),
]
SHARE = ModelShare(asked=90, triaged=10, tokens_in=1100.0)


def test_a_thousand_postings_at_an_even_thousand_tokens() -> None:
    projected = project(1000, EVEN, Prices(Decimal("0.5"), Decimal(2)))

    assert (projected.calls, projected.tokens_in, projected.tokens_out) == (1000, 1e6, 2e5)
    assert projected.model_hours == projected.hours == pytest.approx(1)
    assert projected.money == Decimal("0.9")


@pytest.mark.parametrize(
    ("changes", "calls", "hours"),
    [
        ({"triaged": 0.25}, 750, 0.75),
        ({"cached": 0.2}, 800, 0.8),
        ({"triaged": 0.25, "cached": 0.2}, 600, 0.6),
        ({"calls": 1.5}, 1500, 1.5),
        ({"slots": 4}, 1000, 0.25),
        ({"cached": 1}, 0, 0),
    ],
)
def test_each_assumption_counts(changes: dict[str, float], calls: float, hours: float) -> None:
    projected = project(1000, replace(EVEN, **changes))

    assert projected.calls == pytest.approx(calls)
    assert projected.tokens_in == pytest.approx(calls * 1000)
    assert projected.hours == pytest.approx(hours)


def test_slots_shorten_the_clock_and_not_the_models_time() -> None:
    assert project(1000, replace(EVEN, slots=4)).model_hours == pytest.approx(1)


def test_without_prices_there_is_no_price() -> None:
    assert project(1000, EVEN).money is None


def test_averages_are_of_calls_over_all_sources_and_models() -> None:
    measured = measure(USES, [], SHARE)

    assert measured is not None
    assert (measured.tokens_in, measured.tokens_out, measured.seconds) == (1000, 200, 4)
    assert (measured.cached, measured.triaged) == (0.2, 0.1)
    assert measured.calls == pytest.approx(1.1)


def test_a_replay_which_knows_all_answers_does_not_halve_the_costs_of_new_postings() -> None:
    replayed = [replace(use, cache_hits=use.cache_hits + 100) for use in USES]

    measured = measure(replayed, USES, SHARE)

    assert measured is not None
    assert measured.cached == 0.2


@pytest.mark.parametrize("tokens_in", [None, 400.0])
def test_a_posting_takes_a_call_at_least(tokens_in: float | None) -> None:
    measured = measure(USES, [], replace(SHARE, tokens_in=tokens_in))

    assert measured is not None
    assert measured.calls == 1


def test_servers_that_count_no_tokens_are_measured_all_the_same() -> None:
    uncounted = replace(USES[0], tokens_in=0, tokens_out=0)
    measured = measure([uncounted], [], ModelShare(0, 0, None))

    assert measured is not None
    assert (measured.tokens_in, measured.calls, measured.triaged) == (0, 1, 0)


@pytest.mark.parametrize("uses", [[], [UsageRow(None, "lever", "small", 0, 5, 0, 0, 0.0)]])
def test_nothing_is_measured_without_a_call(uses: list[UsageRow]) -> None:
    assert measure(uses, uses, SHARE) is None


def test_what_is_assumed_keeps_within_the_budget_of_the_prompt() -> None:
    instructions = TokenEstimate()(SYSTEM_PROMPT)

    assert assume(100).tokens_in == instructions + 100
    assert assume(100_000).tokens_in == instructions + POSTING_TOKENS
