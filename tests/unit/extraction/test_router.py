"""Which extractor is chosen, and what is said about it."""

from typing import Any

import pytest

from openfunnel.errors import InvalidSetting, ModelUnavailable
from openfunnel.extraction.router import Choice, choose
from openfunnel.extraction.usage import Meter
from openfunnel.records import PostingText
from openfunnel.settings import Settings
from tests.unit.extraction.model_server import MODEL, ModelServer

LARGE = "large:8b"


async def chosen(**settings: Any) -> Choice:
    """Choose, and close what was chosen."""
    asked = Settings.load(environ={}, **{"model": MODEL, **settings})
    choice = await choose(asked, None, Meter(), slots=2)
    await choice.extractor.close()
    return choice


async def test_auto_takes_the_model_where_there_is_one(server: ModelServer) -> None:
    choice = await chosen(ollama_host=server.url)

    assert (choice.extractor.name, choice.extractor.model) == ("ollama", MODEL)
    assert choice.reason == f"ollama:{MODEL} at {server.url}"


async def test_auto_takes_the_rules_and_says_that_ollama_is_absent(nobody: str) -> None:
    choice = await chosen(ollama_host=nobody)

    assert choice.extractor.name == "rules"
    assert choice.reason == f"rules: no Ollama at {nobody}"


@pytest.mark.parametrize("missing", [MODEL, LARGE])
async def test_auto_takes_the_rules_and_says_which_model_is_missing(
    server: ModelServer, missing: str
) -> None:
    server.models = tuple({MODEL, LARGE} - {missing})

    choice = await chosen(ollama_host=server.url, model_large=LARGE)

    assert choice.extractor.name == "rules"
    assert choice.reason == f"rules: {missing} is not pulled at {server.url}"


async def test_auto_takes_the_server_that_somebody_has_named(
    server: ModelServer, nobody: str
) -> None:
    choice = await chosen(ollama_host=nobody, openai_url=f"{server.url}/v1")

    assert choice.extractor.name == "openai"
    assert choice.reason == f"openai:{MODEL} at {server.url}/v1"


async def test_auto_takes_the_rules_and_says_that_the_named_server_is_absent(
    server: ModelServer, nobody: str
) -> None:
    choice = await chosen(ollama_host=server.url, openai_url=f"{nobody}/v1")

    assert choice.reason == f"rules: no OpenAI-compatible API at {nobody}/v1"


async def test_ollama_is_taken_where_it_is_asked_for(server: ModelServer, nobody: str) -> None:
    choice = await chosen(extractor="ollama", ollama_host=server.url, openai_url=f"{nobody}/v1")

    assert choice.extractor.name == "ollama"


async def test_rules_ask_nobody(nobody: str) -> None:
    choice = await choose(
        Settings.load(environ={}, ollama_host=nobody, extractor="rules"), None, Meter(), slots=2
    )

    result = await choice.extractor.extract(PostingText(title="Cook", text="You cook."))

    assert (result.extractor, result.model) == ("rules", None)
    await choice.extractor.close()


@pytest.mark.parametrize(
    ("extractor", "remedy"),
    [("ollama", f"ollama pull {LARGE}"), ("openai", f"one that is: {MODEL}")],
)
@pytest.mark.parametrize("role", ["model_large", "triage_model"])
async def test_a_missing_model_that_was_asked_for_says_what_to_do(
    server: ModelServer, extractor: str, remedy: str, role: str
) -> None:
    with pytest.raises(ModelUnavailable, match=remedy):
        await chosen(
            extractor=extractor,
            ollama_host=server.url,
            openai_url=f"{server.url}/v1",
            **{role: LARGE},
        )


async def test_openai_without_an_address_names_its_variable() -> None:
    with pytest.raises(InvalidSetting, match="OPENFUNNEL_OPENAI_URL"):
        await chosen(extractor="openai")


async def test_a_wrong_filter_names_its_variable(server: ModelServer) -> None:
    with pytest.raises(InvalidSetting, match="OPENFUNNEL_TRIAGE_ROLES"):
        await chosen(ollama_host=server.url, triage_roles="wizardry")
