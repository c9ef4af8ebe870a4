"""Which extractor runs: decided once, at the start of a process, and said plainly."""

from dataclasses import dataclass

from openfunnel.errors import ModelUnavailable
from openfunnel.extraction.contract import Extractor, label
from openfunnel.extraction.ollama import OllamaExtractor
from openfunnel.extraction.rules_extractor import RulesExtractor
from openfunnel.settings import Settings


@dataclass(frozen=True)
class Choice:
    """An extractor and why it was chosen, in words for log, status and demo."""

    extractor: Extractor
    reason: str
    """`rules: no Ollama at http://127.0.0.1:11434`."""


async def choose(settings: Settings) -> Choice:
    """Return the extractor that the settings ask for; `auto` prefers a model to the rules.

    Raises:
        ModelUnavailable: `ollama` is asked for and cannot serve the model.
    """
    if settings.extractor == "rules":
        return Choice(RulesExtractor(), "rules: as OPENFUNNEL_EXTRACTOR says")
    extractor = OllamaExtractor(settings)
    try:
        await extractor.check()
    except ModelUnavailable as error:
        await extractor.close()
        if settings.extractor == "ollama":
            raise
        return Choice(RulesExtractor(), f"rules: {error.reason} at {error.host}")
    return Choice(extractor, f"{label(extractor)} at {extractor.host}")
