"""The client of OpenAI-compatible servers: against a real HTTP server that answers as told."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from starlette.responses import JSONResponse, Response

from openfunnel.errors import (
    ExtractionFailed,
    InvalidSetting,
    ModelAnswerInvalid,
    ModelBusy,
    ModelUnavailable,
)
from openfunnel.extraction.chat import ANSWER_TOKENS, MOST_BYTES, Ending, Message
from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.openai_compatible import OpenAiModel, closed
from openfunnel.records import Workplace
from openfunnel.settings import Settings
from tests.unit.extraction.model_server import MODEL, ModelServer

MESSAGES = [
    Message("system", "You extract."),
    Message("user", "A cook."),
    Message("assistant", "{"),
    Message("user", "Once more."),
]
SCHEMA = {"type": "object", "properties": {"summary": {"type": "string"}}, "required": ["summary"]}


def says(content: str | None = "{}", ending: str | None = "stop", **changes: Any) -> Response:
    message = {"role": "assistant", "content": content}
    return JSONResponse(
        {
            "id": "chat-1",
            "object": "chat.completion",
            "created": 1_767_225_600,
            "model": MODEL,
            "choices": [{"index": 0, "message": message, "finish_reason": ending}],
            "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120},
        }
        | changes
    )


def errs(status: int, message: str) -> Response:
    return JSONResponse({"error": {"message": message, "type": "server_error"}}, status)


def settings_for(url: str, **overrides: Any) -> Settings:
    return Settings.load(environ={}, openai_url=f"{url}/v1", **overrides)


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[OpenAiModel]:
    made = OpenAiModel(settings_for(server.url), MODEL)
    yield made
    await made.close()


async def test_an_answer_comes_with_its_costs(server: ModelServer, model: OpenAiModel) -> None:
    server.told = [says('{"summary": "A cook."}', model="tiny-awq")]

    reply = await model.chat(MESSAGES, SCHEMA)

    assert (reply.content, reply.ending) == ('{"summary": "A cook."}', Ending.WHOLE)
    assert (reply.model, reply.tokens_in, reply.tokens_out) == ("tiny-awq", 100, 20)


async def test_the_schema_goes_along_and_decoding_is_the_same_every_time(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.told = [says(), says()]

    await model.chat(MESSAGES, SCHEMA)
    await model.chat(MESSAGES, SCHEMA)

    first, second = server.asked
    assert first == second
    assert [(one["role"], one["content"]) for one in first["messages"]] == [
        (one.role, one.content) for one in MESSAGES
    ]
    assert first["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "answer", "schema": closed(SCHEMA), "strict": True},
    }
    assert (first["model"], first["temperature"], first["max_tokens"]) == (MODEL, 0, ANSWER_TOKENS)
    assert model.options.items() <= first.items()
    assert "seed" in first


@pytest.mark.parametrize(
    ("key", "sent"),
    [("s3cret", "Bearer s3cret"), ("s3cret\n", "Bearer s3cret"), (None, "Bearer none")],
)
async def test_the_key_is_sent(server: ModelServer, key: str | None, sent: str) -> None:
    server.told = [says()]
    model = OpenAiModel(settings_for(server.url, openai_key=key), MODEL)

    await model.chat(MESSAGES, SCHEMA)

    assert server.keys == [sent]
    await model.close()


def parts_of(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All schemas within a schema, and itself."""
    yield schema
    inner = [*schema.get("properties", {}).values(), *schema.get("anyOf", ())]
    for part in [*inner, *([schema["items"]] if "items" in schema else [])]:
        yield from parts_of(part)


def test_the_strict_dialect_closes_objects_and_types_choices() -> None:
    strict = closed(ANSWER_SCHEMA)

    for part in parts_of(strict):
        assert "type" in part or "anyOf" in part
        assert None not in part.get("enum", ())
        if part.get("type") == "object":
            assert part["additionalProperties"] is False
            assert part["required"] == list(part["properties"])
    assert list(strict["properties"]) == list(ANSWER_SCHEMA["properties"])
    assert strict["properties"]["workplace"] == {
        "anyOf": [{"type": "string", "enum": list(Workplace)}, {"type": "null"}]
    }
    assert "additionalProperties" not in json.dumps(ANSWER_SCHEMA)


@pytest.mark.parametrize(
    ("ending", "meaning"),
    [
        ("stop", Ending.WHOLE),
        ("length", Ending.TOO_LONG),
        ("content_filter", Ending.BROKEN_OFF),
        (None, Ending.BROKEN_OFF),
    ],
)
async def test_an_answer_that_is_not_the_whole_one_says_so(
    server: ModelServer, model: OpenAiModel, ending: str | None, meaning: Ending
) -> None:
    server.told = [says(ending=ending)]

    assert (await model.chat(MESSAGES, SCHEMA)).ending is meaning


@pytest.mark.parametrize("count", [None, 0, -1, 10**15, 10**400, 1e300, "many", []])
async def test_counts_that_cannot_be_are_none(
    server: ModelServer, model: OpenAiModel, count: object
) -> None:
    server.told = [says(usage={"prompt_tokens": count, "completion_tokens": count})]

    reply = await model.chat(MESSAGES, SCHEMA)

    assert (reply.tokens_in, reply.tokens_out) == (None, None)


async def test_a_server_that_does_not_count_is_heard(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.told = [says(usage=None, model=None)]

    reply = await model.chat(MESSAGES, SCHEMA)

    assert (reply.model, reply.tokens_in, reply.tokens_out) == (MODEL, None, None)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
async def test_an_answer_that_strayed_into_the_reasoning_is_found(
    server: ModelServer, model: OpenAiModel, field: str
) -> None:
    message = {"role": "assistant", "content": None, field: "{}"}
    server.told = [says(choices=[{"message": message, "finish_reason": "stop"}]), says(None)]

    assert (await model.chat(MESSAGES, SCHEMA)).content == "{}"
    assert (await model.chat(MESSAGES, SCHEMA)).content == ""


async def test_an_answer_beyond_sense_is_not_read_to_its_end(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.told = [says("x" * MOST_BYTES), says("{}")]

    with pytest.raises(ModelAnswerInvalid):
        await model.chat(MESSAGES, SCHEMA)

    assert (await model.chat(MESSAGES, SCHEMA)).content == "{}"


@pytest.mark.parametrize("status", [401, 402, 404, 429, 502, 503])
async def test_a_busy_vanished_or_closed_server_is_no_fault_of_the_posting(
    server: ModelServer, model: OpenAiModel, status: int
) -> None:
    server.told = [errs(status, "come back later")]

    with pytest.raises(ModelBusy, match="come back later"):
        await model.chat(MESSAGES, SCHEMA)

    assert len(server.asked) == 1


@pytest.mark.parametrize("status", [400, 403, 422, 500])
async def test_a_refused_request_fails_the_posting(
    server: ModelServer, model: OpenAiModel, status: int
) -> None:
    server.told = [errs(status, "the request exceeds the available context size")]

    with pytest.raises(ExtractionFailed, match="context size"):
        await model.chat(MESSAGES, SCHEMA)


async def test_an_error_that_is_no_object_fails_the_posting(
    server: ModelServer, model: OpenAiModel
) -> None:
    server.told = [Response(b"[1]", 500)]

    with pytest.raises(ExtractionFailed):
        await model.chat(MESSAGES, SCHEMA)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[]",
        b"{}",
        b'{"choices": []}',
        b'{"choices": [{"message": {"content": 3}}]}',
        b"\xff",
        b"[" * 100_000,
        b"",
    ],
    ids=lambda body: body[:20].hex() or "nothing",
)
@pytest.mark.parametrize("media_type", ["application/json", "text/html"])
async def test_what_is_not_openais_protocol_fails_the_posting(
    server: ModelServer, model: OpenAiModel, body: bytes, media_type: str
) -> None:
    server.told = [Response(body, media_type=media_type)]

    with pytest.raises(ModelAnswerInvalid):
        await model.chat(MESSAGES, SCHEMA)


async def test_a_request_that_is_taken_and_never_answered_fails_the_posting(
    server: ModelServer,
) -> None:
    model = OpenAiModel(settings_for(server.url, answer_seconds=0.2), MODEL)

    with pytest.raises(ExtractionFailed, match=rf"no answer from {MODEL} within 0.2 s"):
        await model.chat(MESSAGES, SCHEMA)

    await model.close()


async def test_an_absent_server_is_waited_for(nobody: str) -> None:
    model = OpenAiModel(settings_for(nobody), MODEL)

    with pytest.raises(ModelBusy):
        await model.chat(MESSAGES, SCHEMA)

    await model.close()


@pytest.mark.parametrize("url", [None, "http://[::1", "http://a:b:c", "http://exa mple\x00"])
def test_an_address_that_is_none_names_its_variable(url: str | None) -> None:
    with pytest.raises(InvalidSetting, match="OPENFUNNEL_OPENAI_URL"):
        OpenAiModel(Settings.load(environ={}, openai_url=url), MODEL)


def test_neither_login_nor_key_is_shown() -> None:
    settings = Settings.load(
        environ={}, openai_url="http://me:secret@127.0.0.1:1/v1", openai_key="s3cret"
    )
    model = OpenAiModel(settings, MODEL)

    assert model.host == "http://me:***@127.0.0.1:1/v1"
    assert "s3cret" not in repr(vars(model)) + repr(settings)


@pytest.mark.parametrize("key", ["s3\ncret", "s3cr\u00e9t", "s3\x00cret"])
def test_a_key_that_no_header_takes_is_refused_and_not_quoted(key: str) -> None:
    with pytest.raises(InvalidSetting, match="OPENFUNNEL_OPENAI_KEY") as refused:
        OpenAiModel(settings_for("http://127.0.0.1:1", openai_key=key), MODEL)

    assert "s3" not in str(refused.value)


@pytest.mark.parametrize("status", [400, 401, 403, 503])
async def test_a_server_that_quotes_the_key_is_not_quoted(server: ModelServer, status: int) -> None:
    server.told = [errs(status, "Received API Key = s3cret, which is not valid")]
    model = OpenAiModel(settings_for(server.url, openai_key="s3cret"), MODEL)

    with pytest.raises((ModelBusy, ExtractionFailed), match=r"Received API Key = \*\*\*") as said:
        await model.chat(MESSAGES, SCHEMA)

    assert "s3cret" not in str(said.value)
    await model.close()


async def test_a_model_that_is_there_passes(server: ModelServer, model: OpenAiModel) -> None:
    await model.check()


@pytest.mark.parametrize(
    ("models", "listing", "said"),
    [
        (("other",), None, "Set OPENFUNNEL_MODEL to one that is: other"),
        ((), None, "Set OPENFUNNEL_MODEL to one that is: none"),
        ((), errs(401, "who are you?"), "Correct OPENFUNNEL_OPENAI_KEY"),
        ((), errs(403, "not you"), "Correct OPENFUNNEL_OPENAI_KEY"),
        ((), errs(500, "no"), "no OpenAI-compatible API"),
        ((), Response(b"<html>"), "no OpenAI-compatible API"),
        ((), JSONResponse({"data": 3}), "no OpenAI-compatible API"),
    ],
    ids=["another", "none", "no key", "a poor key", "an error", "a page", "something else"],
)
async def test_a_model_that_is_not_there_says_what_to_do(
    server: ModelServer,
    model: OpenAiModel,
    models: tuple[str, ...],
    listing: Response | None,
    said: str,
) -> None:
    server.models, server.listing = models, listing

    with pytest.raises(ModelUnavailable, match=said):
        await model.check()


@pytest.mark.parametrize(
    ("setting", "variable"),
    [("model_large", "OPENFUNNEL_MODEL_LARGE"), ("triage_model", "OPENFUNNEL_TRIAGE_MODEL")],
)
async def test_a_further_model_that_is_not_there_names_its_own_variable(
    server: ModelServer, setting: str, variable: str
) -> None:
    model = OpenAiModel(settings_for(server.url, model=MODEL, **{setting: "missing"}), "missing")

    with pytest.raises(ModelUnavailable, match=f"Set {variable} to one that is: {MODEL}"):
        await model.check()

    await model.close()


async def test_an_absent_server_is_noticed_at_the_start(nobody: str) -> None:
    model = OpenAiModel(settings_for(nobody), MODEL)

    with pytest.raises(ModelUnavailable, match="no OpenAI-compatible API"):
        await model.check()

    await model.close()
