"""What models cost, carried from a process's meter to PostgreSQL."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from openfunnel.extraction.outages import AWAY
from openfunnel.extraction.usage import Account, Meter
from openfunnel.records import ModelUse
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
        if not (uses := self._meter.take()):
            return
        try:
            await asyncio.to_thread(self._store, uses)
        except AWAY as error:
            log.info("What models cost is stored later: %s", error)
            self._meter.put_back(uses)
        except Exception:
            log.exception("What models cost could not be stored; the next time comes")
            self._meter.put_back(uses)

    def _store(self, uses: Mapping[Account, ModelUse]) -> None:
        rows = [_row(account, use) for account, use in uses.items()]
        with self._database.begin() as session:
            usage.add_usage(session, rows, self._clock())


def _row(account: Account, use: ModelUse) -> usage.UsageRow:
    return usage.UsageRow(
        run_id=account.run_id,
        ats=account.ats,
        model=account.model,
        calls=use.calls,
        cache_hits=use.cache_hits,
        tokens_in=use.tokens_in,
        tokens_out=use.tokens_out,
        seconds=use.seconds,
    )
