"""Calls to models: bounded, counted, and one for all who ask the same."""

import asyncio
from dataclasses import replace

import pytest

from openfunnel.errors import ExtractionFailed, ModelBusy
from openfunnel.extraction.calls import Calls, Flights
from openfunnel.extraction.chat import Message
from openfunnel.extraction.usage import Meter
from openfunnel.records import Origin
from openfunnel.store.usage import UsageRow
from tests.unit.extraction.scripted_model import POSTING, ScriptedModel, says

ASKED = [Message("user", "x" * 400)]
COUNTED = POSTING.model_copy(update={"origin": Origin(ats="lever", board_id=1, run_id=7)})


async def test_no_more_questions_are_open_than_there_are_slots() -> None:
    model = ScriptedModel(told=[says() for _ in range(5)], gate=asyncio.Event())
    calls = Calls(Meter(), slots=2)

    asked = [asyncio.create_task(calls.ask(model, POSTING, ASKED, {})) for _ in range(5)]
    while model.at_work < 2:
        await asyncio.sleep(0)
    model.gate.set()
    await asyncio.gather(*asked)

    assert model.most_at_work == 2


async def test_a_reply_is_counted_for_its_run_source_and_model() -> None:
    meter = Meter()
    clock = iter((10.0, 10.5, 20.0, 20.25))
    calls = Calls(meter, slots=1, clock=lambda: next(clock))
    model = ScriptedModel(told=[replace(says(), model="small-q4"), says()])

    await calls.ask(model, COUNTED, ASKED, {})
    await calls.ask(model, COUNTED, ASKED, {})
    calls.note_known("small", COUNTED)

    assert meter.take() == [
        UsageRow(7, "lever", "small-q4", 1, 0, 100, 20, 0.5),
        UsageRow(7, "lever", "small", 1, 1, 100, 20, 0.25),
    ]


@pytest.mark.parametrize(
    ("error", "counted"),
    [
        (
            ExtractionFailed(reason="no answer in time"),
            [UsageRow(7, "lever", "small", 1, 0, 0, 0, 900.0)],
        ),
        (ModelBusy(model="small", host="here", reason="away"), []),
    ],
    ids=["failed", "away"],
)
async def test_a_request_that_fails_has_cost_its_time_and_one_that_is_not_taken_nothing(
    error: Exception, counted: list[UsageRow]
) -> None:
    meter = Meter()
    clock = iter((100.0, 1000.0))
    calls = Calls(meter, slots=1, clock=lambda: next(clock))

    with pytest.raises(type(error)):
        await calls.ask(ScriptedModel(told=[error]), COUNTED, ASKED, {})

    assert meter.take() == counted


async def test_tokens_that_the_server_does_not_count_are_estimated() -> None:
    calls = Calls(Meter(), slots=1)
    silent = replace(says("y" * 80), tokens_in=None, tokens_out=None)

    reply = await calls.ask(ScriptedModel(told=[silent]), POSTING, ASKED, {})

    assert (reply.tokens_in, reply.tokens_out) == (100, 20)


async def test_what_the_server_counts_calibrates_the_estimate_of_its_model_alone() -> None:
    calls = Calls(Meter(), slots=1)
    dense, other = (
        ScriptedModel(told=[replace(says(), tokens_in=200) for _ in range(50)]) for _ in range(2)
    )

    for _ in range(50):
        await calls.ask(dense, POSTING, ASKED, {})

    assert calls.estimate(dense)("x" * 400) > 150
    assert calls.estimate(other)("x" * 400) == 100


# --- flights ------------------------------------------------------------------------------------


class Work:
    """Counts how often it is begun, and ends when the test says so."""

    def __init__(self) -> None:
        self.begun = 0
        self.cancelled = False
        self.outcome: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def __call__(self) -> str:
        self.begun += 1
        try:
            return await asyncio.shield(self.outcome)
        except asyncio.CancelledError:
            self.cancelled = True
            raise


async def test_who_asks_for_what_is_under_way_waits_for_it() -> None:
    work, flights = Work(), Flights[str]()

    asked = [asyncio.create_task(flights.join("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.outcome.set_result("answer")

    assert await asyncio.gather(*asked) == [("answer", True), ("answer", False), ("answer", False)]
    assert work.begun == 1


async def test_another_key_and_another_time_are_calls_of_their_own() -> None:
    work, flights = Work(), Flights[str]()
    work.outcome.set_result("answer")

    assert await flights.join("one", work) == ("answer", True)
    assert await flights.join("other", work) == ("answer", True)
    assert await flights.join("one", work) == ("answer", True)


async def test_a_failure_reaches_everybody_who_waited() -> None:
    work, flights = Work(), Flights[str]()

    asked = [asyncio.create_task(flights.join("key", work)) for _ in range(3)]
    await asyncio.sleep(0)
    work.outcome.set_exception(ConnectionError("away"))

    said = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in said] == [ConnectionError] * 3


async def test_the_cancellation_of_the_first_harms_no_one_else() -> None:
    work, flights = Work(), Flights[str]()
    first = asyncio.create_task(flights.join("key", work))
    await asyncio.sleep(0)
    second = asyncio.create_task(flights.join("key", work))
    await asyncio.sleep(0)

    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    work.outcome.set_result("answer")

    assert await second == ("answer", False)


async def test_a_call_ends_when_nobody_waits_any_more_and_is_begun_anew() -> None:
    work, flights = Work(), Flights[str]()
    only = asyncio.create_task(flights.join("key", work))
    await asyncio.sleep(0)

    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only
    work.outcome.set_result("answer")

    assert await flights.join("key", work) == ("answer", True)
    assert work.cancelled
    assert work.begun == 2
