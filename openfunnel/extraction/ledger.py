"""What models cost, carried from a process's meter to PostgreSQL."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from openfunnel.extraction.outages import AWAY
from openfunnel.extraction.usage import Meter
from openfunnel.store import usage
from openfunnel.store.database import Database

log = logging.getLogger(__name__)


class Ledger:
    """Stores what a meter has added up; nothing is counted twice, and only a crash forgets."""

    def __init__(self, meter: Meter, database: Database, clock: Callable[[], datetime]) -> None:
        self._meter = meter
        self._database = database
        self._clock = clock

    async def store(self) -> None:
        """Store what came together since the last time, or keep it for the next."""
        if not (rows := self._meter.take()):
            return
        try:
            await asyncio.to_thread(self._store, rows)
        except AWAY as error:
            log.info("What models cost is stored later: %s", error)
            self._meter.put_back(rows)
        except Exception:
            log.exception("What models cost could not be stored; the next time comes")
            self._meter.put_back(rows)

    def _store(self, rows: Sequence[usage.UsageRow]) -> None:
        with self._database.begin() as session:
            usage.add_usage(session, rows, self._clock())
