"""Pages of several boards, saved and closed in one go."""

from datetime import datetime, timedelta

from openfunnel.records import BoardRef
from openfunnel.store import queries
from openfunnel.store.claims import claim_all
from openfunnel.store.posting_writes import Listing, Page, SavedPostings, close_unlisted, save_pages

ACME, BOLT = (BoardRef(ats="greenhouse", token=token) for token in ("acme", "bolt"))


def pages(store, now: datetime, *listings) -> list[Page]:
    """A page for each list of postings, all of one board."""
    ids = [store.board(postings[0].board) for postings in listings]
    claims = claim_all(store.session, dict.fromkeys(ids, 0))
    return [
        Page(claims[board_id], store.raw(board_id), postings, now)
        for board_id, postings in zip(ids, listings, strict=True)
    ]


def test_each_page_is_told_what_became_of_its_own(store, now: datetime) -> None:
    save_pages(store.session, pages(store, now, [store.posting(1, ACME), store.posting(2, ACME)]))
    later = now + timedelta(days=1)
    acme = [store.posting(1, ACME), store.posting(2, ACME, title="Chief"), store.posting(3, ACME)]
    bolt = [store.posting(4, BOLT, company_name="Bolt")]

    first, second = save_pages(store.session, pages(store, later, acme, bolt))

    assert (first.new, first.changed, first.unchanged, first.reopened) == (1, 1, 1, 0)
    assert (len(first.awaiting), second) == (3, SavedPostings(second.awaiting, 1, 0, 0, 0))
    (posting_id,) = second.awaiting
    stored = queries.get_posting(store.session, posting_id)
    assert (stored.posting.board, stored.posting.company_name) == (BOLT, "Bolt")


def test_an_address_on_two_boards_is_one_posting_of_the_first_as_the_last_has_it(
    store, now: datetime
) -> None:
    acme = store.posting(1, ACME)
    bolt = store.posting(9, BOLT, canonical_url=acme.canonical_url, title="Chief")

    first, second = save_pages(store.session, pages(store, now, [acme], [bolt]))

    assert first.awaiting == second.awaiting
    (posting_id,) = first.awaiting
    posting = queries.get_posting(store.session, posting_id).posting
    assert (posting.board, posting.external_id, posting.title) == (ACME, "1", "Chief")


def test_each_board_closes_what_it_does_not_list_at_its_own_time(store, now: datetime) -> None:
    ids = {}
    for board in (ACME, BOLT):
        ids[board] = store.save(store.posting(1, board), store.posting(2, board)).awaiting
    later = now + timedelta(days=1)

    closed = close_unlisted(
        store.session,
        [Listing(store.board(ACME), ["1"], now), Listing(store.board(BOLT), [], later)],
    )

    assert closed == {store.board(ACME): 1, store.board(BOLT): 2}
    found = [queries.get_posting(store.session, one).posting for one in (*ids[ACME], *ids[BOLT])]
    assert {(one.board, one.external_id): one.closed_at for one in found} == {
        (ACME, "1"): None,
        (ACME, "2"): now,
        (BOLT, "1"): later,
        (BOLT, "2"): later,
    }
