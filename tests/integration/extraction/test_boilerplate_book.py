"""The book of what each board repeats, read from a real store."""

import asyncio

import psycopg
import pytest
from sqlalchemy import text as sql

from openfunnel.errors import DatabaseUnavailable
from openfunnel.extraction.boilerplate import NONE, SECONDS, SIBLINGS, BoilerplateBook
from openfunnel.records import Origin
from openfunnel.store.database import Database
from tests.integration.extraction.conftest import Store

WELCOME = "We welcome everybody."


def a_board(store: Store, postings: int = 3) -> Origin:
    """Store a board of postings that share one line of two."""
    ids = store.fetch(postings, text=WELCOME)
    with store.database.begin() as session:
        session.execute(sql("UPDATE job_postings SET text = title || chr(10) || text"))
        board_id = session.scalar(
            sql("SELECT board_id FROM job_postings WHERE id = :id"), {"id": ids[0]}
        )
    return Origin(ats="greenhouse", board_id=board_id)


async def test_the_book_knows_what_a_board_repeats(database: Database, store: Store) -> None:
    origin = a_board(store, SIBLINGS * 2)

    found = await BoilerplateBook(database).of(origin)

    assert WELCOME in found
    assert "Engineer 1" not in found


async def test_nothing_repeats_on_a_board_that_nobody_knows(database: Database) -> None:
    book = BoilerplateBook(database)

    assert await book.of(None) == await book.of(Origin(ats="lever", board_id=0)) == NONE


async def test_a_board_is_read_again_after_a_while_only(database: Database, store: Store) -> None:
    now = 0.0
    book = BoilerplateBook(database, clock=lambda: now)
    origin = a_board(store)
    assert WELCOME in await book.of(origin)
    with database.begin() as session:
        session.execute(sql("UPDATE job_postings SET closed_at = now()"))

    now = SECONDS - 1
    assert WELCOME in await book.of(origin)
    now = SECONDS
    assert await book.of(origin) == NONE


async def test_whoever_gives_up_waiting_does_not_stop_the_others(
    database: Database, store: Store
) -> None:
    book = BoilerplateBook(database)
    origin = a_board(store)
    first, second = (asyncio.create_task(book.of(origin)) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()

    assert WELCOME in await second


async def test_a_board_that_could_not_be_read_is_read_at_the_next_time(
    database: Database, store: Store, database_url: str
) -> None:
    origin = a_board(store)
    book = BoilerplateBook(database)
    name = database_url.partition("@/")[2].partition("?")[0]
    server = database_url.replace(f"/{name}?", "/postgres?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )
        with pytest.raises(DatabaseUnavailable):
            await book.of(origin)
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")

    assert WELCOME in await book.of(origin)
