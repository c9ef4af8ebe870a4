"""The sandbox's Ollama: the protocol as it is documented, and the whole way of an extraction."""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import ollama
import pytest

from openfunnel.errors import ExtractionFailed, ModelAnswerInvalid, ModelBusy, ModelUnavailable
from openfunnel.extraction import rules
from openfunnel.extraction.answer import read_answer
from openfunnel.extraction.ollama import OllamaExtractor
from openfunnel.extraction.prompt import ask
from openfunnel.records import AtsFields, PostingText, ValueSource
from openfunnel.sandbox.faults import Faults, parse_faults
from openfunnel.sandbox.ollama import BUSY, MODEL, router
from openfunnel.sandbox.serve import running
from openfunnel.settings import Settings

POSTING = PostingText(
    title="Senior Data Engineer",
    company_name="Acme",
    text=(
        "About the role\n"
        "You will build the pipelines of our planning tool.\n"
        "## Requirements\n"
        "- 5+ years of experience with Python and PostgreSQL\n"
        "The base salary is $150,000 - $180,000 per year."
    ),
    fields=AtsFields(locations=("Berlin, Germany",), commitment="Full-time"),
)


class NoBoards:
    """A world without boards: these tests are about the model."""

    def boards(self) -> tuple[()]:
        return ()

    def answer(self, ref: object) -> None:
        return None


Serve = Callable[..., str]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a sandbox with these faults and parameters, and return its address."""
    with ExitStack() as servers:

        def start(faults: str = "", **parameters: Any) -> str:
            chosen: Faults = parse_faults(faults)
            routes = router(chosen, **parameters)
            return servers.enter_context(running(NoBoards(), chosen, routes))

        yield start


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


def extractor_of(url: str, model: str = MODEL) -> OllamaExtractor:
    return OllamaExtractor(settings_of(url, model))


def settings_of(url: str, model: str = MODEL) -> Settings:
    return Settings.load(environ={}, ollama_host=url, model=model)


def chat(**changes: Any) -> dict[str, Any]:
    messages = [{"role": one.role, "content": one.content} for one in ask(POSTING)]
    return {"model": MODEL, "messages": messages} | changes


# --- the protocol -------------------------------------------------------------------------------


async def test_it_greets_and_lists_as_ollama_does(serve: Serve, http: httpx.AsyncClient) -> None:
    url = serve()

    assert (await http.get(url)).text == "Ollama is running"
    assert (await http.head(url)).status_code == 200
    assert (await http.get(f"{url}/api/version")).json().keys() == {"version"}
    client = ollama.AsyncClient(host=url)
    listed = (await client.list()).models
    assert [model.model for model in listed] == [f"{MODEL}:latest"]
    assert (await client.ps()).models == []
    shown = await client.show(MODEL)
    assert shown.details.family == MODEL
    assert shown.capabilities == ["completion"]
    await client.close()


async def test_a_chat_streams_unless_told_otherwise(serve: Serve, http: httpx.AsyncClient) -> None:
    url = serve()

    streamed = (await http.post(f"{url}/api/chat", json=chat())).text.splitlines()
    whole = (await http.post(f"{url}/api/chat", json=chat(stream=False))).json()

    lines = [json.loads(line) for line in streamed]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "".join(line["message"]["content"] for line in lines) == whole["message"]["content"]
    assert whole["model"] == MODEL
    assert (whole["done"], whole["done_reason"]) == (True, "stop")
    assert whole["total_duration"] == whole["prompt_eval_duration"] + whole["eval_duration"]
    assert whole["prompt_eval_count"] > whole["eval_count"] > 0
    assert read_answer(whole["message"]["content"]).seniority == "senior"


async def test_a_chat_without_messages_loads_the_model(
    serve: Serve, http: httpx.AsyncClient
) -> None:
    url = serve()

    loaded = (await http.post(f"{url}/api/chat", json={"model": MODEL})).json()
    running_models = (await http.get(f"{url}/api/ps")).json()["models"]

    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    assert "prompt_eval_count" not in loaded
    assert [model["name"] for model in running_models] == [f"{MODEL}:latest"]


async def test_an_answer_longer_than_num_predict_is_cut_off(
    serve: Serve, http: httpx.AsyncClient
) -> None:
    asked = chat(stream=False, options={"num_predict": 10})

    cut = (await http.post(f"{serve()}/api/chat", json=asked)).json()

    assert (cut["done_reason"], cut["eval_count"]) == ("length", 10)


@pytest.mark.parametrize(
    ("content", "status", "error"),
    [
        (b"", 400, "missing request body"),
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"[" * 100_000, 400, None),
        (b"{}", 400, "model is required"),
        (b'{"model": "gpt-9"}', 404, "model 'gpt-9' not found"),
        (b'{"model": "%s", "messages": [3]}' % MODEL.encode(), 400, None),
    ],
    ids=["nothing", "half", "a list", "depth", "no model", "unknown model", "no messages"],
)
async def test_errors_are_ollamas_own(
    serve: Serve, http: httpx.AsyncClient, content: bytes, status: int, error: str | None
) -> None:
    answer = await http.post(f"{serve()}/api/chat", content=content)

    assert answer.status_code == status
    assert error in (None, answer.json()["error"])


async def test_a_chat_about_something_else_gets_no_facts(
    serve: Serve, http: httpx.AsyncClient
) -> None:
    asked = chat(messages=[{"role": "user", "content": "```json\n{}\n```"}], stream=False)

    answer = (await http.post(f"{serve()}/api/chat", json=asked)).json()

    assert "sandbox" in answer["message"]["content"]


# --- an extraction ------------------------------------------------------------------------------


async def test_an_extraction_says_what_the_rules_say_and_names_the_sandbox(serve: Serve) -> None:
    extractor = extractor_of(serve())
    await extractor.check()

    result = await extractor.extract(POSTING)

    stated = rules.extract(POSTING)
    assert (result.extractor, result.model, result.dropped) == ("ollama", MODEL, 0)
    assert {one.slug for one in result.extraction.technologies} == {
        one.slug for one in stated.technologies
    }
    assert result.extraction.compensation is not None
    assert stated.compensation is not None
    assert result.extraction.compensation.value == stated.compensation.value
    assert result.extraction.compensation.source is ValueSource.LLM
    assert [place.source for place in result.extraction.locations] == [ValueSource.ATS]
    await extractor.close()


async def test_a_model_under_another_name_still_says_that_it_is_the_sandbox(serve: Serve) -> None:
    extractor = extractor_of(serve(models=("small:1b",)), model="small:1b")
    await extractor.check()

    assert (await extractor.extract(POSTING)).model == MODEL
    await extractor.close()


@pytest.mark.parametrize(
    ("fault", "error", "said"),
    [
        ("ollama-busy", ModelBusy, BUSY),
        ("ollama-missing", ModelBusy, f"model '{MODEL}' not found"),
        ("ollama-unreachable", ModelBusy, ""),
        ("ollama-invalid", ModelAnswerInvalid, "twice"),
    ],
)
async def test_every_fault_reaches_the_client(
    serve: Serve, fault: str, error: type[Exception], said: str
) -> None:
    extractor = extractor_of(serve(fault))

    with pytest.raises(error) as raised:
        await extractor.extract(POSTING)

    assert said in str(raised.value)
    await extractor.close()


async def test_a_request_that_is_taken_and_not_answered_in_time_fails_its_posting(
    serve: Serve,
) -> None:
    url = serve(latency_seconds=0.5)
    extractor = OllamaExtractor(settings_of(url), answer_seconds=0.05)

    with pytest.raises(ExtractionFailed, match=r"no answer from .* within 0.05 s"):
        await extractor.extract(POSTING)

    await extractor.close()


@pytest.mark.parametrize("fault", ["ollama-missing", "ollama-unreachable"])
async def test_a_model_that_is_not_there_is_noticed_at_the_start(serve: Serve, fault: str) -> None:
    extractor = extractor_of(serve(fault))

    with pytest.raises(ModelUnavailable, match=f"ollama pull {MODEL}"):
        await extractor.check()

    await extractor.close()


async def test_no_more_answers_are_made_at_a_time_than_there_are_slots(
    serve: Serve, http: httpx.AsyncClient
) -> None:
    making, most = 0, 0

    async def latency(_: float) -> None:
        nonlocal making, most
        making += 1
        most = max(most, making)
        for _ in range(100):  # lets every other request that may run come here too
            await anyio.lowlevel.checkpoint()
        making -= 1

    url = serve(slots=2, latency_seconds=1, sleep=latency)

    async with anyio.create_task_group() as tasks:
        for _ in range(6):
            tasks.start_soon(lambda: http.post(f"{url}/api/chat", json=chat(stream=False)))

    assert most == 2
