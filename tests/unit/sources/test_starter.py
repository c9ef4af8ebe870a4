"""The shipped list of boards."""

import csv

from openfunnel.sources import SOURCES
from openfunnel.sources.starter import starter_boards


def test_some_boards_of_each_source_are_listed_once_each():
    boards = starter_boards()

    assert 120 <= len(boards) <= 150
    assert len({board.ref for board in boards}) == len(boards)
    assert {board.ref.ats for board in boards} == SOURCES.keys()
    assert all(board.name.strip() == board.name != "" for board in boards)


def test_every_listed_board_has_an_address():
    for board in starter_boards():
        assert board.ref.region in SOURCES[board.ref.ats].api_bases


def test_every_listed_token_stands_in_the_list_it_was_drawn_from(shared):
    for ats in SOURCES:
        with (shared / "boards" / f"{ats}.csv").open(encoding="utf-8", newline="") as lines:
            known = {row["token"] for row in csv.DictReader(lines)}

        assert {board.ref.token for board in starter_boards() if board.ref.ats == ats} <= known
