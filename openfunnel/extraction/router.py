"""Which extractor runs: decided once, at the start of a process, and said plainly."""

from collections.abc import Callable
from dataclasses import dataclass

from openfunnel.errors import ModelUnavailable
from openfunnel.extraction.answer_cache import AnswerCache, AnswersInMemory, StoredAnswers
from openfunnel.extraction.boilerplate import BoilerplateBook
from openfunnel.extraction.chat import ChatModel
from openfunnel.extraction.contract import Extractor, label
from openfunnel.extraction.ladder import ModelExtractor
from openfunnel.extraction.ollama import OllamaModel
from openfunnel.extraction.rules_extractor import RulesExtractor
from openfunnel.extraction.triage import Triage
from openfunnel.extraction.usage import Meter
from openfunnel.normalize import taxonomy
from openfunnel.settings import Settings
from openfunnel.store.database import Database


@dataclass(frozen=True)
class Choice:
    """An extractor and why it was chosen, in words for log, status and demo."""

    extractor: Extractor
    reason: str
    """`rules: no Ollama at http://127.0.0.1:11434`."""


async def choose(settings: Settings, database: Database | None, meter: Meter, slots: int) -> Choice:
    """Return the extractor that the settings ask for; `auto` prefers a model to the rules.

    At most `slots` requests at a time go to each model, and `meter` counts what they cost. Without
    a database, answers are remembered in memory alone, and no boilerplate is known.

    Raises:
        ModelUnavailable: a model is asked for and cannot be served.
        InvalidSetting: a variable that the choice depends on is wrong.
    """
    taxonomy.include(settings.taxonomy_folder)
    if settings.extractor == "rules":
        return Choice(RulesExtractor(), "rules: as OPENFUNNEL_EXTRACTOR says")
    serve = _server(settings)
    names = dict.fromkeys(name for name in (settings.model, settings.model_large) if name)
    tiers = [serve(settings, name) for name in names]
    triage_model = settings.triage_model and serve(settings, settings.triage_model)
    cache: AnswerCache = StoredAnswers(database) if database else AnswersInMemory()
    extractor = ModelExtractor(
        tiers,
        cache,
        BoilerplateBook(database) if database else None,
        Triage.of(settings, triage_model or None),
        meter,
        slots=slots,
        min_confidence=settings.min_confidence,
        on_failure=settings.on_model_failure,
        prompt_tokens=settings.prompt_tokens,
    )
    try:
        await extractor.check()
    except ModelUnavailable as error:
        await extractor.close()
        if settings.extractor != "auto":
            raise
        return Choice(RulesExtractor(), f"rules: {error.reason} at {error.host}")
    return Choice(extractor, f"{label(extractor)} at {tiers[0].host}")


def _server(settings: Settings) -> Callable[[Settings, str], ChatModel]:
    """Return the kind of server to ask; for `auto` the one that somebody has named, else Ollama."""
    if settings.extractor == "openai" or (settings.extractor == "auto" and settings.openai_url):
        # Its client takes 23 MB, which only those pay who use it.
        from openfunnel.extraction.openai_compatible import OpenAiModel

        return OpenAiModel
    return OllamaModel
