"""A migrated database for each test, and makers of what goes into it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy.orm import Session

from openfunnel.records import (
    AtsFields,
    BoardRef,
    Compensation,
    Evidence,
    Extraction,
    ExtractionResult,
    Failure,
    JobPosting,
    PayPeriod,
    Place,
    RawResponse,
    RoleFunction,
    Seniority,
    SkillMention,
    Sourced,
    Stance,
    ValueSource,
    Workplace,
)
from openfunnel.store import crawl_writes, extraction_writes, posting_writes, queries
from openfunnel.store.database import Database
from openfunnel.store.models import Board
from tests.integration import singly

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BOARD = BoardRef(ats="greenhouse", token="acme")


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with Database(database_url) as database:
        yield database


@pytest.fixture
def session(database: Database) -> Iterator[Session]:
    """One transaction for the whole test, for what needs no second connection."""
    with database.begin() as session:
        yield session


def make_posting(number: int = 1, board: BoardRef = BOARD, **changes: Any) -> JobPosting:
    values = {
        "board": board,
        "external_id": str(number),
        "title": f"Engineer {number}",
        "company_name": "Acme Corp",
        "canonical_url": f"https://{board.ats}.example/{board.token}/jobs/{number}",
        "text": "We build rockets.\n- You know the trade",
        "fields": AtsFields(locations=("Berlin",)),
        "posted_at": NOW,
        "payload": {"id": number},
    }
    return JobPosting(**(values | changes))


def make_mention(name: str, stance: Stance = Stance.REQUIRED, **changes: Any) -> SkillMention:
    values = {
        "name": name,
        "slug": name.lower().replace(" ", "-"),
        "category": "language",
        "stance": stance,
        "evidence": Evidence(text=f"you know {name}", start=0, end=9),
        "source": ValueSource.RULES,
    }
    return SkillMention(**(values | changes))


def make_result(
    *,
    role_function: RoleFunction = RoleFunction.ENGINEERING,
    seniority: Seniority = Seniority.MID,
    workplace: Workplace | None = None,
    places: Sequence[Place] = (),
    pay: tuple[int, int, str, PayPeriod] | None = None,
    technologies: Sequence[SkillMention] = (),
    **changes: Any,
) -> ExtractionResult:
    def sourced(value: Any) -> Any:
        return None if value is None else Sourced(value=value, source=ValueSource.RULES)

    extraction = Extraction(
        role_function=sourced(role_function),
        seniority=sourced(seniority),
        workplace=sourced(workplace),
        locations=tuple(sourced(place) for place in places),
        compensation=sourced(
            pay
            and Compensation(
                min=Decimal(pay[0]), max=Decimal(pay[1]), currency=pay[2], period=pay[3]
            )
        ),
        technologies=tuple(technologies),
        **changes,
    )
    return ExtractionResult(extraction=extraction, extractor="rules", prompt_version="1")


@dataclass(frozen=True)
class Store:
    """Short ways to fill the store within one transaction."""

    session: Session
    posting: Callable[..., JobPosting] = make_posting
    mention: Callable[..., SkillMention] = make_mention
    result: Callable[..., ExtractionResult] = make_result

    def board(self, ref: BoardRef = BOARD, company_name: str | None = None) -> int:
        return crawl_writes.upsert_board(self.session, ref, company_name, NOW)

    def raw(self, board_id: int, body: bytes = b"{}", **changes: Any) -> int:
        raw = RawResponse(url="https://x.example", fetched_at=NOW, http_status=200, body=body)
        return singly.save_answer(self.session, board_id, raw, **changes)

    def finish(self, board_id: int, at: datetime = NOW, **changes: Any) -> None:
        """Record a complete fetch."""
        values = {
            "posting_count": 1,
            "changed": True,
            "etag": '"1"',
            "last_modified": "yesterday",
            "checksum": "0" * 64,
            "raw_response_id": None,
        }
        outcome = crawl_writes.BoardOutcome(**(values | changes))
        singly.finish(self.session, board_id, outcome, at, 1.0)

    def fail(self, board_id: int, failure: Failure, at: datetime = NOW, detail: str = "") -> None:
        """Record a crawl that was given up."""
        crawl_writes.fail_board(self.session, board_id, failure, detail, at, 1.0)

    def row(self, board_id: int) -> Board:
        """The board's row as it is now."""
        return self.session.get_one(Board, board_id, populate_existing=True)

    def save(self, *postings: JobPosting, at: datetime = NOW) -> posting_writes.SavedPostings:
        board_id = self.board(postings[0].board)
        return singly.save_page(self.session, board_id, self.raw(board_id), postings, at)

    def finished(
        self, posting_id: int, result: ExtractionResult | None = None, fence: int = 1
    ) -> extraction_writes.FinishedExtraction:
        """An extraction of the posting's text as it is now."""
        pending = queries.postings_for_extraction(self.session, [posting_id])[posting_id]
        return extraction_writes.FinishedExtraction(
            posting_id, pending.text_checksum, result or make_result(), fence
        )

    def extract(self, posting_id: int, fence: int = 1, **values: Any) -> bool:
        finished = self.finished(posting_id, make_result(**values), fence)
        return bool(extraction_writes.save_extractions(self.session, [finished], NOW))

    def add(self, posting: JobPosting, at: datetime = NOW, **values: Any) -> int:
        """Store one posting with its extraction."""
        (posting_id,) = self.save(posting, at=at).awaiting
        assert self.extract(posting_id, **values)
        return posting_id


@pytest.fixture
def store(session: Session) -> Store:
    return Store(session)


@pytest.fixture
def store_on() -> Callable[[Session], Store]:
    """The same for a transaction the test opens itself."""
    return Store
