"""Scrapy's engine, as far as the feed has to do with it.

It reads the requests in progress, wakes the engine's loop and ends it, for none of which Scrapy
offers a name. This was written for Scrapy 2.19, and `check` sees to it that all of it is there.
"""

import os
import threading
from collections.abc import Collection
from typing import Any

import scrapy
from scrapy import Request
from scrapy.core.engine import ExecutionEngine
from scrapy.crawler import Crawler

from openfunnel.errors import UnsupportedScrapy

LAST_SECONDS = 5.0
"""A process that was told to end at once may take so long."""


class Engine:
    """The engine of a crawler, which is made after the spider is."""

    def __init__(self, crawler: Crawler) -> None:
        self._crawler = crawler

    def check(self) -> None:
        """Make sure that this Scrapy is one that can be fed.

        Raises:
            UnsupportedScrapy: it is not.
        """
        slot = self._slot
        progress, nextcall = (getattr(slot, name, None) for name in ("inprogress", "nextcall"))
        known = isinstance(progress, set) and hasattr(nextcall, "schedule")
        if not known or not hasattr(slot, "closing"):
            raise UnsupportedScrapy(version=scrapy.__version__)

    @property
    def in_the_air(self) -> Collection[Request]:
        """Requests that wait for their answers."""
        return self._engine.downloader.active

    @property
    def is_full(self) -> bool:
        """Whether it wants no more requests for now."""
        return self._engine.needs_backout()

    @property
    def is_closing(self) -> bool:
        """Whether the crawler was asked to stop."""
        return self._slot is not None and self._slot.closing is not None

    def has(self, request: Request) -> bool:
        """Whether a request that was handed out is not over yet: its items are of it, too."""
        return self._slot is not None and request in self._slot.inprogress

    def wake(self) -> None:
        """Have it ask for requests now; by itself it does after an answer, or every 5 s."""
        if self._slot is not None:
            self._slot.nextcall.schedule()

    def abandon(self) -> None:
        """End as at the second SIGTERM: it would wait for downloads without end.

        Nor is a thread waited for that hangs on a server which holds the line and says nothing.
        """
        from twisted.internet import reactor

        end = threading.Timer(LAST_SECONDS, os._exit, [1])
        end.daemon = True
        end.start()
        running: Any = reactor
        running.callLater(0, running.stop)

    @property
    def _engine(self) -> ExecutionEngine:
        assert self._crawler.engine is not None
        return self._crawler.engine

    @property
    def _slot(self) -> Any:
        return self._engine._slot
