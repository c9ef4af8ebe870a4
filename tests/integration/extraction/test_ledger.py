"""What models cost reaches PostgreSQL once, whatever is away meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session

from openfunnel.errors import DatabaseUnavailable
from openfunnel.extraction.ledger import Ledger
from openfunnel.extraction.usage import Meter
from openfunnel.records import Origin, PostingText
from openfunnel.store import usage
from openfunnel.store.database import Database

from .conftest import NOW

POSTING = PostingText(title="Engineer", text="", origin=Origin(ats="lever", board_id=1))


class Failing(Database):
    """A database whose next transaction raises this."""

    error: Exception | None = None
    transactions = 0

    @contextmanager
    def begin(self) -> Iterator[Session]:
        self.transactions += 1
        error, self.error = self.error, None
        if error:
            raise error
        with super().begin() as session:
            yield session


def calls_stored(database: Database) -> int:
    with database.begin() as session:
        return sum(row.calls for row in usage.usage_in_all(session))


async def test_what_could_not_be_stored_is_stored_the_next_time(database_url: str) -> None:
    meter = Meter()
    with Failing(database_url) as database:
        ledger = Ledger(meter, database, lambda: NOW)
        for error in (DatabaseUnavailable(url="u", detail="d"), ZeroDivisionError("by zero")):
            meter.note(POSTING, "m", calls=1)
            database.error = error
            await ledger.store()
        assert calls_stored(database) == 0

        await ledger.store()
        await ledger.store()

        assert calls_stored(database) == 2


async def test_where_no_model_was_asked_nothing_is_written(database_url: str) -> None:
    with Failing(database_url) as database:
        await Ledger(Meter(), database, lambda: NOW).store()

        assert database.transactions == 0
