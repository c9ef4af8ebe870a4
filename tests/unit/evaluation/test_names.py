"""Names that mean the same."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.evaluation.names import canonical, pair_by_overlap


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Postgres", "PostgreSQL"),
        ("k8s", "Kubernetes"),
        ("golang", "Go"),
        ("Some Unknown-Tool", "some unknown tool"),
    ],
)
def test_spellings_of_one_name_are_the_same(one: str, other: str) -> None:
    assert canonical(one)[0] == canonical(other)[0]


@pytest.mark.parametrize(("one", "other"), [("C", "C++"), ("Java", "JavaScript"), ("C#", "C")])
def test_different_names_stay_different(one: str, other: str) -> None:
    assert canonical(one)[0] != canonical(other)[0]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("machine-learning", "machine-learning-systems", True),
        ("modeling", "financial-modeling", True),
        ("financial-modeling", "data-modeling", False),
        ("seo", "technical-seo-content-audits", False),
        ("seo", "sea", False),
    ],
)
def test_names_overlap_where_half_of_all_their_words_are_in_both(
    one: str, other: str, same: bool
) -> None:
    assert pair_by_overlap([one], [other]) == ([(one, other)] if same else [])


def test_the_same_name_is_taken_before_a_similar_one() -> None:
    pairs = pair_by_overlap(["modeling", "financial-modeling"], ["financial-modeling"])

    assert pairs == [("financial-modeling", "financial-modeling")]


_SLUGS = st.lists(st.lists(st.sampled_from("abcd"), min_size=1, max_size=3).map("-".join))


@given(_SLUGS, _SLUGS, st.randoms(use_true_random=False))
def test_each_is_paired_once_and_in_any_order_alike(
    slugs: list[str], others: list[str], random: Random
) -> None:
    pairs = pair_by_overlap(slugs, others)

    assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
    assert {(one, one) for one in set(slugs) & set(others)} <= set(pairs)
    random.shuffle(slugs)
    random.shuffle(others)
    assert pair_by_overlap(slugs, others) == pairs
