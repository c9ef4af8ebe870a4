"""What models cost, counted in memory until the worker stores it."""

from collections.abc import Iterable
from dataclasses import replace

from openfunnel.records import Origin, PostingText
from openfunnel.store.usage import UsageRow

NOWHERE = Origin(ats="", board_id=0)
"""Of postings that no store knows."""


class Meter:
    """Adds up what is asked of models; one a process, used by one event loop."""

    def __init__(self) -> None:
        self._rows: dict[tuple[int | None, str, str], UsageRow] = {}

    def note(
        self,
        posting: PostingText,
        model: str,
        *,
        calls: int = 0,
        cache_hits: int = 0,
        tokens_in: int = 0,
        tokens_out: int = 0,
        seconds: float = 0.0,
    ) -> None:
        """Add what a posting made a model do."""
        origin = posting.origin or NOWHERE
        counts = calls, cache_hits, tokens_in, tokens_out, seconds
        self._add(UsageRow(origin.run_id, origin.ats, model, *counts))

    def take(self) -> list[UsageRow]:
        """Return what was added up since the last time, and begin anew."""
        rows, self._rows = self._rows, {}
        return list(rows.values())

    def put_back(self, rows: Iterable[UsageRow]) -> None:
        """Add what could not be stored."""
        for row in rows:
            self._add(row)

    def _add(self, row: UsageRow) -> None:
        account = row.run_id, row.ats, row.model
        known = self._rows.get(account)
        self._rows[account] = _sum(known, row) if known else row


def _sum(one: UsageRow, other: UsageRow) -> UsageRow:
    return replace(
        one,
        calls=one.calls + other.calls,
        cache_hits=one.cache_hits + other.cache_hits,
        tokens_in=one.tokens_in + other.tokens_in,
        tokens_out=one.tokens_out + other.tokens_out,
        seconds=one.seconds + other.seconds,
    )
