from datetime import datetime

from openfunnel.store.model_answers import AnswerRow, find_answer, save_answer


def test_an_answer_is_found_by_its_key_alone(session, now: datetime) -> None:
    save_answer(session, "a", '{"summary": "ä"}', "m", 2**40, 7, now)

    assert find_answer(session, "a") == AnswerRow('{"summary": "ä"}', "m", 2**40, 7)
    assert find_answer(session, "b") is None


def test_of_two_answers_to_one_question_the_first_stays(session, now: datetime) -> None:
    save_answer(session, "a", "first", "m", 1, 1, now)
    save_answer(session, "a", "second", "m", 2, 2, now)

    assert find_answer(session, "a").content == "first"


def test_an_answer_that_postgresql_cannot_hold_is_mended(session, now: datetime) -> None:
    save_answer(session, "a", '{"summary": "\0\ud800"}', "m", 1, 1, now)

    assert find_answer(session, "a").content == '{"summary": "\ufffd"}'
