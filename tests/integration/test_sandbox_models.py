"""The sandbox's model server over real HTTP: both protocols, each fault, and what it counts."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import Any

import anyio
import anyio.lowlevel
import httpx
import ollama
import openai
import pytest

from openfunnel.extraction.contract import ANSWER_SCHEMA
from openfunnel.extraction.prompt import ask
from openfunnel.records import PostingText
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.model_faults import THOUGHTS, WRONG_COUNTS
from openfunnel.sandbox.ollama import BUSY, MODEL, router
from openfunnel.sandbox.serve import running

POSTING = PostingText(
    title="Senior Data Engineer",
    company_name="Acme",
    text=(
        "About the role\n"
        "You will build the pipelines of our planning tool, based in Berlin.\n"
        "## Requirements\n"
        "- 5+ years of experience with Python and PostgreSQL\n"
        "The base salary is $150,000 - $180,000 per year."
    ),
)
MESSAGES = [{"role": one.role, "content": one.content} for one in ask(POSTING, POSTING.text)]
THOUGHTLESS = f'"{MODEL}" does not support thinking'
PROTOCOLS = pytest.mark.parametrize("path", ["/api/chat", "/v1/chat/completions"])


class NoBoards:
    """A world without boards: these tests are about the model."""

    def boards(self) -> tuple[()]:
        return ()

    def answer(self, ref: object) -> None:
        return None


Serve = Callable[..., httpx.AsyncClient]


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start a sandbox with these faults and parameters, and return a client of it."""
    clients = []
    with ExitStack() as servers:

        def start(faults: str = "", **parameters: Any) -> httpx.AsyncClient:
            chosen = parse_faults(faults)
            url = servers.enter_context(running(NoBoards(), chosen, router(chosen, **parameters)))
            clients.append(httpx.AsyncClient(base_url=url, timeout=60))
            return clients[-1]

        yield start
        for client in clients:
            await client.aclose()


def chat(**changes: Any) -> dict[str, Any]:
    """What either protocol takes: each overlooks what is the other's."""
    return {
        "model": MODEL,
        "messages": MESSAGES,
        "stream": False,
        "format": ANSWER_SCHEMA,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": ANSWER_SCHEMA, "strict": True},
        },
    } | changes


async def told(http: httpx.AsyncClient, path: str) -> dict[str, Any]:
    """Return the message of an answer."""
    answer = (await http.post(path, json=chat())).json()
    message: dict[str, Any] = answer["message" if "message" in answer else "choices"]
    return message if "choices" not in answer else answer["choices"][0]["message"]


async def calls(http: httpx.AsyncClient, **known: object) -> dict[str, Any]:
    """Return what the server has counted, as soon as it is known to be so."""
    while True:
        counted: dict[str, Any] = (await http.get("/sandbox/calls")).json()
        if counted.items() >= known.items():
            return counted


# --- Ollama's protocol --------------------------------------------------------------------------


async def test_it_greets_and_lists_as_ollama_does(serve: Serve) -> None:
    http = serve(models=(MODEL, "other:1b"))

    assert (await http.get("/")).text == "Ollama is running"
    assert (await http.head("/")).status_code == 200
    assert (await http.get("/api/version")).json().keys() == {"version"}
    client = ollama.AsyncClient(host=str(http.base_url))
    listed = (await client.list()).models
    assert [model.model for model in listed] == [f"{MODEL}:latest", "other:1b"]
    assert (await client.ps()).models == []
    shown = await client.show(MODEL)
    assert shown.details is not None
    assert shown.details.family == MODEL
    assert shown.capabilities == ["completion"]
    await client.close()  # type: ignore[no-untyped-call]


async def test_a_chat_streams_unless_told_otherwise(serve: Serve) -> None:
    http = serve()

    streamed = (await http.post("/api/chat", json=chat(stream=True))).text.splitlines()
    whole = (await http.post("/api/chat", json=chat())).json()

    lines = [json.loads(line) for line in streamed]
    assert [line["done"] for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "".join(line["message"]["content"] for line in lines) == whole["message"]["content"]
    assert whole["model"] == MODEL
    assert (whole["done"], whole["done_reason"]) == (True, "stop")
    assert whole["total_duration"] == whole["prompt_eval_duration"] + whole["eval_duration"]
    assert whole["prompt_eval_count"] > whole["eval_count"] > 0
    assert json.loads(whole["message"]["content"])["seniority"] == "senior"


async def test_a_chat_without_messages_loads_the_model(serve: Serve) -> None:
    http = serve()

    loaded = (await http.post("/api/chat", json={"model": MODEL})).json()
    running_models = (await http.get("/api/ps")).json()["models"]

    assert (loaded["done"], loaded["done_reason"]) == (True, "load")
    assert "prompt_eval_count" not in loaded
    assert [model["name"] for model in running_models] == [f"{MODEL}:latest"]


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
        (
            b'{"model": "%s", "think": true}' % MODEL.encode(),
            400,
            f'"{MODEL}" does not support thinking',
        ),
    ],
    ids=[
        "nothing",
        "half",
        "list",
        "depth",
        "no model",
        "unknown model",
        "no messages",
        "thinking",
    ],
)
async def test_errors_are_ollamas_own(
    serve: Serve, content: bytes, status: int, error: str | None
) -> None:
    answer = await serve().post("/api/chat", content=content)

    assert answer.status_code == status
    assert error in (None, answer.json()["error"])


# --- OpenAI's protocol --------------------------------------------------------------------------


async def test_openais_own_client_is_answered(serve: Serve) -> None:
    http = serve(models=("small:1b",))
    async with openai.AsyncOpenAI(base_url=f"{http.base_url}/v1", api_key="none") as client:
        listed = [model.id async for model in client.models.list()]
        answer = await client.chat.completions.create(
            model="small:1b",
            messages=chat()["messages"],
            response_format=chat()["response_format"],
            temperature=0,
            seed=20,
        )

    [choice] = answer.choices
    assert listed == ["small:1b"]
    assert (answer.model, choice.finish_reason) == (MODEL, "stop")
    assert answer.usage is not None
    assert answer.usage.prompt_tokens > answer.usage.completion_tokens > 0
    assert choice.message.content is not None
    assert json.loads(choice.message.content)["seniority"] == "senior"


@pytest.mark.parametrize(
    ("changes", "error", "parameter"),
    [
        ({"model": ""}, openai.BadRequestError, "model"),
        ({"model": "gpt-9"}, openai.NotFoundError, "model"),
        ({"messages": []}, openai.BadRequestError, "messages"),
        ({"messages": [{"role": "user", "content": 3}]}, openai.BadRequestError, "messages"),
        ({"stream": True}, openai.BadRequestError, "stream"),
    ],
    ids=["no model", "unknown model", "no messages", "a number", "streaming"],
)
async def test_errors_are_openais_own(
    serve: Serve, changes: dict[str, Any], error: type[openai.APIStatusError], parameter: str
) -> None:
    url = f"{serve().base_url}/v1"
    asked = {"model": MODEL, "messages": MESSAGES} | changes
    async with openai.AsyncOpenAI(base_url=url, api_key="none", max_retries=0) as client:
        with pytest.raises(error) as refused:
            await client.chat.completions.create(**asked)

    assert refused.value.param == parameter


async def test_a_body_that_is_no_object_is_refused_in_openais_words(serve: Serve) -> None:
    answer = await serve().post("/v1/chat/completions", content=b"[]")

    assert answer.status_code == 400
    assert answer.json()["error"]["type"] == "invalid_request_error"


# --- what is answered ---------------------------------------------------------------------------


@PROTOCOLS
async def test_a_chat_about_something_else_gets_no_facts(serve: Serve, path: str) -> None:
    asked = chat(messages=[{"role": "user", "content": "```json\n{}\n```"}])

    answer = await serve().post(path, json=asked)

    assert "it answers about postings alone" in answer.text


@PROTOCOLS
async def test_both_protocols_give_the_answer_that_was_asked_for(serve: Serve, path: str) -> None:
    message = await told(serve(), path)

    facts = json.loads(message["content"])
    assert facts.keys() == ANSWER_SCHEMA["properties"].keys()
    assert {one["name"] for one in facts["technologies"]} == {"Python", "PostgreSQL"}


async def test_a_small_schema_gets_a_small_answer(serve: Serve) -> None:
    names = ("role_function", "country", "language")
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in names}}

    answer = (await serve().post("/api/chat", json=chat(format=schema))).json()

    facts = json.loads(answer["message"]["content"])
    assert facts == {"role_function": "data", "country": "DE", "language": "en"}


@pytest.mark.parametrize(
    ("path", "limit"),
    [
        ("/api/chat", {"options": {"num_predict": 10}}),
        ("/v1/chat/completions", {"max_tokens": 10}),
        ("/v1/chat/completions", {"max_completion_tokens": 10}),
    ],
)
async def test_an_answer_that_is_longer_than_it_may_be_is_cut_off(
    serve: Serve, path: str, limit: dict[str, Any]
) -> None:
    cut = (await serve().post(path, json=chat(**limit))).json()

    if "choices" in cut:
        assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == (
            "length",
            10,
        )
    else:
        assert (cut["done_reason"], cut["eval_count"]) == ("length", 10)


# --- faults -------------------------------------------------------------------------------------


@PROTOCOLS
@pytest.mark.parametrize("fault", ["ollama-invalid", "ollama-length", "ollama-undone"])
async def test_an_answer_can_be_no_json(serve: Serve, path: str, fault: str) -> None:
    message = await told(serve(fault), path)

    with pytest.raises(json.JSONDecodeError):
        json.loads(message["content"])


@pytest.mark.parametrize(
    ("fault", "ending"), [("ollama-length", (True, "length")), ("ollama-undone", (False, None))]
)
async def test_an_answer_that_did_not_end_says_so_to_ollamas_client(
    serve: Serve, fault: str, ending: tuple[bool, str | None]
) -> None:
    http = serve(fault)

    answer = (await http.post("/api/chat", json=chat())).json()
    last = (await http.post("/api/chat", json=chat(stream=True))).text.splitlines()[-1]

    assert (answer["done"], answer.get("done_reason")) == ending
    assert (json.loads(last)["done"], json.loads(last).get("done_reason")) == ending


@pytest.mark.parametrize("fault", ["ollama-length", "ollama-undone"])
async def test_an_answer_that_did_not_end_says_so_to_openais_client(
    serve: Serve, fault: str
) -> None:
    answer = (await serve(fault).post("/v1/chat/completions", json=chat())).json()

    assert answer["choices"][0]["finish_reason"] == "length"


@PROTOCOLS
async def test_thoughts_stand_somewhere_else_each_time(serve: Serve, path: str) -> None:
    http = serve("ollama-thinking")
    right = json.loads((await told(serve(), path))["content"])

    messages = [await told(http, path) for _ in THOUGHTS]

    before, after, fenced, apart = (message["content"] for message in messages)
    assert before.startswith("<think>")
    assert json.loads(before.partition("</think>")[2]) == right
    assert json.JSONDecoder().raw_decode(after)[0] == right
    assert json.loads(fenced.partition("```json\n")[2].partition("\n```")[0]) == right
    assert json.loads(apart) == right
    thought = messages[-1].keys() - {"role", "content"}
    assert thought == ({"thinking"} if path == "/api/chat" else {"reasoning_content"})


async def test_counts_are_wrong_in_every_way_there_is(serve: Serve) -> None:
    http = serve("ollama-counts")

    counted = [
        (await http.post("/api/chat", json=chat())).json().get("prompt_eval_count")
        for _ in WRONG_COUNTS
    ]

    assert counted == [0, None, -1, 10**15]


async def test_usage_is_wrong_in_every_way_there_is(serve: Serve) -> None:
    http = serve("ollama-counts")

    answers = [
        (await http.post("/v1/chat/completions", json=chat())).json().get("usage")
        for _ in WRONG_COUNTS
    ]

    assert [usage and usage["prompt_tokens"] for usage in answers] == [0, None, -1, 10**15]


@PROTOCOLS
async def test_a_model_can_be_missing(serve: Serve, path: str) -> None:
    http = serve("ollama-missing")

    assert (await http.post(path, json=chat())).status_code == 404
    assert (await http.get("/api/tags")).json() == {"models": []}
    assert (await http.get("/v1/models")).json()["data"] == []


async def test_a_busy_server_says_so(serve: Serve) -> None:
    http = serve("ollama-busy")

    answer = await http.post("/api/chat", json=chat())
    statuses = [
        (await http.post("/v1/chat/completions", json=chat())).status_code for _ in range(2)
    ]

    assert (answer.status_code, answer.json()) == (503, {"error": BUSY})
    assert sorted(statuses) == [429, 503]


@PROTOCOLS
@pytest.mark.parametrize("fault", ["ollama-unreachable", "ollama-reset"])
async def test_a_connection_can_close_too_early(serve: Serve, path: str, fault: str) -> None:
    http = serve(fault)
    received = bytearray()

    async def read(answer: httpx.Response) -> None:
        async for chunk in answer.aiter_raw():
            received.extend(chunk)

    async with http.stream("POST", path, json=chat()) as answer:
        with pytest.raises(httpx.RemoteProtocolError):
            await read(answer)

    announced = int(answer.headers["content-length"])
    assert len(received) == announced // 2
    assert (announced > 1) == (fault == "ollama-reset")


@PROTOCOLS
async def test_a_stalled_request_is_let_go_when_the_client_has_gone(
    serve: Serve, path: str
) -> None:
    http = serve("ollama-stall", slots=1)

    asking = asyncio.create_task(http.post(path, json=chat()))
    await calls(http, open=1)
    asking.cancel()

    counted = await calls(http, open=0)
    assert (counted["chat"], counted["by_fault"]) == (1, {"ollama-stall": 1})


async def test_a_share_of_the_calls_goes_wrong_and_the_others_do_not(serve: Serve) -> None:
    http = serve("ollama-busy:0.3,ollama-schema:0.3")

    statuses = [(await http.post("/api/chat", json=chat())).status_code for _ in range(40)]

    by_fault = (await calls(http))["by_fault"]
    assert by_fault["ollama-busy"] == statuses.count(503)
    assert 0 < statuses.count(503) < 40
    assert 0 < by_fault["ollama-schema"] < statuses.count(200)


# --- slots --------------------------------------------------------------------------------------


async def test_no_more_answers_are_made_at_a_time_than_there_are_slots(serve: Serve) -> None:
    making, most = 0, 0

    async def latency(_: float) -> None:
        nonlocal making, most
        making += 1
        most = max(most, making)
        for _ in range(100):  # lets every other request that may run come here too
            await anyio.lowlevel.checkpoint()
        making -= 1

    http = serve(slots=2, latency_seconds=10, sleep=latency)

    async with anyio.create_task_group() as tasks:
        for path in ("/api/chat", "/v1/chat/completions") * 3:
            tasks.start_soon(told, http, path)

    assert most == 2


async def test_a_client_that_hangs_up_gives_back_its_slot_or_its_place(serve: Serve) -> None:
    turns, stuck = 0, threading.Event()

    async def latency(_: float) -> None:
        nonlocal turns
        turns += 1
        if turns == 1:
            stuck.set()
            await asyncio.get_running_loop().create_future()

    http = serve(slots=1, latency_seconds=10, sleep=latency)

    def start() -> asyncio.Task[httpx.Response]:
        return asyncio.create_task(http.post("/api/chat", json=chat()))

    working = start()
    await asyncio.to_thread(stuck.wait)
    waiting = start()
    await calls(http, open=2)
    last = start()
    await calls(http, open=3)
    waiting.cancel()
    await calls(http, open=2)
    working.cancel()

    assert (await last).status_code == 200
    assert turns == 2
