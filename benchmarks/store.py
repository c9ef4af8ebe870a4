"""How fast postings and extractions go into PostgreSQL.

Board pages, read by the real parsers and extracted by the real rules, are written into a migrated
database of the embedded server, a transaction for each page or extraction. Preparing them is not
timed.

Baseline: single-row INSERTs of a posting's title, text and payload into a table with no index but
its key, each with its own commit: what a pipeline that stores one item at a time can hope for.
"""

import hashlib
import json
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
from openfunnel.store import crawl_writes, extraction_writes, posting_writes, queries
from openfunnel.store.claims import claim
from openfunnel.store.database import Database
from openfunnel.store.schema import migrate

NOW = datetime(2026, 1, 1, tzinfo=UTC)
BASELINE = "single-row commits"
SINGLE_ROWS = 500

Work = list[tuple[int, str, ExtractionResult]]
"""Posting id, checksum of its text, and what was extracted."""


def run(runs: int, replay: Path | None) -> None:
    """Measure and print."""
    all_pages = pages(replay)
    postings = [posting for page in all_pages for posting in page]
    results = {_key(posting.title, posting.text): _extract(posting) for posting in postings}
    characters = sum(len(posting.text) for posting in postings) // len(postings)
    print(f"{len(postings)} postings on {len(all_pages)} pages, {characters:,} characters of text")
    taken: dict[str, list[float]] = defaultdict(list)
    with temporary_home() as settings:
        for number in range(runs):
            with _empty_database(settings, f"bench_{number}") as database:
                for figure in _measure(database, all_pages, results):
                    taken[figure.name] += figure.values
    figures = [Figure(name, "postings/s", tuple(values)) for name, values in taken.items()]
    baseline = next(figure for figure in figures if figure.name == BASELINE)
    for figure in figures:
        show(figure, None if figure is baseline else baseline)


def _measure(
    database: Database, all_pages: Sequence[Page], results: dict[str, ExtractionResult]
) -> Iterator[Figure]:
    once = partial(per_second, unit="postings", runs=1)
    yield once(BASELINE, work=lambda: _save_single_rows(database, all_pages))
    yield once("save_postings, all new", work=lambda: _save_pages(database, all_pages))
    yield once("save_postings, all unchanged", work=lambda: _save_pages(database, all_pages))
    work = _awaiting(database, results)
    first, alone, together = work[::3], work[1::3], work[2::3]
    _save_extractions(database, first, 1)  # afterwards most skills are known, as on any later day
    yield once("save_extraction, 1 thread", work=lambda: _save_extractions(database, alone, 1))
    yield once("save_extraction, 8 threads", work=lambda: _save_extractions(database, together, 8))


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
            raw_id = crawl_writes.save_raw_response(session, board_id, raw)
            board = claim(session, board_id, 0)
            assert board is not None
            posting_writes.save_postings(session, board, raw_id, page, NOW)
    return sum(map(len, all_pages))


def _awaiting(database: Database, results: dict[str, ExtractionResult]) -> Work:
    work = []
    with database.begin() as session:
        for posting_id in queries.postings_awaiting_extraction(session, 0, 1_000_000):
            pending = queries.posting_for_extraction(session, posting_id)
            assert pending is not None
            result = results[_key(pending.posting.title, pending.posting.text)]
            work.append((posting_id, pending.text_checksum, result))
    return work


def _save_extractions(database: Database, work: Work, threads: int) -> int:
    def save(one: tuple[int, str, ExtractionResult]) -> None:
        with database.begin() as session:
            assert extraction_writes.save_extraction(session, *one, fence=1, now=NOW)

    with ThreadPoolExecutor(threads) as pool:
        return sum(1 for _ in pool.map(save, work))


def _extract(posting: JobPosting) -> ExtractionResult:
    text = PostingText(title=posting.title, text=posting.text, fields=posting.fields)
    return ExtractionResult(
        extraction=rules.extract(text), extractor="rules", prompt_version=rules.RULES_VERSION
    )


def _key(title: str, text: str) -> str:
    return hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()
