"""Letters of other alphabets that pass for Latin ones."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.lookalikes import fold_lookalikes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("S\u0435ni\u043er Engineer", "Senior Engineer"),
        ("\u0421TO", "CTO"),
        ("\u0391nalyst", "Analyst"),
        (
            "Senior \u0438\u043d\u0436\u0435\u043d\u0435\u0440",
            "Senior \u0438\u043d\u0436\u0435\u043d\u0435\u0440",
        ),
        ("\u0441\u0435\u043e", "\u0441\u0435\u043e"),  # no Latin letter at all
        ("Müller", "Müller"),
        ("", ""),
    ],
)
def test_only_words_that_become_latin_are_changed(text: str, expected: str) -> None:
    assert fold_lookalikes(text) == expected


@given(st.text(max_size=200))
def test_any_text_keeps_its_length(text: str) -> None:
    assert len(fold_lookalikes(text)) == len(text)


@given(st.text(max_size=200))
def test_doing_it_twice_changes_nothing_more(text: str) -> None:
    once = fold_lookalikes(text)
    assert fold_lookalikes(once) == once
