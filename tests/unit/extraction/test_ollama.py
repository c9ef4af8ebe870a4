"""The client of a model: against a real HTTP server that answers what a test tells it to."""

import json
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from openfunnel.errors import (
    ExtractionFailed,
    InvalidSetting,
    ModelAnswerInvalid,
    ModelBusy,
    ModelUnavailable,
)
from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.ollama import CONTEXT_TOKENS, OllamaExtractor
from openfunnel.extraction.router import choose
from openfunnel.records import PostingText
from openfunnel.settings import Settings

MODEL = "tiny:1b"
POSTING = PostingText(title="Junior Cook", text="You cook.\nHTTP is a plus.")
ANSWER = {
    "summary": "A cook.",
    "role_function": "other",
    "seniority": "junior",
    "employment_type": None,
    "workplace": None,
    "locations": [],
    "pay_evidence": None,
    "pay_min": None,
    "pay_max": None,
    "pay_currency": None,
    "pay_period": None,
    "pay_is_on_target_earnings": None,
    "years_evidence": None,
    "years_experience_min": None,
    "technologies": [{"evidence": "HTTP is a plus", "name": "HTTP", "stance": "preferred"}],
    "skills": [],
    "initiatives": [],
}


def says(content: str, **changes: Any) -> Response:
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


def answers(**changes: Any) -> Response:
    return says(json.dumps(ANSWER | changes))


def answers_at(prompt_tokens: int, answer_tokens: int) -> Response:
    return says(json.dumps(ANSWER), prompt_eval_count=prompt_tokens, eval_count=answer_tokens)


def errs(status: int, error: str) -> Response:
    return JSONResponse({"error": error}, status)


@dataclass
class ModelServer:
    """Gives the told answers one after the other, and remembers what it was asked."""

    url: str
    told: list[Response] = field(default_factory=list)
    asked: list[dict[str, Any]] = field(default_factory=list)
    models: tuple[str, ...] = (MODEL,)

    async def chat(self, request: Request) -> Response:
        self.asked.append(await request.json())
        return self.told.pop(0)

    async def tags(self, _: Request) -> Response:
        return JSONResponse({"models": [{"name": name, "model": name} for name in self.models]})


@pytest.fixture
def server() -> Iterator[ModelServer]:
    listener = socket.create_server(("127.0.0.1", 0))
    model = ModelServer(f"http://127.0.0.1:{listener.getsockname()[1]}")
    routes = [
        Route("/api/chat", model.chat, methods=["POST"]),
        Route("/api/tags", model.tags),
    ]
    config = uvicorn.Config(Starlette(routes=routes), log_config=None, lifespan="off", ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    yield model
    running.should_exit = True
    thread.join()
    listener.close()


@pytest.fixture
async def extractor(server: ModelServer) -> Any:
    made = OllamaExtractor(settings_for(server.url))
    yield made
    await made.close()


def settings_for(url: str, **overrides: Any) -> Settings:
    return Settings.load(environ={}, ollama_host=url, model=MODEL, **overrides)


@pytest.fixture
def nobody() -> Iterator[str]:
    """An address where nobody listens, and nobody else can."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


async def test_an_answer_becomes_an_extraction_with_its_costs(
    server: ModelServer, extractor: OllamaExtractor
) -> None:
    server.told = [answers()]

    result = await extractor.extract(POSTING)

    assert (result.extractor, result.model) == ("ollama", MODEL)
    assert (result.tokens_in, result.tokens_out, result.dropped) == (100, 20, 0)
    assert [one.name for one in result.extraction.technologies] == ["HTTP"]


async def test_the_schema_goes_along_and_decoding_is_the_same_every_time(
    server: ModelServer, extractor: OllamaExtractor
) -> None:
    server.told = [answers(), answers()]

    await extractor.extract(POSTING)
    await extractor.extract(POSTING)

    first, second = server.asked
    assert first == second
    assert first["format"] == ANSWER_SCHEMA
    assert first["stream"] is False
    assert (first["options"]["temperature"], first["options"]["num_ctx"]) == (0, CONTEXT_TOKENS)
    assert "seed" in first["options"]


async def test_an_unusable_answer_is_asked_for_again_with_its_error(
    server: ModelServer, extractor: OllamaExtractor
) -> None:
    server.told = [answers(seniority="wizard"), answers()]

    result = await extractor.extract(POSTING)

    assert result.extraction.seniority.value == "junior"
    assert (result.tokens_in, result.tokens_out) == (200, 40)
    quoted, complaint = (message["content"] for message in server.asked[1]["messages"][2:])
    assert '"wizard"' in quoted
    assert "seniority: Input should be 'intern'" in complaint


async def test_of_a_second_flawed_answer_the_sound_part_is_taken(
    server: ModelServer, extractor: OllamaExtractor
) -> None:
    server.told = [answers(years_experience_min=70), answers(years_experience_min=70)]

    result = await extractor.extract(POSTING)

    assert result.extraction.years_experience_min is None
    assert result.dropped == 1


@pytest.mark.parametrize(
    "unusable",
    [
        lambda: says("Sure! Here is what I found"),
        lambda: says(""),
        lambda: answers(role_function=None),
        lambda: says(json.dumps(ANSWER), done=False),
        lambda: says(json.dumps(ANSWER), done_reason="length"),
    ],
    ids=["prose", "nothing", "a missing value", "broken off", "cut off"],
)
async def test_an_answer_unusable_twice_fails_the_posting(
    server: ModelServer, extractor: OllamaExtractor, unusable: Callable[[], Response]
) -> None:
    server.told = [unusable(), unusable()]

    with pytest.raises(ModelAnswerInvalid, match="twice"):
        await extractor.extract(POSTING)

    assert not server.told


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (503, "server busy, please try again.  maximum pending requests exceeded"),
        (404, f"model '{MODEL}' not found"),
    ],
)
async def test_a_busy_or_vanished_model_is_no_fault_of_the_posting(
    server: ModelServer, extractor: OllamaExtractor, status: int, error: str
) -> None:
    server.told = [errs(status, error)]

    with pytest.raises(ModelBusy) as busy:
        await extractor.extract(POSTING)

    assert error in str(busy.value)


@pytest.mark.parametrize(
    ("prompt_tokens", "answer_tokens"), [(CONTEXT_TOKENS, 1), (CONTEXT_TOKENS - 100, 100)]
)
async def test_an_answer_to_a_prompt_that_filled_the_context_is_refused(
    server: ModelServer, extractor: OllamaExtractor, prompt_tokens: int, answer_tokens: int
) -> None:
    server.told = [answers_at(prompt_tokens, answer_tokens), answers()]

    with pytest.raises(ModelAnswerInvalid, match="filled the context"):
        await extractor.extract(POSTING)

    assert len(server.asked) == 1


async def test_an_answer_within_the_context_is_taken(
    server: ModelServer, extractor: OllamaExtractor
) -> None:
    server.told = [answers_at(CONTEXT_TOKENS - 101, 100)]

    assert (await extractor.extract(POSTING)).tokens_in == CONTEXT_TOKENS - 101


@pytest.mark.parametrize("status", [400, 500])
async def test_a_refused_request_fails_the_posting(
    server: ModelServer, extractor: OllamaExtractor, status: int
) -> None:
    server.told = [errs(status, "llama runner process has terminated")]

    with pytest.raises(ExtractionFailed, match="runner process"):
        await extractor.extract(POSTING)


@pytest.mark.parametrize("body", [b"<html>", b"[]", b'{"done": true}', b'{"message": 3}'])
async def test_what_is_not_ollamas_protocol_fails_the_posting(
    server: ModelServer, extractor: OllamaExtractor, body: bytes
) -> None:
    server.told = [Response(body), Response(body)]

    with pytest.raises(ModelAnswerInvalid):
        await extractor.extract(POSTING)


async def test_an_absent_server_is_waited_for(nobody: str) -> None:
    extractor = OllamaExtractor(settings_for(nobody))

    with pytest.raises(ModelBusy):
        await extractor.extract(POSTING)

    await extractor.close()


@pytest.mark.parametrize("host", ["http://[::1", "http://a:b:c", "http://exa mple\x00"])
def test_a_host_that_is_no_address_names_its_variable(host: str) -> None:
    with pytest.raises(InvalidSetting, match="OLLAMA_HOST"):
        OllamaExtractor(settings_for(host))


async def test_an_error_that_is_no_object_fails_the_posting(
    server: ModelServer, extractor: OllamaExtractor
) -> None:
    server.told = [Response(b"[1]", 500)]

    with pytest.raises(ExtractionFailed):
        await extractor.extract(POSTING)


# --- the choice ---------------------------------------------------------------------------------


async def test_auto_takes_the_model_where_there_is_one(server: ModelServer) -> None:
    choice = await choose(settings_for(server.url))

    assert choice.extractor.name == "ollama"
    assert choice.reason == f"ollama:{MODEL} at {server.url}"
    await choice.extractor.close()


async def test_auto_takes_the_rules_and_says_that_ollama_is_absent(nobody: str) -> None:
    choice = await choose(settings_for(nobody))

    assert choice.extractor.name == "rules"
    assert choice.reason.startswith(f"rules: no Ollama at {nobody}")
    await choice.extractor.close()


async def test_auto_takes_the_rules_and_says_that_the_model_is_missing(server: ModelServer) -> None:
    server.models = ("other:latest",)

    choice = await choose(settings_for(server.url))

    assert choice.extractor.name == "rules"
    assert "not pulled" in choice.reason
    await choice.extractor.close()


async def test_rules_ask_nobody(nobody: str) -> None:
    choice = await choose(settings_for(nobody, extractor="rules"))

    result = await choice.extractor.extract(POSTING)

    assert (result.extractor, result.model) == ("rules", None)
    await choice.extractor.close()


async def test_a_missing_model_that_was_asked_for_says_what_to_do(server: ModelServer) -> None:
    server.models = ()

    with pytest.raises(ModelUnavailable, match=f"ollama pull {MODEL}"):
        await choose(settings_for(server.url, extractor="ollama"))


async def test_a_name_without_a_tag_means_the_latest(server: ModelServer) -> None:
    server.models = ("small:latest",)
    settings = Settings.load(environ={}, ollama_host=server.url, model="small")

    choice = await choose(settings)

    assert choice.extractor.model == "small"
    await choice.extractor.close()
