"""What is known is not asked again; what would be answered differently has a key of its own."""

import asyncio
from datetime import UTC, datetime

import pytest

from openfunnel.errors import DatabaseUnavailable
from openfunnel.extraction.answer_cache import AnswersInMemory, StoredAnswers, answer_keys
from openfunnel.records import Origin, PostingText
from openfunnel.store.database import Database
from openfunnel.store.model_answers import KnownAnswer
from tests.unit.extraction.scripted_model import POSTING, ScriptedModel, moved

ANSWER = KnownAnswer('{"a": "Köln \\u0000 数"}', "small")
OTHER = KnownAnswer("other", "large")


def key(posting: PostingText = POSTING, prompt_tokens: int = 400, **model: object) -> str:
    return answer_keys(ScriptedModel(**model), prompt_tokens)(posting)


def test_one_text_in_several_places_is_one_question() -> None:
    origin = Origin(ats="lever", board_id=3, run_id=4)
    other = moved(POSTING, "Lyon").model_copy(update={"origin": origin})

    assert key(other) == key(POSTING)


@pytest.mark.parametrize(
    "other",
    [
        key(POSTING.model_copy(update={"title": "Cook"})),
        key(POSTING.model_copy(update={"company_name": None})),
        key(POSTING.model_copy(update={"text": POSTING.text + "."})),
        key(prompt_tokens=500),
        key(model="large"),
        key(name="openai"),
        key(options={"temperature": 0}),
    ],
    ids=["title", "company", "text", "budget", "model", "server", "options"],
)
def test_whatever_shapes_an_answer_makes_another_question(other: str) -> None:
    assert other != key()


def test_a_text_that_cannot_be_encoded_has_a_key() -> None:
    assert key(POSTING.model_copy(update={"text": "\ud800"})) != key()


async def test_memory_forgets_what_was_not_used_for_longest() -> None:
    cache = AnswersInMemory(most=2)
    await cache.put("one", ANSWER)
    await cache.put("two", ANSWER)
    await cache.get("one")

    await cache.put("three", ANSWER)

    assert [await cache.get(name) for name in ("one", "two", "three")] == [ANSWER, None, ANSWER]


async def test_memory_takes_the_later_of_two_answers_and_remembers_it_as_the_latest() -> None:
    cache = AnswersInMemory(most=2)
    await cache.put("one", ANSWER)
    await cache.put("two", ANSWER)

    await cache.put("one", OTHER)
    await cache.put("three", ANSWER)

    assert [await cache.get(name) for name in ("one", "two", "three")] == [OTHER, None, ANSWER]


async def test_stored_answers_are_found_again_and_the_later_stays(database_url: str) -> None:
    with Database(database_url) as database:
        stored = StoredAnswers(database, now=lambda: datetime(2026, 1, 1, tzinfo=UTC))

        assert await stored.get("key") is None
        await stored.put("key", ANSWER)
        assert await stored.get("key") == ANSWER

        await stored.put("key", OTHER)
        assert await stored.get("key") == OTHER


async def test_questions_that_come_together_get_each_its_own_answer(database_url: str) -> None:
    with Database(database_url) as database:
        stored = StoredAnswers(database)

        await asyncio.gather(
            stored.put("one", ANSWER), stored.put("two", OTHER), stored.put("one", OTHER)
        )
        found = await asyncio.gather(*map(stored.get, ("two", "nine", "one", "two")))

    assert found == [OTHER, None, OTHER, OTHER]


async def test_an_answer_is_kept_though_whoever_asked_is_gone(database_url: str) -> None:
    with Database(database_url) as database:
        stored = StoredAnswers(database)
        asking = asyncio.create_task(stored.put("key", ANSWER))
        await asyncio.sleep(0)

        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await stored.close()

        assert asking.cancelled()
        assert await StoredAnswers(database).get("key") == ANSWER


async def test_an_answer_that_cannot_be_kept_is_told_of_though_nobody_waits(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> datetime:
        raise ValueError("no clock")

    with Database(database_url) as database:
        stored = StoredAnswers(database, now=broken)
        asking = asyncio.create_task(stored.put("key", ANSWER))
        await asyncio.sleep(0)

        asking.cancel()
        await stored.close()

    assert "not kept" in caplog.text


async def test_an_answer_that_comes_while_the_server_is_away_is_not_asked_for_again() -> None:
    with Database("postgresql://nobody@127.0.0.1:1/none") as away:
        stored = StoredAnswers(away)

        await stored.put("key", ANSWER)

        assert await stored.get("key") == ANSWER
        with pytest.raises(DatabaseUnavailable):
            await stored.get("another")


@pytest.mark.parametrize("content", ["a\0b", "a\ud800b"], ids=["NUL", "surrogate"])
async def test_an_answer_with_what_postgresql_cannot_hold_is_stored_without_it(
    database_url: str, content: str
) -> None:
    with Database(database_url) as database:
        stored = StoredAnswers(database)

        await stored.put("key", KnownAnswer(content, "small"))

        known = await stored.get("key")
        assert known is not None
        assert known.content.startswith("a")
        assert known.content.endswith("b")
