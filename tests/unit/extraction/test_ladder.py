"""The ladder: who is asked about a posting, how often, and what becomes of the answers."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest

from openfunnel.errors import ExtractionFailed, ModelAnswerInvalid, ModelBusy
from openfunnel.extraction import inquiry, rules
from openfunnel.extraction.answer_cache import AnswerCache, AnswersInMemory, answer_keys
from openfunnel.extraction.chat import Ending, Reply
from openfunnel.extraction.ladder import ModelExtractor
from openfunnel.extraction.prompt import PROMPT_VERSION, SYSTEM_PROMPT
from openfunnel.extraction.triage import Triage
from openfunnel.extraction.usage import Meter
from openfunnel.records import Origin, PostingText, RoleFunction
from openfunnel.store.model_answers import KnownAnswer
from openfunnel.store.usage import UsageRow
from tests.unit.extraction.scripted_model import POSTING, ScriptedModel, moved, says

BUSY = ModelBusy(model="small", host="nowhere", reason="loading")
TIMED_OUT = ExtractionFailed(reason="no answer in time")
GARBLED = ModelAnswerInvalid(model="small", reason="not its protocol")
PROSE = says("Sure! Here is what I found")
DOUBTFUL = says(role_function="legal", seniority="intern", technologies=[])
CUT_OFF = replace(says(), ending=Ending.TOO_LONG)
BROKEN_OFF = replace(says(), ending=Ending.BROKEN_OFF)

PROMPT_TOKENS = 400


class Ladder:
    """An extractor over scripted models."""

    def __init__(
        self,
        *told: Reply | Exception,
        large: tuple[Reply | Exception, ...] | None = None,
        on_failure: Any = "rules",
        min_confidence: float = 0.5,
        cache: AnswerCache | None = None,
        triage: Triage | None = None,
    ) -> None:
        self.small = ScriptedModel("small", told=list(told))
        self.large = ScriptedModel("large", told=list(large or ()))
        self.meter = Meter()
        self.extractor = ModelExtractor(
            [self.small] if large is None else [self.small, self.large],
            cache or AnswersInMemory(),
            None,
            triage or Triage(),
            self.meter,
            slots=4,
            min_confidence=min_confidence,
            on_failure=on_failure,
            prompt_tokens=PROMPT_TOKENS,
        )

    async def extract(self, posting: PostingText = POSTING) -> Any:
        return await self.extractor.extract(posting)

    def use_of(self, model: str) -> UsageRow:
        return next(row for row in self.meter.take() if row.model == model)


# --- one model ----------------------------------------------------------------------------------


async def test_an_answer_becomes_an_extraction_with_its_costs() -> None:
    ladder = Ladder(says())

    result = await ladder.extract()

    assert (result.extractor, result.model) == ("ollama", "small")
    assert (result.prompt_version, result.cached) == (PROMPT_VERSION, False)
    assert (result.tokens_in, result.tokens_out, result.refused) == (100, 20, {})
    assert result.confidence > 0.85
    assert (result.failure, result.triage) == (None, None)
    assert {one.name for one in result.extraction.technologies} == {
        "Python",
        "PostgreSQL",
        "Apache Kafka",
    }


async def test_the_instructions_are_the_same_bytes_for_every_posting() -> None:
    ladder = Ladder(says(), says())

    await ladder.extract()
    await ladder.extract(POSTING.model_copy(update={"title": "Nurse"}))

    assert {asked[0].content for asked in ladder.small.asked} == {SYSTEM_PROMPT}
    assert len({asked[1].content for asked in ladder.small.asked}) == 2


async def test_what_is_not_shown_is_on_record_and_evidence_has_its_place_in_the_whole() -> None:
    padding = "\n".join(f"- We offer perk number {n} to all of us." for n in range(300))
    text = f"## Benefits\n{padding}\n## Requirements\n{POSTING.text}"
    posting = POSTING.model_copy(update={"text": text})
    ladder = Ladder(says())

    result = await ladder.extract(posting)

    assert result.left_out
    shown = ladder.small.asked[0][1].content
    assert "perk number 150" not in shown
    for one in result.extraction.technologies:
        assert text[one.evidence.start : one.evidence.end] == one.evidence.text


@pytest.mark.parametrize(
    ("unusable", "complaint"),
    [
        (says(seniority="wizard"), "seniority: Input should be 'intern'"),
        (PROSE, "JSON"),
        (CUT_OFF, "cut off"),
        (BROKEN_OFF, "it repeated itself, or a filter stopped it"),
    ],
    ids=["beyond the schema", "prose", "cut off", "broken off"],
)
async def test_an_unusable_answer_is_asked_for_again_with_its_error(
    unusable: Reply, complaint: str
) -> None:
    ladder = Ladder(unusable, says())

    result = await ladder.extract()

    assert result.extraction.seniority.value == "senior"
    assert (result.tokens_in, result.tokens_out) == (200, 40)
    first, second = ladder.small.asked
    assert second[:2] == first
    assert second[2].content == unusable.content[: len(second[2].content)]
    assert complaint in second[3].content


async def test_of_a_second_flawed_answer_the_sound_part_is_taken() -> None:
    ladder = Ladder(says(years_experience_min=70), says(years_experience_min=71))

    result = await ladder.extract()

    assert result.extraction.years_experience_min is None
    assert result.refused == {"out_of_bounds": 1}
    assert len(ladder.small.asked) == 2


@pytest.mark.parametrize(
    "second", [PROSE, CUT_OFF, TIMED_OUT, BUSY], ids=["prose", "cut", "no answer", "busy"]
)
async def test_of_a_first_flawed_answer_it_is_where_the_second_is_worse(
    second: Reply | Exception,
) -> None:
    ladder = Ladder(says(years_experience_min=70), second)

    assert (await ladder.extract()).refused == {"out_of_bounds": 1}


async def test_a_failed_request_is_made_once_more() -> None:
    ladder = Ladder(TIMED_OUT, says())

    assert (await ladder.extract()).failure is None
    assert ladder.small.asked[0] == ladder.small.asked[1]


async def test_a_model_that_is_away_is_waited_for() -> None:
    ladder = Ladder(BUSY)

    with pytest.raises(ModelBusy):
        await ladder.extract()


async def test_the_rules_step_in_where_no_answer_can_be_trusted() -> None:
    result = await Ladder(DOUBTFUL).extract()

    assert (result.extractor, result.confidence) == ("rules", None)
    assert result.extraction == rules.extract(POSTING)
    assert result.failure.startswith("small: confidence 0.")


async def test_an_answer_of_low_confidence_is_given_up_on_where_rules_are_not_to_step_in() -> None:
    with pytest.raises(ModelAnswerInvalid, match=r"small: confidence 0\."):
        await Ladder(DOUBTFUL, on_failure="dead").extract()


# --- no usable answer ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unusable", "said"),
    [(PROSE, "JSON"), (BROKEN_OFF, "repeated"), (GARBLED, "protocol"), (TIMED_OUT, "in time")],
    ids=["prose", "broken off", "garbled", "no answer"],
)
async def test_the_rules_step_in_with_the_failure_on_record(
    unusable: Reply | Exception, said: str
) -> None:
    result = await Ladder(unusable, unusable).extract()

    assert (result.extractor, result.model, result.confidence) == ("rules", None, None)
    assert result.extraction == rules.extract(POSTING)
    assert result.prompt_version == rules.RULES_VERSION
    assert result.failure.startswith("small: ")
    assert said in result.failure
    assert "extraction failed" not in result.failure  # it says so where it is shown


async def test_requests_that_fail_in_the_same_way_are_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = ExtractionFailed(reason="'maxLength' is not permitted")
    unquoted = {"technologies": [], "pay_min": None, "pay_max": None, "years_experience_min": None}
    sound_in_part = says(role_function="legal", seniority="intern", skills="none", **unquoted)
    ladder = Ladder(
        *(refused, refused, refused, refused, TIMED_OUT, TIMED_OUT, PROSE, PROSE),
        *(sound_in_part, TIMED_OUT),
    )

    for title in ("Cook", "Nurse", "Pilot", "Judge", "Miner"):
        await ladder.extract(POSTING.model_copy(update={"title": title}))

    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == 2
    assert "'maxLength' is not permitted" in told[0]
    assert "no answer in time" in told[1]


async def test_what_differs_in_its_numbers_alone_is_told_of_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refused = [ExtractionFailed(reason=f"request {n} is refused") for n in (17, 17, 4, 4)]
    ladder = Ladder(DOUBTFUL, DOUBTFUL, large=tuple(refused))

    for text in (POSTING.text, f"{POSTING.text}\nYou will cook."):
        await ladder.extract(POSTING.model_copy(update={"text": text}))

    told = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert len(told) == 1
    assert "request 17 is refused" in told[0]


async def test_a_failure_costs_what_was_asked() -> None:
    ladder = Ladder(PROSE, PROSE)

    result = await ladder.extract()

    assert (result.tokens_in, result.tokens_out) == (200, 40)
    assert ladder.use_of("small").calls == 2


async def test_an_unusable_answer_is_final_where_rules_are_not_to_step_in() -> None:
    with pytest.raises(ModelAnswerInvalid, match=r"small: .*JSON"):
        await Ladder(PROSE, PROSE, on_failure="dead").extract()


@pytest.mark.parametrize(
    ("failure", "said"), [(TIMED_OUT, "in time"), (GARBLED, "protocol")], ids=["late", "garbled"]
)
async def test_a_failed_request_is_not_final(failure: Exception, said: str) -> None:
    with pytest.raises(ExtractionFailed, match=said) as raised:
        await Ladder(failure, failure, on_failure="dead").extract()

    assert not isinstance(raised.value, ModelAnswerInvalid)


# --- two models ---------------------------------------------------------------------------------


async def test_the_large_model_is_not_asked_where_the_small_one_can_be_believed() -> None:
    ladder = Ladder(says(), large=())

    assert (await ladder.extract()).model == "small"


@pytest.mark.parametrize("small", [(PROSE, PROSE), (TIMED_OUT, TIMED_OUT), (DOUBTFUL,)])
async def test_the_large_model_is_asked_where_the_small_one_failed_or_is_doubtful(
    small: tuple[Reply | Exception, ...],
) -> None:
    ladder = Ladder(*small, large=(says(),))

    result = await ladder.extract()

    assert (result.model, result.failure) == ("large", None)
    assert result.confidence > 0.85
    assert result.tokens_in == 100 * (1 + sum(isinstance(one, Reply) for one in small))
    assert ladder.large.asked[0] == ladder.small.asked[0]


@pytest.mark.parametrize("large", [BUSY, TIMED_OUT, PROSE], ids=["away", "no answer", "prose"])
async def test_the_rules_step_in_for_a_doubtful_answer_where_the_large_model_gives_no_better(
    large: Reply | Exception,
) -> None:
    result = await Ladder(DOUBTFUL, large=(large, large)).extract()

    assert result.extractor == "rules"
    assert result.failure.startswith("small: confidence 0.")


@pytest.mark.parametrize(
    ("large", "raised"),
    [(BUSY, ModelBusy), (TIMED_OUT, ExtractionFailed), (PROSE, ModelAnswerInvalid)],
    ids=["away", "no answer", "prose"],
)
async def test_no_posting_is_given_up_on_before_the_large_model_has_answered(
    large: Reply | Exception, raised: type[Exception]
) -> None:
    ladder = Ladder(DOUBTFUL, large=(large, large), on_failure="dead")

    with pytest.raises(raised) as told:
        await ladder.extract()

    assert type(told.value) is raised


async def test_a_doubtful_answer_is_not_asked_for_again_when_the_large_model_is_back() -> None:
    ladder = Ladder(DOUBTFUL, large=(BUSY, says()), on_failure="dead")

    with pytest.raises(ModelBusy):
        await ladder.extract()

    assert (await ladder.extract()).model == "large"
    assert len(ladder.small.asked) == 1


async def test_the_large_model_is_waited_for_where_there_is_no_answer_at_all() -> None:
    with pytest.raises(ModelBusy):
        await Ladder(PROSE, PROSE, large=(BUSY,)).extract()


async def test_while_the_large_model_is_away_the_small_one_is_not_asked_the_same_again() -> None:
    ladder = Ladder(PROSE, PROSE, large=(BUSY, BUSY, says()))

    for _ in range(2):
        with pytest.raises(ModelBusy):
            await ladder.extract()
    result = await ladder.extract()

    assert (result.model, result.failure) == ("large", None)
    assert len(ladder.small.asked) == 2
    assert result.tokens_in == 300


async def test_what_a_failed_request_would_have_said_is_asked_again() -> None:
    ladder = Ladder(TIMED_OUT, TIMED_OUT, says(), large=(BUSY,))

    with pytest.raises(ModelBusy):
        await ladder.extract()

    assert (await ladder.extract()).model == "small"


async def test_of_no_more_unusable_answers_than_fit_is_it_remembered_that_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(inquiry, "MOST_UNUSABLE", 1)
    ladder = Ladder(*[PROSE] * 4, says(), large=(BUSY, BUSY))
    other = POSTING.model_copy(update={"title": "Data Engineer"})

    for posting in (POSTING, other):
        with pytest.raises(ModelBusy):
            await ladder.extract(posting)

    assert (await ladder.extract(POSTING)).model == "small"


async def test_the_failures_of_both_are_on_record() -> None:
    result = await Ladder(PROSE, PROSE, large=(TIMED_OUT, TIMED_OUT)).extract()

    small, large = result.failure.split("; ")
    assert small.startswith("small: ")
    assert large.startswith("large: ")


# --- never twice --------------------------------------------------------------------------------


async def test_one_text_in_two_places_is_one_call() -> None:
    ladder = Ladder(says())

    first = await ladder.extract(moved(POSTING, "Lyon, France"))
    second = await ladder.extract(moved(POSTING, "Berlin, Germany"))

    assert (first.cached, second.cached) == (False, True)
    assert (second.tokens_in, second.tokens_out, second.model) == (0, 0, "small")
    assert second.confidence == first.confidence
    assert second.extraction.technologies == first.extraction.technologies
    assert [one.value.city for one in second.extraction.locations] == ["Berlin"]
    use = ladder.use_of("small")
    assert (use.calls, use.cache_hits, use.tokens_in) == (1, 1, 100)


async def test_a_salvaged_answer_is_salvaged_again() -> None:
    ladder = Ladder(says(years_experience_min=70), says(years_experience_min=70))

    first, second = [await ladder.extract() for _ in range(2)]

    assert second.cached
    assert second.refused == first.refused == {"out_of_bounds": 1}


async def test_an_unusable_answer_is_not_remembered() -> None:
    ladder = Ladder(PROSE, PROSE, says())

    await ladder.extract()

    assert (await ladder.extract()).extractor == "ollama"


async def test_a_remembered_answer_that_no_longer_holds_is_asked_for_again_once() -> None:
    cache, ladder = AnswersInMemory(), Ladder(says())
    key = answer_keys(ladder.small, PROMPT_TOKENS)(POSTING)
    await cache.put(key, KnownAnswer('{"summary": "of an older schema"}', "small"))

    first, second = [await Ladder(says(), cache=cache).extract() for _ in range(2)]

    assert (first.cached, second.cached) == (False, True)


async def test_the_same_text_at_the_same_time_is_one_call() -> None:
    ladder = Ladder(says())
    ladder.small.gate = asyncio.Event()
    places = ["Lyon, France", "Berlin, Germany", "Rome, Italy"]

    asked = [asyncio.create_task(ladder.extract(moved(POSTING, place))) for place in places]
    while not ladder.small.at_work:
        await asyncio.sleep(0)
    ladder.small.gate.set()
    results = await asyncio.gather(*asked)

    assert sorted(one.cached for one in results) == [False, True, True]
    assert sum(one.tokens_in for one in results) == 100
    cities = [one.extraction.locations[0].value.city for one in results]
    assert cities == ["Lyon", "Berlin", "Rome"]
    use = ladder.use_of("small")
    assert (use.calls, use.cache_hits) == (1, 2)


async def test_a_failure_that_several_waited_for_is_paid_once() -> None:
    ladder = Ladder(PROSE, PROSE)
    ladder.small.gate = asyncio.Event()

    asked = [asyncio.create_task(ladder.extract()) for _ in range(3)]
    while not ladder.small.at_work:
        await asyncio.sleep(0)
    ladder.small.gate.set()
    results = await asyncio.gather(*asked)

    assert all(one.failure for one in results)
    assert sum(one.tokens_in for one in results) == ladder.use_of("small").tokens_in == 200


# --- triage -------------------------------------------------------------------------------------


async def test_what_triage_refuses_is_left_to_the_rules_with_the_reason() -> None:
    ladder = Ladder()

    result = await ladder.extract(POSTING.model_copy(update={"closed": True}))

    assert (result.extractor, result.triage, result.failure) == ("rules", "closed", None)
    assert result.extraction == rules.extract(POSTING)
    assert not ladder.small.asked


async def test_the_triage_model_is_asked_first_and_counted() -> None:
    said = says(json.dumps({"role_function": "legal", "country": None, "language": "en"}))
    tiny = ScriptedModel("tiny", told=[said])
    ladder = Ladder(triage=Triage(roles=frozenset({RoleFunction.DATA}), model=tiny))

    result = await ladder.extract()

    assert result.triage == "role:legal"
    assert not ladder.small.asked
    assert ladder.use_of("tiny").calls == 1


# --- bad input ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0",
        "\ud800" * 300,
        "데이터 엔지니어를 찾습니다. 파이썬 경험이 필요합니다.\n" * 30,
        "نبحث عن مهندس بيانات لديه خبرة.\n" * 30,
        "<div>" * 20_000,
        "word " * 400_000,
        "x" * 2_000_000,
        "\n" * 2_000_000,
        '{"' * 100_000,
    ],
    ids=[
        "empty",
        "NUL",
        "surrogates",
        "Korean",
        "Arabic",
        "bomb",
        "words",
        "one word",
        "lines",
        "braces",
    ],
)
async def test_any_text_ends_as_an_extraction(text: str) -> None:
    ladder = Ladder(says(text[:100_000]), says())
    origin = Origin(ats="lever", board_id=1)

    result = await ladder.extract(POSTING.model_copy(update={"text": text, "origin": origin}))

    assert result.extractor in ("ollama", "rules")
    for one in (*result.extraction.technologies, *result.extraction.initiatives):
        if one.evidence.start is not None:
            assert text[one.evidence.start : one.evidence.end] == one.evidence.text


async def test_nonsense_within_the_schema_is_refused_and_the_posting_is_not_lost() -> None:
    nonsense = says(
        json.dumps(
            {
                "summary": "zzz \0 yyy",
                "role_function": "data",
                "seniority": "senior",
                "employment_type": None,
                "workplace": None,
                "locations": [{"city": "\ud800", "region": None, "country": "x" * 10_000}],
                "pay_evidence": "$",
                "pay_min": 18e300,
                "pay_max": 62997139034615,
                "pay_currency": "USD",
                "pay_period": "year",
                "pay_is_on_target_earnings": None,
                "years_evidence": "5+",
                "years_experience_min": 62997139034615,
                "technologies": [{"evidence": "e", "name": "e" * 10_000, "stance": "used"}],
                "skills": [{"evidence": "a", "name": "a", "stance": "used"}],
                "initiatives": [{"evidence": "a", "type": "funding"}],
            }
        )
    )

    result = await Ladder(nonsense, nonsense, min_confidence=0.0).extract()

    stated = rules.extract(POSTING)
    assert result.extractor == "ollama"
    assert result.extraction.technologies == result.extraction.skills == ()
    assert result.extraction.initiatives == result.extraction.locations == ()
    assert result.extraction.compensation == stated.compensation
    assert result.extraction.summary == stated.summary
    assert result.dropped >= 7
    assert result.confidence < 0.5


async def test_closing_closes_every_model() -> None:
    closed: list[str] = []

    class Closing(ScriptedModel):
        async def close(self) -> None:
            closed.append(self.model)

    models = [Closing("small"), Closing("large")]
    extractor = ModelExtractor(
        models,
        AnswersInMemory(),
        None,
        Triage(model=Closing("tiny")),
        Meter(),
        slots=1,
        min_confidence=0.5,
        on_failure="rules",
        prompt_tokens=400,
    )

    await extractor.check()
    await extractor.close()

    assert closed == ["small", "large", "tiny"]
