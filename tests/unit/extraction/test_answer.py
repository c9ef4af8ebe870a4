"""Reading a model's answer: whatever comes, sound values come out, or a refusal that says why."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from openfunnel.extraction.answer import (
    MOST_CHARACTERS,
    MOST_ITEMS,
    NOT_IN_SCHEMA,
    OUT_OF_BOUNDS,
    UNSTORABLE,
    InvalidAnswer,
    ModelAnswer,
    describe,
    read_answer,
    salvage_answer,
)
from openfunnel.records import RoleFunction, Seniority
from tests.unit.extraction.scripted_model import an_answer

KAFKA = {"evidence": "Kafka is a plus", "name": "Kafka", "stance": "preferred"}


def written(**changes: Any) -> str:
    return json.dumps(an_answer(**changes))


def a_skill(**changes: str) -> str:
    return f'"skills": [{json.dumps(KAFKA | changes)}]'


def written_with(change: str) -> str:
    """Return an answer in which one member is written as it stands: JSON has no NaN to dump."""
    name = change.partition(":")[0].strip('"')
    kept = {key: value for key, value in an_answer().items() if key != name}
    return f"{json.dumps(kept)[:-1]}, {change}}}"


# --- finding the JSON ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "```json\n{}\n```",
        "```\n{}\n```\nI hope that helps!",
        "Sure! Here it is: {}",
        "<think>Who is hired? {{maybe: a cook}}</think>\n{}",
        "Who is hired? A cook.\n</think>\n\n{}",
        '<think>Say {{"seniority": "junior"}}? No: "senior.</think>{} That is all.',
        'For example {{"name": "Kafka"}}; and so: {}',
        "{{\n\n{}",
        "{} </think>",
    ],
)
def test_the_answer_is_found_among_thoughts_fences_and_words(around: str) -> None:
    answer = read_answer(around.format(written()))

    assert (answer.seniority, answer.years_experience_min) == ("senior", 5)


def test_of_two_answers_the_last_counts() -> None:
    assert read_answer(written(seniority="junior") + written()).seniority == "senior"


def test_a_value_that_looks_like_the_end_of_thinking_ends_nothing() -> None:
    answer = read_answer(written(summary='A "</think>" {"seniority": "vp"} cook.'))

    assert answer.summary == 'A "</think>" {"seniority": "vp"} cook.'


def test_line_breaks_inside_a_text_are_read() -> None:
    assert read_answer(written().replace("data engineer", "data\nengineer")) == read_answer(
        written()
    )


@pytest.mark.parametrize(
    "content",
    [
        "",
        "null",
        "[]",
        "3",
        "{",
        "{}",
        '{"a": 1}',
        "Sure! Here it is:",
        "<think>" + written(),
        written()[:-1],
        '{"a":' * 100_000,
        "{" * 100_000,
        '{"' * 100_000,
        '{"a" ' * 100_000,
        "[" * 100_000,
        written(mood=[]).replace("[]", "[" * 9000 + "]" * 9000),
        written(mood="x" * MOST_CHARACTERS),
    ],
    ids=lambda content: content[:20] or "nothing",
)
def test_what_holds_no_answer_is_refused_and_cannot_be_salvaged(content: str) -> None:
    if content.startswith("<think>"):
        content = content[: len(content) // 2]

    with pytest.raises(InvalidAnswer) as refused:
        read_answer(content)
    with pytest.raises(InvalidAnswer):
        salvage_answer(content)

    assert 0 < len(describe(refused.value)) < 500


# --- bounds -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "place", "reason"),
    [
        ('"pay_min": NaN', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": -Infinity', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": 1e999', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": 18e8393482890949', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": 1e-8393482890949', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": "18e8393482890949"', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": "sNaN"', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": 1e13', "pay_min", OUT_OF_BOUNDS),
        ('"pay_min": -5', "pay_min", OUT_OF_BOUNDS),
        (f'"pay_min": {"9" * 5000}', "pay_min", OUT_OF_BOUNDS),
        ('"pay_currency": "dollars"', "pay_currency", NOT_IN_SCHEMA),
        ('"pay_is_on_target_earnings": "sometimes"', "pay_is_on_target_earnings", NOT_IN_SCHEMA),
        ('"years_experience_min": 51', "years_experience_min", OUT_OF_BOUNDS),
        ('"years_experience_min": 62997139034615', "years_experience_min", OUT_OF_BOUNDS),
        (f'"years_experience_min": {"9" * 400_000}', "years_experience_min", OUT_OF_BOUNDS),
        ('"years_experience_min": 2.5', "years_experience_min", NOT_IN_SCHEMA),
        ('"years_evidence": "a\\u0000b"', "years_evidence", UNSTORABLE),
        ('"years_evidence": "\\ud800"', "years_evidence", UNSTORABLE),
        (f'"years_evidence": "{"x" * 1001}"', "years_evidence", OUT_OF_BOUNDS),
        ('"summary": ["a"]', "summary", NOT_IN_SCHEMA),
        ('"summary": "a\x00b"', "summary", UNSTORABLE),
        (f'"summary": "{"x" * 10_000}"', "summary", OUT_OF_BOUNDS),
        ('"workplace": "moon"', "workplace", NOT_IN_SCHEMA),
        ('"workplace": "\\udfff"', "workplace", NOT_IN_SCHEMA),
        ('"skills": null', "skills", NOT_IN_SCHEMA),
        ('"skills": "Kafka"', "skills", NOT_IN_SCHEMA),
        ('"skills": ["Kafka"]', "skills.0", NOT_IN_SCHEMA),
        (a_skill(name="x" * 10_000), "skills.0.name", OUT_OF_BOUNDS),
        (a_skill(name="a\0"), "skills.0.name", UNSTORABLE),
        (a_skill(stance="loved"), "skills.0.stance", NOT_IN_SCHEMA),
        ('"locations": [{"city": "Lyon"}]', "locations.0.region", NOT_IN_SCHEMA),
    ],
    ids=lambda value: value[:40],
)
def test_a_value_beyond_sense_is_refused_and_the_rest_of_its_answer_salvaged(
    change: str, place: str, reason: str
) -> None:
    content = written_with(change)

    with pytest.raises(InvalidAnswer) as refused:
        read_answer(content)
    answer, reasons = salvage_answer(content)

    assert describe(refused.value).startswith(f"{place}: ")
    assert reasons == {reason: 1}
    name = place.partition(".")[0]
    assert getattr(answer, name) in (None, ())
    assert answer.model_copy(update={name: None}) == read_answer(written()).model_copy(
        update={name: None}
    )


@pytest.mark.parametrize("change", ['"seniority": "wizard"', '"role_function": null'])
def test_without_role_or_level_nothing_can_be_salvaged(change: str) -> None:
    with pytest.raises(InvalidAnswer, match=change.split('"')[1]):
        salvage_answer(written_with(change))


def test_a_list_beyond_sense_is_cut() -> None:
    answer, reasons = salvage_answer(written(skills=[KAFKA] * (MOST_ITEMS + 30)))

    assert len(answer.skills) == MOST_ITEMS
    assert reasons == {OUT_OF_BOUNDS: 30}


def test_faulty_items_and_optional_values_are_left_out_and_counted_by_reason() -> None:
    content = written(
        years_experience_min=99,
        technologies=[
            KAFKA | {"stance": "loved"},
            KAFKA,
            KAFKA | {"name": "", "evidence": 3},
            KAFKA | {"evidence": "\0"},
        ],
    )

    answer, reasons = salvage_answer(content)

    assert [one.name for one in answer.technologies] == ["Kafka"]
    assert answer.years_experience_min is None
    assert reasons == {OUT_OF_BOUNDS: 1, NOT_IN_SCHEMA: 2, UNSTORABLE: 1}


def test_a_sound_answer_is_salvaged_whole() -> None:
    assert salvage_answer(written()) == (read_answer(written()), {})


def test_keys_beyond_the_schema_and_words_for_nothing_do_no_harm() -> None:
    answer = read_answer(
        written(mood="fine", workplace="", employment_type="N/A", pay_currency=" usd ")
    )

    assert (answer.workplace, answer.employment_type, answer.pay_currency) == (None, None, "USD")


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Python,", "Python"),
        ('"Kafka"', "Kafka"),
        ("“dbt”;", "dbt"),
        ("- `Go`", "Go"),
        ("SQL)", "SQL"),
        ("(SQL", "SQL"),
        ("Excel (advanced)", "Excel (advanced)"),
        ("C++,", "C++"),
        ("C#.", "C#"),
        (".NET", ".NET"),
        ("Yahoo!", "Yahoo!"),
    ],
)
def test_a_name_is_read_without_the_sentence_around_it(said: str, name: str) -> None:
    (skill,) = read_answer(written(skills=[KAFKA | {"name": said}])).skills

    assert skill.name == name


def test_a_name_of_punctuation_is_none() -> None:
    answer, reasons = salvage_answer(written(skills=[KAFKA | {"name": '",",'}]))

    assert (answer.skills, reasons) == ((), {NOT_IN_SCHEMA: 1})


def test_a_text_out_of_bounds_is_told_by_its_characters() -> None:
    with pytest.raises(InvalidAnswer) as refused:
        read_answer(written(skills=[KAFKA | {"name": "x" * 101, "evidence": ""}]))

    assert describe(refused.value) == (
        "skills.0.evidence: String should have at least 1 character; "
        "skills.0.name: String should have at most 100 characters"
    )


def test_of_a_key_that_comes_twice_the_last_counts() -> None:
    assert read_answer(f'{{"seniority": "junior", {written()[1:]}').seniority == "senior"


# --- whatever comes -----------------------------------------------------------------------------

ANY_TEXT = st.text(st.characters(exclude_categories=()))
"""Lone surrogates and NUL among it."""
ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)
ANY_SKILL = st.fixed_dictionaries(
    {"evidence": ANY_TEXT | ANY_JSON, "name": ANY_TEXT, "stance": st.just("used") | ANY_JSON}
)
ANY_PLACE = st.fixed_dictionaries(dict.fromkeys(("city", "region", "country"), ANY_JSON))


@st.composite
def any_answers(draw: st.DrawFn) -> str:
    """An answer of which some values are anything at all."""
    spoilt = draw(st.sets(st.sampled_from(sorted(ModelAnswer.model_fields)), max_size=5))
    lists = {
        "technologies": st.lists(ANY_SKILL | ANY_JSON, max_size=4),
        "locations": st.lists(ANY_PLACE | ANY_JSON, max_size=4),
    }
    changes = {name: draw(lists.get(name, ANY_JSON)) for name in spoilt}
    return json.dumps(an_answer(**changes), ensure_ascii=draw(st.booleans()))


def texts_in(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, BaseModel):
        yield from texts_in(tuple(dict(value).values()))
    elif isinstance(value, tuple):
        for one in value:
            yield from texts_in(one)


@given(ANY_TEXT | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
def test_no_content_does_more_than_be_refused(content: str) -> None:
    with pytest.raises(InvalidAnswer):
        read_answer(content)


@given(any_answers() | ANY_JSON.map(json.dumps))
def test_whatever_is_read_or_salvaged_can_be_stored(content: str) -> None:
    for read in (read_answer, lambda content: salvage_answer(content)[0]):
        try:
            answer = read(content)
        except InvalidAnswer:
            continue
        for text in texts_in(answer):
            assert "\0" not in text
            assert text.encode()
        assert json.dumps(answer.model_dump(mode="json"), allow_nan=False)


@given(any_answers())
def test_only_role_and_level_cannot_be_salvaged(content: str) -> None:
    stated = json.loads(content)
    sound = all(
        value in kind.__members__.values()
        for kind, value in (
            (RoleFunction, stated["role_function"]),
            (Seniority, stated["seniority"]),
        )
    )
    if sound:
        answer, reasons = salvage_answer(content)
        assert (answer.role_function, answer.seniority) == (
            stated["role_function"],
            stated["seniority"],
        )
        assert all(count > 0 for count in reasons.values())
    else:
        with pytest.raises(InvalidAnswer):
            salvage_answer(content)
