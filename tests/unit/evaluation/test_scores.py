"""Counts and the figures made of them."""

import pytest

from openfunnel.evaluation.scores import Overlap, Score, Share


def test_figures_are_made_of_the_sum_of_counts() -> None:
    one = Score(1, {"a": Share(1, 1)}, {"b": Overlap(matched=1, found=1, wanted=4)})
    other = Score(2, {"a": Share(1, 3)}, {"b": Overlap(matched=2, found=3, wanted=2)})

    both = one + other

    assert both.postings == 3
    assert both.shares["a"].value == pytest.approx(2 / 4)
    assert both.overlaps["b"].precision == pytest.approx(3 / 4)
    assert both.overlaps["b"].recall == pytest.approx(3 / 6)
    assert both.overlaps["b"].f1 == pytest.approx(2 * 3 / (4 + 6))


def test_what_came_up_on_one_side_alone_is_kept() -> None:
    one = Score(1, {"a": Share(1, 1)}, {"b": Overlap(1, 1, 1)})

    assert one + Score() == one
    assert Score() + one == one


def test_a_figure_of_nothing_is_none() -> None:
    assert Share().value is None
    assert Overlap().precision is None
    assert Overlap().recall is None
    assert Overlap().f1 is None


@pytest.mark.parametrize("overlap", [Overlap(0, 3, 0), Overlap(0, 0, 3), Overlap(0, 3, 3)])
def test_without_a_match_f1_is_0(overlap: Overlap) -> None:
    assert overlap.f1 == 0
