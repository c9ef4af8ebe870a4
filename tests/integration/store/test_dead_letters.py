from datetime import datetime

from openfunnel.records import DeadLetter
from openfunnel.store import dead_letters
from openfunnel.store.dead_letters import (
    LetterCount,
    count_dead_letters,
    delete_dead_letters,
    get_dead_letter,
    list_dead_letters,
)


def write(store, now: datetime, kind: str, reason: str, **changes: object) -> int:
    letter = DeadLetter(kind=kind, key="k", reason=reason, **changes)
    return dead_letters.save_dead_letter(store.session, letter, now)


def test_a_letter_is_read_as_it_was_written(store, now: datetime) -> None:
    raw_id = store.raw(store.board())
    letter = DeadLetter(
        kind="crawl",
        key="lever:plaid",
        reason="timed_out",
        attempts=5,
        last_error="10 s",
        raw_response_id=raw_id,
        payload={"board": {"token": "plaid"}},
    )

    letter_id = dead_letters.save_dead_letter(store.session, letter, now)

    stored = get_dead_letter(store.session, letter_id)
    assert {name: getattr(stored, name) for name in DeadLetter.model_fields} == dict(letter)
    assert (stored.id, stored.created_at) == (letter_id, now)
    assert get_dead_letter(store.session, letter_id + 1) is None


def test_letters_are_listed_page_by_page_of_one_kind_or_reason(store, now: datetime) -> None:
    kinds = ["crawl", "entry", "crawl", "extract", "crawl"]
    reasons = ["blocked", "junk", "timed_out", "blocked", "blocked"]
    ids = [write(store, now, *one) for one in zip(kinds, reasons, strict=True)]

    def listed(**wanted: object) -> list[int]:
        return [letter.id for letter in list_dead_letters(store.session, **wanted)]

    assert listed() == ids
    assert listed(limit=2) == ids[:2]
    assert listed(limit=2, after=ids[1]) == ids[2:4]
    assert listed(kind="crawl") == [ids[0], ids[2], ids[4]]
    assert listed(reason="blocked") == [ids[0], ids[3], ids[4]]
    assert listed(kind="crawl", reason="blocked", after=ids[0]) == [ids[4]]


def test_letters_are_counted_by_kind_and_reason(store, now: datetime) -> None:
    for kind, reason in (("entry", "junk"), ("crawl", "a"), ("crawl", "b"), ("crawl", "b")):
        write(store, now, kind, reason)

    assert count_dead_letters(store.session) == [
        LetterCount("crawl", "b", 2),
        LetterCount("crawl", "a", 1),
        LetterCount("entry", "junk", 1),
    ]


def test_dropping_letters_says_how_many_there_were(store, now: datetime) -> None:
    first, second = write(store, now, "crawl", "a"), write(store, now, "crawl", "b")

    assert delete_dead_letters(store.session, [first, second + 1]) == 1
    assert (
        delete_dead_letters(store.session, [first]) == delete_dead_letters(store.session, []) == 0
    )
    assert [letter.id for letter in list_dead_letters(store.session)] == [second]
