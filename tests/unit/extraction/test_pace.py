"""How many postings a worker holds, and how long it gives them."""

import pytest

from openfunnel.extraction.pace import MOST_AHEAD, Lookahead, Pace
from openfunnel.settings import Settings


@pytest.mark.parametrize(
    ("done_lately", "hands"), [(0, 16), (5, 16), (32, 40), (500, 8 + MOST_AHEAD)]
)
def test_a_worker_holds_its_slots_and_what_it_did_lately(done_lately: int, hands: int) -> None:
    lookahead = Lookahead(8, clock=lambda: 100.0)
    for _ in range(done_lately):
        lookahead.note()

    assert lookahead.hands() == hands


def test_what_was_done_long_ago_counts_no_more() -> None:
    now = 100.0
    lookahead = Lookahead(1, clock=lambda: now)
    for _ in range(20):
        lookahead.note()
    assert lookahead.hands() == 21

    now += 2.5

    assert lookahead.hands() == 2


def test_a_posting_has_the_time_of_every_answer_that_may_be_asked_for() -> None:
    settings = Settings.load(environ={}, answer_seconds=10)

    assert Pace.of(settings).posting_seconds == 110
