"""The client of Ollama: against a real HTTP server that answers what a test tells it to."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from ollama._client import _parse_host
from starlette.responses import JSONResponse, Response

from openfunnel.errors import (
    ExtractionFailed,
    InvalidSetting,
    ModelAnswerInvalid,
    ModelBusy,
    ModelUnavailable,
)
from openfunnel.extraction.chat import MOST_BYTES, Ending, Message
from openfunnel.extraction.ollama import CONTEXT_TOKENS, OllamaModel, address
from openfunnel.settings import Settings
from tests.unit.extraction.model_server import MODEL, ModelServer

MESSAGES = [Message("system", "You extract."), Message("user", "A cook.")]
SCHEMA = {"type": "object", "properties": {"summary": {"type": "string"}}}


def says(content: str = "{}", **changes: Any) -> Response:
    return JSONResponse(
        {
            "model": MODEL,
            "created_at": "2026-01-01T00:00:00Z",
            "message": {"role": "assistant", "content": content},
            "done": True,
            "done_reason": "stop",
            "prompt_eval_count": 100,
            "eval_count": 20,
        }
        | changes
    )


def errs(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)


def settings_for(url: str, **overrides: Any) -> Settings:
    return Settings.load(environ={}, ollama_host=url, **overrides)


@pytest.fixture
async def model(server: ModelServer) -> AsyncIterator[OllamaModel]:
    made = OllamaModel(settings_for(server.url), MODEL)
    yield made
    await made.close()


async def test_an_answer_comes_with_its_costs(server: ModelServer, model: OllamaModel) -> None:
    server.told = [says('{"summary": "A cook."}', model="tiny:1b-q4")]

    reply = await model.chat(MESSAGES, SCHEMA)

    assert (reply.content, reply.ending) == ('{"summary": "A cook."}', Ending.WHOLE)
    assert (reply.model, reply.tokens_in, reply.tokens_out) == ("tiny:1b-q4", 100, 20)


async def test_the_schema_goes_along_and_decoding_is_the_same_every_time(
    server: ModelServer, model: OllamaModel
) -> None:
    server.told = [says(), says()]

    await model.chat(MESSAGES, SCHEMA)
    await model.chat(MESSAGES, SCHEMA)

    first, second = server.asked
    assert first == second
    assert first["messages"] == [
        {"role": "system", "content": "You extract."},
        {"role": "user", "content": "A cook."},
    ]
    assert (first["model"], first["format"], first["stream"]) == (MODEL, SCHEMA, False)
    assert first["think"] is False
    assert first["keep_alive"]
    assert first["options"] == model.options
    assert (first["options"]["temperature"], first["options"]["num_ctx"]) == (0, CONTEXT_TOKENS)
    assert "seed" in first["options"]


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"done": False}, Ending.BROKEN_OFF),
        ({"done": None}, Ending.BROKEN_OFF),
        ({"done_reason": "length"}, Ending.TOO_LONG),
        ({"done_reason": None}, Ending.WHOLE),
        ({"prompt_eval_count": CONTEXT_TOKENS}, Ending.TOO_LONG),
        ({"prompt_eval_count": CONTEXT_TOKENS - 20}, Ending.TOO_LONG),
        ({"prompt_eval_count": CONTEXT_TOKENS - 21}, Ending.WHOLE),
        ({"prompt_eval_count": 10**15}, Ending.WHOLE),
    ],
)
async def test_an_answer_that_is_not_the_whole_one_says_so(
    server: ModelServer, model: OllamaModel, changes: dict[str, Any], ending: Ending
) -> None:
    server.told = [says(**changes)]

    assert (await model.chat(MESSAGES, SCHEMA)).ending is ending


@pytest.mark.parametrize("count", [None, 0, -1, 10**15, CONTEXT_TOKENS + 1])
async def test_counts_that_cannot_be_are_none(
    server: ModelServer, model: OllamaModel, count: int | None
) -> None:
    server.told = [says(prompt_eval_count=count, eval_count=count)]

    reply = await model.chat(MESSAGES, SCHEMA)

    assert (reply.tokens_in, reply.tokens_out) == (None, None)


@pytest.mark.parametrize(
    ("message", "content"),
    [
        ({"content": "{}", "thinking": "Who is it?"}, "{}"),
        ({"content": "", "thinking": "{}"}, "{}"),
        ({"content": ""}, ""),
        ({}, ""),
    ],
    ids=["beside", "instead", "empty", "absent"],
)
async def test_an_answer_that_strayed_into_the_thinking_is_found(
    server: ModelServer, model: OllamaModel, message: dict[str, str], content: str
) -> None:
    server.told = [says(message={"role": "assistant"} | message)]

    assert (await model.chat(MESSAGES, SCHEMA)).content == content


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (503, "server busy, please try again.  maximum pending requests exceeded"),
        (404, f"model '{MODEL}' not found"),
    ],
)
async def test_a_busy_or_vanished_model_is_no_fault_of_the_posting(
    server: ModelServer, model: OllamaModel, status: int, error: str
) -> None:
    server.told = [errs(status, error)]

    with pytest.raises(ModelBusy) as busy:
        await model.chat(MESSAGES, SCHEMA)

    assert error in str(busy.value)


@pytest.mark.parametrize("status", [400, 500])
async def test_a_refused_request_fails_the_posting(
    server: ModelServer, model: OllamaModel, status: int
) -> None:
    server.told = [errs(status, "llama runner process has terminated")]

    with pytest.raises(ExtractionFailed, match="runner process"):
        await model.chat(MESSAGES, SCHEMA)


async def test_an_error_that_is_no_object_fails_the_posting(
    server: ModelServer, model: OllamaModel
) -> None:
    server.told = [Response(b"[1]", 500)]

    with pytest.raises(ExtractionFailed):
        await model.chat(MESSAGES, SCHEMA)


@pytest.mark.parametrize(
    "body",
    [b"<html>", b"[]", b'{"done": true}', b'{"message": 3}', b"\xff", b"[" * 100_000, b""],
    ids=lambda body: body[:8].hex() or "nothing",
)
async def test_what_is_not_ollamas_protocol_fails_the_posting(
    server: ModelServer, model: OllamaModel, body: bytes
) -> None:
    server.told = [Response(body)]

    with pytest.raises(ModelAnswerInvalid):
        await model.chat(MESSAGES, SCHEMA)


async def test_a_request_that_is_taken_and_never_answered_fails_the_posting(
    server: ModelServer,
) -> None:
    model = OllamaModel(settings_for(server.url, answer_seconds=0.05), MODEL)

    with pytest.raises(ExtractionFailed, match=rf"no answer from {MODEL} within 0.05 s"):
        await model.chat(MESSAGES, SCHEMA)

    assert len(server.asked) == 1
    await model.close()


async def test_an_absent_server_is_waited_for(nobody: str) -> None:
    model = OllamaModel(settings_for(nobody), MODEL)

    with pytest.raises(ModelBusy):
        await model.chat(MESSAGES, SCHEMA)

    await model.close()


@pytest.mark.parametrize("host", ["http://[::1", "http://a:b:c", "http://exa mple\x00"])
def test_a_host_that_is_no_address_names_its_variable(host: str) -> None:
    with pytest.raises(InvalidSetting, match="OLLAMA_HOST"):
        OllamaModel(settings_for(host), MODEL)


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1:11434", "0.0.0.0", "example.com", "example.com:80", ":56789", "example.com/"),
        *("http://example.com", "https://example.com", "https://example.com:56789/path/"),
        *("example.com:56789/a/b", "[::1]", "[::1]:56789/path", "https://[::1]"),
        *("http://me:secret@example.com", "http://EXAMPLE.com", "http://bücher.example"),
    ],
)
def test_the_address_is_what_ollamas_own_client_makes_of_it(host: str) -> None:
    assert address(host) == _parse_host(host)


@pytest.mark.parametrize("host", ["ftp://example.com", "unix:///run/ollama.sock", "http://a b"])
def test_an_address_of_another_kind_is_refused(host: str) -> None:
    with pytest.raises(InvalidSetting, match="OLLAMA_HOST"):
        address(host)


@pytest.mark.parametrize(("key", "sent"), [("s3cret\n", "Bearer s3cret"), (None, None)])
async def test_a_key_is_sent_and_not_quoted(
    server: ModelServer, key: str | None, sent: str | None
) -> None:
    server.told = [errs(401, "s3cret is wrong"), errs(503, "s3cret is wrong")]
    model = OllamaModel(settings_for(server.url, ollama_key=key), MODEL)

    for kind in (ExtractionFailed, ModelBusy):
        with pytest.raises(kind, match="is wrong") as said:
            await model.chat(MESSAGES, SCHEMA)
        assert ("s3cret" in str(said.value)) is (key is None)

    assert server.keys == [sent, sent]
    assert "s3cret" not in repr(vars(model))
    await model.close()


def test_a_key_that_no_header_takes_is_refused() -> None:
    with pytest.raises(InvalidSetting, match="OLLAMA_API_KEY"):
        OllamaModel(settings_for("http://127.0.0.1:1", ollama_key="s3\ncret"), MODEL)


async def test_a_proxy_that_the_environment_names_is_gone_through(
    server: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setenv("no_proxy", "direct.example")
    told = {}
    for host in ("model.example", "direct.example"):
        model = OllamaModel(settings_for(f"http://{host}"), MODEL)
        with pytest.raises(ModelBusy) as busy:
            await model.chat(MESSAGES, SCHEMA)
        told[host] = str(busy.value)
        await model.close()

    assert "Not Found" in told["model.example"]  # the server's word, which is nobody's proxy
    assert "Not Found" not in told["direct.example"]


async def test_an_answer_beyond_sense_is_not_read_to_its_end(
    server: ModelServer, model: OllamaModel
) -> None:
    server.told = [says("x" * MOST_BYTES), says("{}")]

    with pytest.raises(ModelAnswerInvalid):
        await model.chat(MESSAGES, SCHEMA)

    assert (await model.chat(MESSAGES, SCHEMA)).content == "{}"


async def test_text_that_utf8_has_not_reaches_the_model(
    server: ModelServer, model: OllamaModel
) -> None:
    server.told = [says()]

    await model.chat([Message("user", "a\ud800b\x00")], SCHEMA)

    assert server.asked[0]["messages"][0]["content"] == "a\ud800b\x00"


def test_a_login_in_the_address_is_not_shown() -> None:
    model = OllamaModel(settings_for("http://me:secret@127.0.0.1:1"), MODEL)

    assert model.host == "http://me:***@127.0.0.1:1"


async def test_a_model_that_is_there_passes(server: ModelServer, model: OllamaModel) -> None:
    await model.check()

    server.models = ("small:latest",)
    untagged = OllamaModel(settings_for(server.url), "small")
    await untagged.check()
    await untagged.close()


@pytest.mark.parametrize("listing", [None, errs(500, "no"), Response(b"<html>")])
async def test_a_model_that_is_not_there_says_what_to_do(
    server: ModelServer, model: OllamaModel, listing: Response | None
) -> None:
    server.models, server.listing = ("other:1b",), listing

    with pytest.raises(ModelUnavailable, match=f"ollama pull {MODEL}"):
        await model.check()
