"""What an extractor says of the postings of a gold set."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from openfunnel.errors import ExtractionFailed, ModelBusy
from openfunnel.evaluation.gold import GoldPosting, Missing
from openfunnel.evaluation.labels import Label, label_of
from openfunnel.extraction.contract import Extractor
from openfunnel.extraction.outages import Outage
from openfunnel.records import Extraction, ExtractionResult, PostingText

FIRST_PAUSE_SECONDS = 1.0
"""When the model is away."""


@dataclass(frozen=True)
class Prediction:
    """What an extractor says of one posting."""

    gold: GoldPosting
    label: Label
    quotes: Mapping[str, str]
    """By field: the words of the posting that a single value was, or might have been, read from."""
    said_by: str
    """`rules`, or `ollama:MODEL`: a model's extractor leaves some postings to the rules."""
    version: str
    """Of the prompt, or of the rules."""


async def predict(
    postings: Sequence[GoldPosting],
    extractor: Extractor,
    *,
    at_once: int,
    show: Callable[[], None] = lambda: None,
) -> tuple[list[Prediction], list[Missing]]:
    """Return what the extractor says of the postings, in order, and of which it says nothing.

    `at_once` postings are in work at a time, and `show` is called after each. A model that is away
    is waited for.
    """
    places = asyncio.Semaphore(at_once)
    outage = Outage(FIRST_PAUSE_SECONDS)

    async def one(gold: GoldPosting) -> Prediction | Missing:
        async with places:
            try:
                result = await _extract(extractor, gold.posting, outage)
            except ExtractionFailed as error:
                return Missing(id=gold.id, reason=str(error))
            finally:
                show()
        return Prediction(
            gold,
            label_of(gold.id, result.extraction),
            _quotes(gold.posting, result.extraction),
            f"{result.extractor}:{result.model}" if result.model else result.extractor,
            result.prompt_version,
        )

    said = await asyncio.gather(*map(one, postings))
    predictions = [one for one in said if isinstance(one, Prediction)]
    return predictions, [one for one in said if isinstance(one, Missing)]


async def _extract(extractor: Extractor, posting: PostingText, outage: Outage) -> ExtractionResult:
    while True:
        try:
            result = await extractor.extract(posting)
        except ModelBusy as error:
            await asyncio.sleep(outage.begin(error, time.monotonic()))
        else:
            outage.end()
            return result


def _quotes(posting: PostingText, extraction: Extraction) -> dict[str, str]:
    fields = posting.fields
    stated = {
        "role_function": " | ".join((posting.title, *fields.departments)),
        "seniority": posting.title,
        "employment_type": fields.commitment,
        "workplace": " | ".join((fields.workplace or "", *fields.locations)).strip(" |"),
        "locations": " | ".join((*fields.locations, *fields.offices)),
    }
    for name in (*stated, "years_experience_min", "compensation"):
        value = getattr(extraction, name)
        if not isinstance(value, tuple) and value and value.evidence:
            stated[name] = value.evidence.text
    return {name: words for name, words in stated.items() if words}
