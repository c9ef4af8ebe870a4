from datetime import datetime, timedelta

import pytest
from sqlalchemy import text

from openfunnel.store.model_answers import (
    NOTED,
    KnownAnswer,
    find_answers,
    forget_answers,
    save_answers,
)

ANSWER = KnownAnswer('{"summary": "ä \\"\\\\"}', "m")
OTHER = KnownAnswer("other", "n")


def test_answers_are_found_by_their_keys_alone(session, now: datetime) -> None:
    save_answers(session, {"b": OTHER, "a": ANSWER, "c": OTHER}, now)

    assert find_answers(session, ["a", "b", "d"], now) == {"a": ANSWER, "b": OTHER}
    assert find_answers(session, [], now) == {}


def test_an_answer_takes_the_place_of_the_one_before(session, now: datetime) -> None:
    save_answers(session, {"a": ANSWER}, now)
    save_answers(session, {"a": OTHER, "b": OTHER}, now)

    assert find_answers(session, ["a", "b"], now) == {"a": OTHER, "b": OTHER}


def test_an_answer_that_postgresql_cannot_hold_is_mended(session, now: datetime) -> None:
    save_answers(session, {"a": KnownAnswer('{"summary": "\0\ud800"}', "m")}, now)

    assert find_answers(session, ["a"], now)["a"].content == '{"summary": "\ufffd"}'


@pytest.mark.parametrize(
    ("after", "noted"),
    [(NOTED, False), (NOTED + timedelta(seconds=1), True)],
    ids=["within a day", "later"],
)
def test_the_use_of_an_answer_is_noted_once_a_day(
    session, now: datetime, after: timedelta, noted: bool
) -> None:
    save_answers(session, {"a": ANSWER, "b": ANSWER}, now)

    find_answers(session, ["a"], now + after)

    used = dict(session.execute(text("SELECT key, used_at FROM model_answers")).all())
    assert used == {"a": now + after if noted else now, "b": now}


def test_answers_of_no_use_are_forgotten_the_oldest_first(session, now: datetime) -> None:
    for age, key in enumerate("abcd"):
        save_answers(session, {key: ANSWER}, now - timedelta(days=age))

    assert forget_answers(session, now - timedelta(days=1), most=1) == 1
    assert find_answers(session, "abcd", now).keys() == {"a", "b", "c"}
    assert forget_answers(session, now - timedelta(days=1), most=10) == 0
