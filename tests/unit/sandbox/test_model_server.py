"""How a model server counts its time."""

import asyncio
from typing import Any

import pytest
from fastapi import Request

from openfunnel.sandbox.faults import FaultKind, parse_faults
from openfunnel.sandbox.model_server import Chat, Fate, ModelServer

CHAT = Chat([{"role": "user", "content": "hello"}], None, None)


class Time:
    """A clock that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> float:
        return self.now


def patient() -> Request:
    """A request whose client waits for as long as it takes."""

    async def receive() -> Any:
        return await asyncio.get_running_loop().create_future()

    return Request({"type": "http"}, receive)


async def test_slots_are_busy_while_answers_are_made_and_no_longer() -> None:
    time = Time()
    halfway: list[object] = []

    async def sleep(seconds: float) -> None:
        time.now += seconds / 2
        halfway.append(server.calls()["busy_seconds"])
        time.now += seconds / 2

    server = ModelServer(parse_faults(""), ("m",), 0.5, 1, sleep, time.clock)

    await asyncio.gather(*(server.answer(patient(), CHAT, Fate(None, 0)) for _ in range(3)))
    time.now += 1000

    assert halfway == pytest.approx([0.25, 0.75, 1.25])
    assert server.calls()["busy_seconds"] == pytest.approx(1.5)


async def test_an_answer_takes_no_longer_than_its_latency_however_long_it_is_made() -> None:
    slept: list[float] = []
    readings = iter([0.0, 0.0, 0.0, 0.3])  # made in 0.3 s

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    server = ModelServer(parse_faults(""), ("m",), 0.5, 1, sleep, lambda: next(readings, 0.5))

    reply = await server.answer(patient(), CHAT, Fate(None, 0))

    assert slept == pytest.approx([0.2])
    assert reply is not None
    assert reply.nanoseconds == pytest.approx(0.5e9)


async def test_faults_take_turns_each_for_itself() -> None:
    server = ModelServer(
        parse_faults("ollama-busy:0.5,ollama-schema:0.5"), ("m",), 0, 1, asyncio.sleep
    )

    fates = [server.befall_chat() for _ in range(20)]

    for kind in (FaultKind.OLLAMA_BUSY, FaultKind.OLLAMA_SCHEMA):
        turns = [fate.turn for fate in fates if fate.fault is kind]
        assert turns == list(range(len(turns)))
        assert server.calls()["by_fault"].get(kind) == len(turns) > 0
