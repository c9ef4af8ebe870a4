"""A queue, a database with fetched postings, and workers on them."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
from redis.asyncio import Redis
from sqlalchemy import select

from openfunnel.extraction import rules
from openfunnel.extraction.pace import Pace
from openfunnel.extraction.worker import Worker
from openfunnel.queue.leases import Job
from openfunnel.queue.presence import PresenceBoard
from openfunnel.queue.redis_leases import RedisLeaseQueue
from openfunnel.records import BoardRef, ExtractionResult, JobPosting, PostingText, RawResponse
from openfunnel.store import crawl_writes
from openfunnel.store.database import Database
from openfunnel.store.models import Posting, StoredDeadLetter, StoredExtraction
from tests.integration import singly

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOARD = BoardRef(ats="greenhouse", token="acme")
EAGER = Pace(
    poll_seconds=0.01, beat_seconds=0.01, retry_seconds=0, outage_seconds=0, linger_seconds=0
)


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Rules:
    """The rules under a model's name; `before` may do or raise anything at each posting."""

    before: Callable[[PostingText], Awaitable[None]] | None = None
    model: str | None = None
    name: str = "rules"
    titles: list[str] = field(default_factory=list)

    async def extract(self, posting: PostingText) -> ExtractionResult:
        self.titles.append(posting.title)
        if self.before:
            await self.before(posting)
        return ExtractionResult(
            extraction=rules.extract(posting),
            extractor=self.name,
            model=self.model,
            prompt_version="1",
        )

    async def check(self) -> None:
        return None

    async def close(self) -> None:
        return None


@dataclass(frozen=True)
class Store:
    """What these tests write to and read from the database."""

    database: Database

    def fetch(self, count: int, text: str = "You know Python.") -> list[int]:
        """Store `count` postings as a crawl does, and return those that wait for extraction."""
        raw = RawResponse(url="https://acme.example", fetched_at=NOW, http_status=200, body=b"{}")
        postings = [
            JobPosting(
                board=BOARD,
                external_id=str(number),
                title=f"Engineer {number}",
                company_name="Acme",
                canonical_url=f"https://acme.example/jobs/{number}",
                text=text,
                payload={"id": number},
            )
            for number in range(count)
        ]
        with self.database.begin() as session:
            board_id = crawl_writes.upsert_board(session, BOARD, "Acme", NOW)
            raw_id = singly.save_answer(session, board_id, raw)
            saved = singly.save_page(session, board_id, raw_id, postings, NOW)
        return list(saved.awaiting)

    def statuses(self) -> list[str]:
        with self.database.begin() as session:
            return list(session.scalars(select(Posting.status).order_by(Posting.id)))

    def extractions(self) -> list[StoredExtraction]:
        with self.database.begin() as session:
            statement = select(StoredExtraction).order_by(StoredExtraction.job_posting_id)
            return list(session.scalars(statement))

    def dead_letters(self) -> list[StoredDeadLetter]:
        with self.database.begin() as session:
            return list(session.scalars(select(StoredDeadLetter).order_by(StoredDeadLetter.id)))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


@pytest.fixture
def store(database: Database) -> Store:
    return Store(database)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(redis: Redis, clock: Clock) -> RedisLeaseQueue:
    return RedisLeaseQueue(redis, "extract", clock=clock)


@pytest.fixture
def presence(redis: Redis) -> PresenceBoard:
    return PresenceBoard(redis)


MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(queue: RedisLeaseQueue, database: Database, presence: PresenceBoard) -> MakeWorker:
    """Make a worker that loses no time; every argument can be another."""

    def make(extractor: Any, **changes: Any) -> Worker:
        values = {
            "queue": queue,
            "database": database,
            "presence": presence,
            "lease_seconds": 60,
            "concurrency": 3,
            "clock": lambda: NOW,
            "pace": EAGER,
        }
        return Worker(extractor=extractor, **(values | changes))

    return make


def jobs(posting_ids: list[int]) -> list[Job]:
    return [Job(str(posting_id)) for posting_id in posting_ids]
