from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from api.parameters import PostingsQuery


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-31", datetime(2025, 1, 31, tzinfo=UTC)),
        ("2025-01-31T08:30", datetime(2025, 1, 31, 8, 30, tzinfo=UTC)),
        ("2025-01-31T08:30:00Z", datetime(2025, 1, 31, 8, 30, tzinfo=UTC)),
        ("2025-01-31T08:30:00+02:00", datetime(2025, 1, 31, 6, 30, tzinfo=UTC)),
    ],
)
def test_dates_and_times_are_utc_unless_they_say_otherwise(text: str, moment: datetime) -> None:
    assert PostingsQuery.model_validate({"posted_after": text}).posted_after == moment


@pytest.mark.parametrize(
    "text",
    ["2025", "1700000000", "31.01.2025", "2025-02-30", "0001-01-01T00:00:00+14:00", "9e9", "",
     "2025-01-31T08:30:00 02:00"],
)  # fmt: skip
def test_what_is_no_iso_date_is_refused(text: str) -> None:
    with pytest.raises(ValidationError, match="posted_after"):
        PostingsQuery.model_validate({"posted_after": text})


@pytest.mark.parametrize("amount", ["NaN", "Infinity", "-1", "1e400", "a lot", "1" * 400])
def test_amounts_that_are_no_pay_are_refused(amount: str) -> None:
    with pytest.raises(ValidationError, match="min_comp"):
        PostingsQuery.model_validate({"min_comp": amount})


@pytest.mark.parametrize("field", ["q", "company_name", "location", "skill"])
@pytest.mark.parametrize("text", ["", "  ", "a\0b", "x" * 301])
def test_words_that_say_nothing_are_refused(field: str, text: str) -> None:
    value = text if field == "q" else [text]
    with pytest.raises(ValidationError, match=field):
        PostingsQuery.model_validate({field: value})


def test_equal_searches_are_equal_whatever_the_order_and_page() -> None:
    one = PostingsQuery.model_validate({"skill": ["go", "python"], "limit": 1})
    other = PostingsQuery.model_validate({"skill": ["python", "go"], "limit": 200})
    assert one.canonical() == other.canonical()


def test_different_searches_differ() -> None:
    one = PostingsQuery.model_validate({"skill": ["go"]})
    other = PostingsQuery.model_validate({"skill": ["go"], "sort": "-comp"})
    assert one.canonical() != other.canonical()
