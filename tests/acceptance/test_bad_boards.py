"""Boards that are gone, broken or nonsense: named, kept, and no harm to anybody else."""

import zstandard

from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.faults import parse_faults
from openfunnel.sandbox.serve import running

from .stage import Stage

WORLD = GeneratedWorld(boards=6, postings=90)
GREENHOUSE = [ref for ref in WORLD.boards() if ref.ats == "greenhouse"]

KNOWN = "SELECT id, status, text_checksum, closed_at FROM job_postings ORDER BY id"


def crawl(stage: Stage, *entries: str | bytes) -> None:
    stage.push("greenhouse", *entries)
    stage.wait_for(stage.scrapy("crawl", "greenhouse", "-a", "idle=1"))


def letters(stage: Stage) -> list[tuple[str, str]]:
    return [tuple(row) for row in stage.rows("SELECT key, reason FROM dead_letters ORDER BY key")]


def test_an_unknown_board_is_marked_and_stops_nothing(stage: Stage) -> None:
    known = GREENHOUSE[0]
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        crawl(stage, "nobody-knows-me", known.token)

    boards = stage.rows("SELECT token, failure FROM boards")
    assert set(boards) == {(known.token, None), ("nobody-knows-me", "not_found")}
    assert stage.count("SELECT count(*) FROM job_postings") > 0
    named = [line for line in stage.log().splitlines() if "nobody-knows-me: not_found" in line]
    assert len(named) == 1


def test_a_broken_answer_is_kept_retried_and_ends_as_a_dead_letter(stage: Stage) -> None:
    cut, invalid, empty, fine = (ref.token for ref in GREENHOUSE[:4])
    with running(WORLD) as sandbox:
        # Given postings that are known already
        stage.face(sandbox)
        crawl(stage, cut, invalid, empty, fine)
        before = stage.rows(KNOWN)
        assert before

    # When their boards answer nonsense
    faults = parse_faults(f"cut@{cut},invalid@{invalid},empty@{empty}")
    with running(WORLD, faults) as sandbox:
        stage.face(sandbox)
        crawl(stage, cut, invalid, empty, fine)

    # Then each answer is kept once, every board was asked again, and the reason is on record
    failures = dict(stage.rows("SELECT token, failure FROM boards"))
    assert failures == {cut: "truncated", invalid: "truncated", empty: "truncated", fine: None}
    assert letters(stage) == sorted(
        (f"greenhouse:{token}", failures[token]) for token in (cut, invalid, empty)
    )
    kept = stage.rows("""
        SELECT b.token, count(*), min(d.attempts)
        FROM raw_responses r JOIN boards b ON b.id = r.board_id
        JOIN dead_letters d ON d.key = 'greenhouse:' || b.token
        WHERE r.failure IS NOT NULL GROUP BY b.token
    """)
    assert {token for token, _, _ in kept} == {cut, invalid, empty}
    for _, answers, attempts in kept:
        assert (answers, attempts) == (1, 5)
    ((letter_body,),) = stage.rows(
        """SELECT r.body FROM dead_letters d JOIN raw_responses r ON r.id = d.raw_response_id
           WHERE d.key = %(key)s""",
        key=f"greenhouse:{cut}",
    )
    whole = WORLD.answer(next(ref for ref in GREENHOUSE if ref.token == cut))
    assert whole is not None
    assert whole.body.startswith(zstandard.decompress(letter_body))

    # And what was known stays as it was
    assert stage.rows(KNOWN) == before


def test_a_start_entry_that_makes_no_sense_is_named_dropped_and_counted(stage: Stage) -> None:
    nonsense: list[str | bytes] = [
        "https://careers.example.com/jobs/1",
        '{"url": ',
        '{"meta": {}}',
        b"\xff\xfe\x00junk",
        "x" * 1_000_000,
        "",
        "../../etc/passwd",
    ]
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        crawl(stage, *nonsense, GREENHOUSE[0].token)

    assert stage.rows("SELECT token, failure FROM boards") == [(GREENHOUSE[0].token, None)]
    refused = [line for line in stage.log().splitlines() if "refused" in line]
    assert len(refused) == len(nonsense)
    reasons = stage.rows("SELECT kind, reason, last_error FROM dead_letters")
    assert {(kind, reason) for kind, reason, _ in reasons} == {("entry", "refused")}
    assert len(reasons) == len(nonsense)
    assert all(error.startswith("Start entry ") for _, _, error in reasons)
    with stage.redis() as client:
        counted = client.hgetall("openfunnel:count:refused_entries")
    assert counted == {b"greenhouse": str(len(nonsense)).encode()}


def test_what_others_write_into_the_frontier_stops_nothing(stage: Stage) -> None:
    # Given a shared queue into which others have written whatever they liked
    with stage.redis() as client:
        junk = (b"\xff\x00", b"{", b"[" * 10_000, b"x" * 1_000_000, b'{"url": 5}', b"")
        client.zadd("greenhouse:requests", dict.fromkeys(junk, 0))
        client.zadd("greenhouse:requests", {b'{"url": "%s"}' % GREENHOUSE[1].token.encode(): 0})
        client.zadd("greenhouse:requests:delayed", {"nobody": 1})
        client.zadd("greenhouse:requests:hosts", {"nowhere.example": float("inf")})
        client.set("greenhouse:requests:token", "9007199254740990")
        client.set("openfunnel:host:nowhere.example", "no hash")

    with running(WORLD) as sandbox:
        stage.face(sandbox)
        crawl(stage, GREENHOUSE[0].token)

    # Then what makes sense is crawled, and the rest is a dead letter each
    boards = stage.rows("SELECT token FROM boards WHERE last_fetched_at IS NOT NULL")
    assert set(boards) == {(GREENHOUSE[0].token,), (GREENHOUSE[1].token,)}
    assert [row[0] for row in stage.rows("SELECT kind FROM dead_letters")] == ["entry"] * len(junk)


def test_the_stock_frontier_crawls_too(stage: Stage) -> None:
    stage.environment["OPENFUNNEL_FRONTIER"] = "stock"
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        crawl(stage, *(ref.token for ref in GREENHOUSE[:4]))

    assert stage.count("SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL") == 4


def test_an_entry_on_the_wrong_list_finds_its_way(stage: Stage) -> None:
    lever = next(ref for ref in WORLD.boards() if ref.ats == "lever" and not ref.region)
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        crawl(stage, f"https://jobs.lever.co/{lever.token}")
        stage.wait_for(stage.scrapy("crawl", "lever", "-a", "idle=1"))

    assert stage.rows("SELECT ats, token, failure FROM boards") == [("lever", lever.token, None)]
    assert "WARNING" not in stage.log()


def test_a_posting_address_fetches_that_posting_alone(stage: Stage) -> None:
    board = GREENHOUSE[0]
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        crawl(stage, board.token)
        ((external_id, url),) = stage.rows(
            "SELECT external_id, canonical_url FROM job_postings ORDER BY id LIMIT 1"
        )
        with stage.redis() as client:
            client.flushall()
        stage.rows("DELETE FROM job_postings RETURNING 1")
        crawl(stage, url, f"https://job-boards.greenhouse.io/{board.token}/jobs/1")

    assert stage.rows("SELECT external_id, status FROM job_postings ORDER BY status") == [
        ("1", "failed"),
        (external_id, "fetched"),
    ]


def test_crawlers_that_join_a_busy_frontier_fail_no_board(stage: Stage) -> None:
    # Given a slow host and a crawler that has filled the shared queue
    world = GeneratedWorld(boards=80, postings=160)
    tokens = [ref.token for ref in world.boards() if ref.ats == "greenhouse"]
    stage.environment["OPENFUNNEL_HOST_RATE"] = "6"
    with running(world) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", *tokens)
        crawlers = [stage.scrapy("crawl", "greenhouse", "-a", "idle=2")]
        with stage.redis() as client:
            stage.wait_until(lambda: client.zcard("greenhouse:requests") > 0)

        # When others join, whose first requests come from that queue
        crawlers += [stage.scrapy("crawl", "greenhouse", "-a", "idle=2") for _ in range(2)]
        for crawler in crawlers:
            stage.wait_for(crawler)

    assert stage.count("SELECT count(*) FROM boards WHERE last_fetched_at IS NOT NULL") == len(
        tokens
    )
    assert letters(stage) == []
