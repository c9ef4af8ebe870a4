"""Scrapy's engine is fed only where all that the feed needs of it is there."""

from types import SimpleNamespace
from typing import Any

import pytest

from openfunnel.errors import UnsupportedScrapy
from spiders.engine import Engine

SLOT: dict[str, Any] = {
    "inprogress": set(),
    "nextcall": SimpleNamespace(schedule=lambda: None),
    "closing": None,
}


def engine(slot: object) -> Engine:
    crawler: Any = SimpleNamespace(engine=SimpleNamespace(_slot=slot))
    return Engine(crawler)


def test_an_engine_as_it_was_written_for_will_do() -> None:
    engine(SimpleNamespace(**SLOT)).check()


@pytest.mark.parametrize("missing", SLOT)
def test_one_that_lacks_anything_will_not(missing: str) -> None:
    slot = {name: value for name, value in SLOT.items() if name != missing}

    with pytest.raises(UnsupportedScrapy):
        engine(SimpleNamespace(**slot)).check()


def test_one_without_a_slot_will_not() -> None:
    with pytest.raises(UnsupportedScrapy):
        engine(None).check()
