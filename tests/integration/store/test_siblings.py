"""Texts of one board, to be compared with each other."""

from sqlalchemy import text as sql

from openfunnel.records import BoardRef
from openfunnel.store.siblings import CHARACTERS, board_texts
from tests.integration.store.conftest import Store


def test_of_postings_of_one_title_there_is_one(store: Store) -> None:
    lyon, bern, other = (
        store.posting(number, title=title, text=f"You {title}.")
        for number, title in enumerate(("cook", "cook", "wait"))
    )
    store.save(lyon, bern, other)

    assert sorted(board_texts(store.session, store.board(), 10)) == ["You cook.", "You wait."]


def test_of_many_postings_a_few_are_read_from_all_over_the_board(store: Store) -> None:
    numbers = range(100)
    store.save(*(store.posting(n, title=f"{n:03}", text=f"text {n:03}") for n in numbers))

    texts = board_texts(store.session, store.board(), 8)

    assert len(texts) == 8
    assert texts == sorted(texts)
    assert texts[0] == "text 000"
    assert texts[-1] > "text 080"


def test_closed_postings_and_other_boards_do_not_count(store: Store) -> None:
    other = BoardRef(ats="lever", token="other")
    store.save(store.posting(1, text="open"))
    store.save(store.posting(2, board=other, text="closed"))
    store.session.execute(sql("UPDATE job_postings SET closed_at = now() WHERE text = 'closed'"))

    assert board_texts(store.session, store.board(other), 10) == []
    assert board_texts(store.session, store.board(), 10) == ["open"]


def test_of_a_long_text_the_beginning_is_read(store: Store) -> None:
    store.save(store.posting(text="x" * 2_000_000))

    assert board_texts(store.session, store.board(), 10) == ["x" * CHARACTERS]
