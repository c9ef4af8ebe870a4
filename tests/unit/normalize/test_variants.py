"""Spellings of a skill that the taxonomy's files leave out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.taxonomy.variants import variants


@pytest.mark.parametrize(
    ("phrase", "others"),
    [
        ("marketing strategy", {"marketing strategies"}),
        ("financial modeling", {"financial modelling"}),
        ("data center engineering", {"data centre engineering"}),
        ("program planning", {"programme planning"}),
        ("optimize workflows", {"optimise workflows"}),
        (
            "behavior strategy",
            {"behaviour strategy", "behavior strategies", "behaviour strategies"},
        ),
        ("customer journey", set()),
        ("strategy", set()),
        ("sales", set()),
        ("", set()),
    ],
)
def test_a_phrase_has_its_plural_and_its_british_spelling(phrase: str, others: set[str]) -> None:
    assert variants(phrase) == others


@given(st.text(max_size=40))
def test_no_variant_is_the_phrase_itself(phrase: str) -> None:
    assert phrase not in variants(phrase)
