"""Real boards, recorded, through the whole pipeline: every posting is accounted for."""

import gzip
import hashlib
from pathlib import Path

import pytest
import zstandard

from openfunnel.sandbox import ollama
from openfunnel.sandbox.replay import ReplayWorld
from openfunnel.sandbox.serve import running

from .stage import Stage

POSTINGS = {"ashby": 139, "greenhouse": 767, "lever": 329}
ALL = sum(POSTINGS.values())


@pytest.mark.parametrize("extractor", ["rules", "ollama"])
def test_every_recorded_posting_is_extracted_once(
    stage: Stage, shared: Path, extractor: str
) -> None:
    # Given recorded boards, pushed with a plain Redis client
    boards = shared / "corpus" / "boards"
    files = {ats: sorted((boards / ats).glob("*.json.gz")) for ats in POSTINGS}
    with running(ReplayWorld(boards), ollama=ollama.router(slots=8)) as sandbox:
        stage.face(sandbox)
        stage.environment |= {
            "OPENFUNNEL_EXTRACTOR": extractor,
            "OPENFUNNEL_MODEL": ollama.MODEL,
        }
        for ats, recorded in files.items():
            stage.push(ats, *(file.name.removesuffix(".json.gz") for file in recorded))

        # When two crawlers of one source, one of each other, and one extractor run
        crawlers = [
            stage.scrapy("crawl", "greenhouse", "-a", "idle=3"),
            stage.scrapy("crawl", "greenhouse", "-a", "idle=3"),
            stage.scrapy("crawl", "lever", "-a", "idle=3"),
            stage.scrapy("crawl", "ashby", "-a", "idle=3"),
        ]
        stage.openfunnel("extract", "--concurrency", "8")
        for crawler in crawlers:
            stage.wait_for(crawler)
        waiting = "SELECT count(*) FROM job_postings WHERE status <> 'extracted'"
        stage.wait_until(lambda: stage.count(waiting) == 0)

    # Then every posting is there and extracted, once, and none failed
    by_source = stage.rows("""
        SELECT b.ats, count(*), count(DISTINCT p.canonical_url_hash), count(e.job_posting_id)
        FROM job_postings p JOIN boards b ON b.id = p.board_id
        LEFT JOIN extractions e ON e.job_posting_id = p.id
        GROUP BY b.ats ORDER BY b.ats
    """)
    assert by_source == [(ats, count, count, count) for ats, count in POSTINGS.items()]
    # By the extractor that was asked for, or else it says why
    by_extractor = dict(stage.rows("SELECT extractor, count(*) FROM extractions GROUP BY 1"))
    told = "SELECT count(*) FROM extractions WHERE coalesce(triage, failure) IS NOT NULL"
    others = ALL - by_extractor[extractor]
    assert others == stage.count(told)
    assert others < 0.02 * ALL
    assert stage.count("SELECT count(*) FROM dead_letters") == 0
    assert stage.count("SELECT count(*) FROM boards WHERE failure IS NOT NULL") == 0

    # And each has a raw response that gives back its board's answer byte for byte
    bodies = {
        (ats, token): (zstandard.decompress(body), checksum, postings)
        for ats, token, body, checksum, postings in stage.rows("""
            SELECT b.ats, b.token, r.body, r.checksum, count(*)
            FROM job_postings p JOIN boards b ON b.id = p.board_id
            JOIN raw_responses r ON r.id = p.raw_response_id AND r.board_id = b.id
            GROUP BY b.ats, b.token, r.id
        """)
    }
    assert len(bodies) == sum(len(recorded) for recorded in files.values())
    for ats, recorded in files.items():
        for file in recorded:
            body, checksum, _ = bodies[ats, file.name.removesuffix(".json.gz")]
            assert body == gzip.decompress(file.read_bytes())
            assert checksum == hashlib.sha256(body).hexdigest()
    assert sum(postings for _, _, postings in bodies.values()) == ALL
