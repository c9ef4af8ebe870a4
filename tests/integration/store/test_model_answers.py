from datetime import datetime

from openfunnel.store.model_answers import AnswerRow, find_answers, save_answers

ANSWER = AnswerRow('{"summary": "ä \\"\\\\"}', "m", 2**40, 7)


def test_answers_are_found_by_their_keys_alone(session, now: datetime) -> None:
    other = AnswerRow("other", "n", 1, 2)
    save_answers(session, {"b": other, "a": ANSWER, "c": other}, now)

    assert find_answers(session, ["a", "b", "d"]) == {"a": ANSWER, "b": other}
    assert find_answers(session, []) == {}


def test_of_two_answers_to_one_question_the_first_stays(session, now: datetime) -> None:
    later = AnswerRow("later", "m", 2, 2)
    save_answers(session, {"a": ANSWER}, now)
    save_answers(session, {"a": later, "b": later}, now)

    assert find_answers(session, ["a", "b"]) == {"a": ANSWER, "b": later}


def test_an_answer_that_postgresql_cannot_hold_is_mended(session, now: datetime) -> None:
    save_answers(session, {"a": AnswerRow('{"summary": "\0\ud800"}', "m", 1, 1)}, now)

    assert find_answers(session, ["a"])["a"].content == '{"summary": "\ufffd"}'
