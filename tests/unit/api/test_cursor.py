import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import cursor
from openfunnel.errors import InvalidQuery

POSITION = ("2025-01-31T08:00:00+00:00", 42)


@given(st.text(), st.integers(1, 2**63 - 1), st.text())
def test_a_cursor_gives_back_its_position(value: str, row_id: int, search: str) -> None:
    assert cursor.decode(cursor.encode((value, row_id), search), search) == (value, row_id)


def test_a_cursor_of_another_search_is_refused() -> None:
    with pytest.raises(InvalidQuery) as caught:
        cursor.decode(cursor.encode(POSITION, "python"), "rust")
    assert caught.value.field == "cursor"


@pytest.mark.parametrize("at", range(len(cursor.encode(POSITION, "python"))))
def test_a_cursor_with_any_character_changed_is_refused(at: int) -> None:
    whole = cursor.encode(POSITION, "python")
    changed = whole[:at] + ("A" if whole[at] != "A" else "B") + whole[at + 1 :]
    with pytest.raises(InvalidQuery):
        cursor.decode(changed, "python")


@given(st.text())
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuery):
        cursor.decode(text, "python")


@pytest.mark.parametrize(
    "document",
    ["", "null", "1", "[]", "{}", '["a","b","c"]', "[" * 300, '[1,2,{"a":3}]', "[NaN,1,2]"],
)
def test_other_json_is_refused(document: str) -> None:
    with pytest.raises(InvalidQuery):
        cursor.decode(base64.urlsafe_b64encode(document.encode()).decode(), "python")
