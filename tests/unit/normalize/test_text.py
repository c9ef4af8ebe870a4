"""Text: cleaning, folding, finding quotes again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.text import clean_text, find_verbatim, fold, one_line

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert one_line(one_line(text)) == one_line(text)
    assert clean_text(clean_text(text)) == clean_text(text)
    assert fold(fold(text)) == fold(text)


@pytest.mark.parametrize("junk", ["\x00", "\x07", "\u200b", "\ud800", "\ufffe", "\uffff", "\ufdd0"])
def test_what_is_no_character_is_taken_out(junk: str) -> None:
    assert one_line(f"Bak{junk}er") == clean_text(f"Bak{junk}er") == "Baker"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("  São\u00a0Paulo ", "sao paulo"),
        ("Łódź", "lodz"),
        ("STRASSE", fold("Straße")),
        ("København", "kobenhavn"),
        ("ﬁnance", "finance"),
        ("東京", "東京"),
        ("Zürich\n(CH)", "zurich (ch)"),
    ],
)
def test_folding_makes_spellings_alike(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("needle", "haystack", "found"),
    [
        ("five years", "At least five years.", "five years"),
        ("five  years", "At least five\n years.", "five\n years"),
        (" five years ", "five years", "five years"),
        ("a+b", "aab a+b", "a+b"),
        ("Five", "five", None),
        ("  ", "a  b", None),
        ("", "abc", None),
        ("longer than", "long", None),
    ],
)
def test_a_quote_is_found_with_white_space_folded(
    needle: str, haystack: str, found: str | None
) -> None:
    span = find_verbatim(needle, haystack)

    assert (haystack[slice(*span)] if span else None) == found


@given(ANY_TEXT, ANY_TEXT, ANY_TEXT)
def test_what_stands_in_a_text_is_found(before: str, needle: str, after: str) -> None:
    span = find_verbatim(needle, before + needle + after)

    if needle.split():
        assert span is not None
        assert (before + needle + after)[slice(*span)].split() == needle.split()
    else:
        assert span is None
