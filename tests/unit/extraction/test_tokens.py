"""The estimate of tokens, and what it learns from a server's counts."""

import pytest

from openfunnel.extraction.tokens import LEAST, MOST, TokenEstimate

TEXT = "All the words of a posting, many times over. " * 50


def test_four_bytes_are_a_token_before_anything_was_counted() -> None:
    estimate = TokenEstimate()

    assert estimate("x" * 400) == 100
    assert estimate("数" * 400) == 300
    assert estimate("") == 0


def test_the_estimate_comes_to_what_the_model_counts() -> None:
    estimate = TokenEstimate()
    before = estimate(TEXT)

    for _ in range(200):
        estimate.note(estimate(TEXT), round(before * 1.3))

    assert estimate(TEXT) == pytest.approx(before * 1.3, rel=0.02)


def test_one_odd_count_moves_it_little() -> None:
    estimate = TokenEstimate()
    before = estimate(TEXT)

    estimate.note(before, before * 2)

    assert before < estimate(TEXT) < before * 1.1


@pytest.mark.parametrize("counted", [1, 10**15])
def test_counts_that_cannot_be_move_it_to_its_bounds_at_most(counted: int) -> None:
    estimate = TokenEstimate()
    before = estimate(TEXT)

    for _ in range(1_000):
        estimate.note(estimate(TEXT), counted)

    assert before * LEAST * 0.99 <= estimate(TEXT) <= before * MOST * 1.01


@pytest.mark.parametrize(("estimated", "counted"), [(0, 5), (5, 0), (-3, 5), (5, -3)])
def test_what_is_no_count_is_not_taken_in(estimated: int, counted: int) -> None:
    estimate = TokenEstimate()
    before = estimate(TEXT)

    estimate.note(estimated, counted)

    assert estimate(TEXT) == before


def test_a_lone_surrogate_is_counted_like_any_character() -> None:
    assert TokenEstimate()("\ud800" * 8) == 2
