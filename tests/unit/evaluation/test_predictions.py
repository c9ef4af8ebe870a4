"""Extractors at work on a gold set: rules, and what only models do."""

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from openfunnel.errors import ExtractionFailed, ModelBusy
from openfunnel.evaluation import predictions
from openfunnel.evaluation.gold import GoldPosting, Missing
from openfunnel.evaluation.labels import Label
from openfunnel.evaluation.predictions import predict
from openfunnel.evaluation.report import make_report
from openfunnel.extraction import rules
from openfunnel.extraction.rules_extractor import RulesExtractor
from openfunnel.records import AtsFields, BoardRef, ExtractionResult, PostingText


def posting(number: int, label: bool = True) -> GoldPosting:
    text = PostingText(
        title=f"Senior Baker {number}",
        text="You have 5+ years of experience in baking.",
        fields=AtsFields(locations=("Paris, France",), workplace="On site"),
    )
    board = BoardRef(ats="greenhouse", token=f"bakery{number % 2}")
    return GoldPosting(str(number), board, text, Label(id=str(number)) if label else None)


class Scripted:
    """Does what a test says with each posting, then what the rules would."""

    name, model = "ollama", "tiny"

    def __init__(self, act: Callable[[PostingText], str | None]) -> None:
        self._act = act
        self.now = self.most = 0

    async def extract(self, text: PostingText) -> ExtractionResult:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await asyncio.sleep(0)
            model = self._act(text)
        finally:
            self.now -= 1
        return ExtractionResult(
            extraction=rules.extract(text),
            extractor="ollama" if model else "rules",
            model=model,
            prompt_version="7" if model else "1",
        )

    async def check(self) -> None: ...

    async def close(self) -> None: ...


async def test_predictions_come_in_the_order_of_the_postings() -> None:
    extractor = RulesExtractor()
    shown: list[None] = []

    found, missing = await predict(
        [posting(number) for number in range(5)],
        extractor,
        at_once=2,
        show=lambda: shown.append(None),
    )

    await extractor.close()
    assert [one.label.id for one in found] == ["0", "1", "2", "3", "4"]
    assert {one.said_by for one in found} == {"rules"}
    assert missing == []
    assert len(shown) == 5


async def test_no_more_postings_are_in_work_than_are_allowed() -> None:
    extractor = Scripted(lambda _: "tiny")

    await predict([posting(number) for number in range(9)], extractor, at_once=3)

    assert extractor.most == 3


async def test_a_posting_that_cannot_be_extracted_is_missing() -> None:
    def fail(text: PostingText) -> str:
        if text.title.endswith("1"):
            raise ExtractionFailed(reason="it babbled")
        return "tiny"

    found, missing = await predict([posting(0), posting(1)], Scripted(fail), at_once=2)

    assert [one.gold.id for one in found] == ["0"]
    assert missing == [Missing(id="1", reason="The extraction failed: it babbled.")]


async def test_a_model_that_is_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = Counter[str]()

    def be_busy(text: PostingText) -> str:
        asked[text.title] += 1
        if asked[text.title] < 3:
            raise ModelBusy(model="tiny", host="here", reason="503")
        return "tiny"

    monkeypatch.setattr(predictions, "FIRST_PAUSE_SECONDS", 0.001)
    found, missing = await predict([posting(0), posting(1)], Scripted(be_busy), at_once=2)

    assert [one.gold.id for one in found] == ["0", "1"]
    assert missing == []


async def test_misses_of_single_fields_show_the_words_they_are_read_from() -> None:
    (found,), _ = await predict([posting(0)], Scripted(lambda _: "tiny"), at_once=1)

    assert found.quotes["seniority"] == "Senior Baker 0"
    assert found.quotes["years_experience_min"] in found.gold.posting.text
    assert found.quotes["workplace"] == "On site | Paris, France"
    assert found.quotes["locations"] == "Paris, France"


async def test_a_report_tells_who_said_what() -> None:
    def leave_one(text: PostingText) -> str | None:
        return None if text.title.endswith("1") else "tiny"

    postings = [*(posting(number) for number in range(4)), posting(9, label=False)]
    found, _ = await predict(postings, Scripted(leave_one), at_once=1)

    report = make_report("ollama:tiny", found, ())

    assert report.said_by == {"ollama:tiny": 3, "rules": 1}
    assert report.version == "7"
    assert report.overall.postings == 4
    assert {board: one.postings for board, one in report.boards.items()} == {
        "greenhouse:bakery0": 2,
        "greenhouse:bakery1": 2,
    }
    assert [one.id for one in report.misses] == ["0", "1", "2", "3"]


def test_a_report_of_nothing_has_no_figures() -> None:
    report = make_report("rules", (), [Missing(id="one", reason="no payload")])

    assert report.overall.postings == 0
    assert report.overall.evidence_verbatim is None
    assert report.overall.fields["seniority"].accuracy is None
    assert report.overall.fields["technologies"].f1 is None
