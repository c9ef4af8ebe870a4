"""How fast postings and extractions go into PostgreSQL.

Board pages, read by the real parsers and extracted by the real rules, are written into a migrated
database of the embedded server, a transaction for each page or batch of extractions. Preparing them
is not timed. CPU is the client's own, of all its threads.

Baseline: single-row INSERTs of a posting's title, text and payload into a table with no index but
its key, each with its own commit: what a pipeline that stores one item at a time can hope for.
"""

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psycopg

from benchmarks.boards import Page, pages
from benchmarks.figures import Figure, per_second, show
from benchmarks.home import temporary_home
from openfunnel.extraction import rules
from openfunnel.records import ExtractionResult, JobPosting, PostingText, RawResponse
from openfunnel.services import ensure_postgres
from openfunnel.settings import Settings
from openfunnel.store import crawl_writes, posting_writes, queries
from openfunnel.store.claims import claim
from openfunnel.store.database import Database
from openfunnel.store.extraction_writes import FinishedExtraction, save_extractions
from openfunnel.store.raw_writes import Received, save_raw_responses
from openfunnel.store.schema import migrate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASELINE = "single-row commits"
SINGLE_ROWS = 500

BATCH = 16
"""Extractions that a worker stores at a time, when it is busy."""


def run(runs: int, replay: Path | None) -> None:
    """Measure and print."""
    all_pages = pages(replay)
    postings = [posting for page in all_pages for posting in page]
    results = {_key(posting.title, posting.text): _extract(posting) for posting in postings}
    characters = sum(len(posting.text) for posting in postings) // len(postings)
    print(f"{len(postings)} postings on {len(all_pages)} pages, {characters:,} characters of text")
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    with temporary_home() as settings:
        for number in range(runs):
            with _empty_database(settings, f"bench_{number}") as database:
                for figure in _measure(database, all_pages, results):
                    taken[figure.name, figure.unit] += figure.values
    figures = [Figure(name, unit, tuple(values)) for (name, unit), values in taken.items()]
    baseline = next(figure for figure in figures if figure.name == BASELINE)
    for figure in figures:
        comparable = figure is not baseline and figure.unit == baseline.unit
        show(figure, baseline if comparable else None)


def _measure(
    database: Database, all_pages: Sequence[Page], results: dict[str, ExtractionResult]
) -> Iterator[Figure]:
    once = partial(per_second, unit="postings", runs=1)
    yield once(BASELINE, work=lambda: _save_single_rows(database, all_pages))
    yield once("save_pages, all new", work=lambda: _save_pages(database, all_pages))
    yield once("save_pages, all unchanged", work=lambda: _save_pages(database, all_pages))
    work = _awaiting(database, results)
    first, *parts = (work[start::5] for start in range(5))
    _save(database, first, BATCH, 1)  # afterwards most skills are known, as on any later day
    for part, (batch, threads) in zip(parts, ((1, 1), (BATCH, 1), (1, 8), (BATCH, 8)), strict=True):
        name = f"save_extractions, {batch} at a time, {threads} at once"
        begun = time.process_time()
        yield once(name, work=partial(_save, database, part, batch, threads))
        used = (time.process_time() - begun) * 1e6 / len(part)
        yield Figure(f"{name}: CPU", "µs/posting", (used,))


@contextmanager
def _empty_database(settings: Settings, name: str) -> Iterator[Database]:
    server = ensure_postgres(settings)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        url = server.replace("/postgres?", f"/{name}?")
        migrate(url)
        with Database(url) as database:
            database.ping()
            yield database
        connection.execute(f"DROP DATABASE {name}")
        connection.execute("CHECKPOINT")  # now, rather than while the next run is timed


def _save_single_rows(database: Database, all_pages: Sequence[Page]) -> int:
    postings = [posting for page in all_pages for posting in page][:SINGLE_ROWS]
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute(
            "CREATE TABLE plain (url text PRIMARY KEY, title text, body text, p jsonb)"
        )
        for one in postings:
            row = (one.canonical_url, one.title, one.text, json.dumps(one.payload))
            connection.execute("INSERT INTO plain VALUES (%s, %s, %s, %s)", row)
    return len(postings)


def _save_pages(database: Database, all_pages: Sequence[Page]) -> int:
    for page in all_pages:
        with database.begin() as session:
            board_id = crawl_writes.upsert_board(session, page[0].board, None, NOW)
            raw = RawResponse(url="https://x.example", fetched_at=NOW, http_status=200, body=b"{}")
            (raw_id,) = save_raw_responses(session, [Received(board_id, raw)])
            board = claim(session, board_id, 0)
            assert board is not None
            posting_writes.save_pages(session, [posting_writes.Page(board, raw_id, page, NOW)])
    return sum(map(len, all_pages))


def _awaiting(database: Database, results: dict[str, ExtractionResult]) -> list[FinishedExtraction]:
    with database.begin() as session:
        ids = queries.postings_awaiting_extraction(session, 0, 1_000_000)
        return [
            FinishedExtraction(
                one.id, one.text_checksum, results[_key(one.posting.title, one.posting.text)], 1
            )
            for one in queries.postings_for_extraction(session, ids).values()
        ]


def _save(database: Database, work: Sequence[FinishedExtraction], batch: int, threads: int) -> int:
    def save(start: int) -> int:
        with database.begin() as session:
            return len(save_extractions(session, work[start : start + batch], NOW))

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(save, range(0, len(work), batch)))


def _extract(posting: JobPosting) -> ExtractionResult:
    text = PostingText(title=posting.title, text=posting.text, fields=posting.fields)
    return ExtractionResult(
        extraction=rules.extract(text), extractor="rules", prompt_version=rules.RULES_VERSION
    )


def _key(title: str, text: str) -> str:
    return hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()
