"""From the settings to an extraction, over real HTTP: both kinds of client before the sandbox."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from openfunnel.errors import ExtractionFailed, ModelBusy, ModelUnavailable
from openfunnel.extraction import rules
from openfunnel.extraction.answer import InvalidAnswer, read_answer
from openfunnel.extraction.chat import ChatModel, Ending
from openfunnel.extraction.contract import ANSWER_SCHEMA, Extractor
from openfunnel.extraction.ollama import OllamaModel
from openfunnel.extraction.openai_compatible import OpenAiModel
from openfunnel.extraction.prompt import ask
from openfunnel.extraction.router import choose
from openfunnel.extraction.usage import Meter
from openfunnel.records import AtsFields, Origin, PostingText, ValueSource
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.model import MODEL
from openfunnel.sandbox.ollama import router
from openfunnel.sandbox.serve import running
from openfunnel.settings import Settings
from openfunnel.store.database import open_database

POSTING = PostingText(
    title="Senior Data Engineer",
    company_name="Acme",
    text=(
        "About the role\n"
        "You will build the pipelines of our planning tool, on which ten thousand shops rely.\n"
        "## Requirements\n"
        "- 5+ years of experience with Python and PostgreSQL\n"
        "The base salary is $150,000 - $180,000 per year."
    ),
    fields=AtsFields(locations=("Berlin, Germany",), commitment="Full-time"),
    origin=Origin(ats="lever", board_id=1, run_id=7),
)
MESSAGES = ask(POSTING, POSTING.text)
KINDS: dict[str, Callable[[Settings, str], ChatModel]] = {
    "ollama": OllamaModel,
    "openai": OpenAiModel,
}


class NoBoards:
    """A world without boards: these tests are about the model."""

    def boards(self) -> tuple[()]:
        return ()

    def answer(self, ref: object) -> None:
        return None


Serve = Callable[..., str]
Make = Callable[..., ChatModel]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a sandbox with these faults and parameters, and return its address."""
    with ExitStack() as servers:

        def start(faults: str = "", **parameters: Any) -> str:
            chosen = parse_faults(faults)
            routes = router(chosen, **parameters)
            return servers.enter_context(running(NoBoards(), chosen, routes))

        yield start


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def make(serve: Serve, kind: str) -> AsyncIterator[Make]:
    """Make a client of a sandbox with these faults."""
    made: list[ChatModel] = []

    def client(faults: str = "", **overrides: Any) -> ChatModel:
        made.append(KINDS[kind](settings_of(serve(faults), kind, **overrides), MODEL))
        return made[-1]

    yield client
    for model in made:
        await model.close()


Extractors = Callable[..., Awaitable[Extractor]]


@pytest.fixture
async def extractor_of(kind: str) -> AsyncIterator[Extractors]:
    """Choose an extractor as a process does."""
    made: list[Extractor] = []

    async def extractor(url: str, meter: Meter, database: Any = None, **settings: Any) -> Extractor:
        choice = await choose(settings_of(url, kind, **settings), database, meter, slots=2)
        made.append(choice.extractor)
        return choice.extractor

    yield extractor
    for one in made:
        await one.close()


def settings_of(url: str, kind: str, **overrides: Any) -> Settings:
    asked = {"extractor": kind, "model": MODEL, **overrides}
    return Settings.load(environ={}, ollama_host=url, openai_url=f"{url}/v1", **asked)


# --- an extraction ------------------------------------------------------------------------------


async def test_an_extraction_says_what_the_rules_say_and_names_the_sandbox(
    serve: Serve, kind: str, extractor_of: Extractors
) -> None:
    meter = Meter()
    extractor = await extractor_of(serve(), meter)

    result = await extractor.extract(POSTING)

    stated = rules.extract(POSTING)
    assert (result.extractor, result.model, result.dropped) == (kind, MODEL, 0)
    assert {one.slug for one in result.extraction.technologies} == {
        one.slug for one in stated.technologies
    }
    assert result.extraction.compensation is not None
    assert stated.compensation is not None
    assert result.extraction.compensation.value == stated.compensation.value
    assert [place.source for place in result.extraction.locations] == [ValueSource.ATS]
    (use,) = meter.take()
    assert (use.run_id, use.ats, use.model) == (7, "lever", MODEL)
    assert (use.calls, use.tokens_in, use.tokens_out) == (1, result.tokens_in, result.tokens_out)
    assert use.tokens_in > use.tokens_out > 0


async def test_a_model_under_another_name_still_says_that_it_is_the_sandbox(
    serve: Serve, extractor_of: Extractors
) -> None:
    extractor = await extractor_of(serve(models=("small:1b",)), Meter(), model="small:1b")

    assert extractor.model == "small:1b"
    assert (await extractor.extract(POSTING)).model == MODEL


async def test_with_a_database_no_process_asks_what_another_has_asked(
    serve: Serve, extractor_of: Extractors, database_url: str
) -> None:
    url, meter = serve(), Meter()
    database = open_database(Settings.load(environ={}, database_url=database_url))
    first = await extractor_of(url, meter, database)
    second = await extractor_of(url, meter, database)

    asked, known = await first.extract(POSTING), await second.extract(POSTING)

    assert (asked.cached, known.cached) == (False, True)
    assert known.extraction == asked.extraction
    (use,) = meter.take()
    assert (use.calls, use.cache_hits) == (1, 1)
    database.close()


# --- what befalls a client ----------------------------------------------------------------------


async def test_an_answer_of_the_sandbox_is_whole_and_counted(make: Make) -> None:
    model = make()
    await model.check()

    reply = await model.chat(MESSAGES, ANSWER_SCHEMA)

    assert (reply.ending, reply.model) == (Ending.WHOLE, MODEL)
    assert read_answer(reply.content).seniority == "senior"
    assert (reply.tokens_in or 0) > (reply.tokens_out or 0) > 0


@pytest.mark.parametrize(
    "fault", ["ollama-busy", "ollama-missing", "ollama-unreachable", "ollama-reset"]
)
async def test_a_server_that_is_busy_or_away_is_waited_for(make: Make, fault: str) -> None:
    with pytest.raises(ModelBusy):
        await make(fault).chat(MESSAGES, ANSWER_SCHEMA)


async def test_a_request_that_stalls_fails_its_posting(make: Make) -> None:
    model = make("ollama-stall", answer_seconds=0.2)

    with pytest.raises(ExtractionFailed, match=r"no answer from .* within 0.2 s"):
        await model.chat(MESSAGES, ANSWER_SCHEMA)


@pytest.mark.parametrize("fault", ["ollama-length", "ollama-undone"])
async def test_an_answer_that_ended_too_early_says_so(make: Make, fault: str) -> None:
    reply = await make(fault).chat(MESSAGES, ANSWER_SCHEMA)

    assert reply.ending in (Ending.TOO_LONG, Ending.BROKEN_OFF)


async def test_thoughts_around_the_answer_are_passed_over(make: Make) -> None:
    model = make("ollama-thinking")

    for _ in range(4):
        reply = await model.chat(MESSAGES, ANSWER_SCHEMA)
        assert read_answer(reply.content).seniority == "senior"


async def test_wrong_counts_are_not_believed(make: Make) -> None:
    model = make("ollama-counts")

    for _ in range(4):
        reply = await model.chat(MESSAGES, ANSWER_SCHEMA)
        assert (reply.ending, reply.tokens_in, reply.tokens_out) == (Ending.WHOLE, None, None)


@pytest.mark.parametrize("fault", ["ollama-invalid", "ollama-schema"])
async def test_what_is_no_answer_is_refused_by_who_reads_it(make: Make, fault: str) -> None:
    reply = await make(fault).chat(MESSAGES, ANSWER_SCHEMA)

    with pytest.raises(InvalidAnswer):
        read_answer(reply.content)


@pytest.mark.parametrize("fault", ["ollama-missing", "ollama-unreachable"])
async def test_a_model_that_is_not_there_is_noticed_at_the_start(make: Make, fault: str) -> None:
    with pytest.raises(ModelUnavailable):
        await make(fault).check()
