"""1,700 boards with 50,000 postings, and the same boards again when nothing has changed.

One crawler of Greenhouse (1,020 boards) and one of Lever (680) run and listen; their server answers
at once, on the same two cores as they and PostgreSQL. All boards are pushed in one step, and the
time ends when the last is seen in PostgreSQL (looked at every 50 ms).

The same boards are then pushed twice more to the same processes: once the server answers 304 to
the ETag it sent, once it sends no ETag and the whole body, so that only the checksum can tell.
Baseline of both is the first time. Beside the time stands what it took and left behind: answers
with a body, posting rows that were written (row versions of a transaction since then), raw bodies,
and extraction jobs, of which the queue was emptied before. Peak memory is that of all three times.
"""

from collections import defaultdict
from http import HTTPStatus

from benchmarks.crawl.scene import Scene, peak_megabytes, scene
from benchmarks.figures import Figure, show

SOURCES = ("greenhouse", "lever")
FIRST = "the first time"
EXTRACTION = "openfunnel:extract:"


def run(runs: int) -> None:
    """Measure and print."""
    taken: dict[tuple[str, str], list[float]] = defaultdict(list)
    with scene("bulk") as stage:
        for _ in range(runs):
            _measure(stage, taken)
            stage.clear()
    print(f"{len(stage.scenery.refs):,} boards, two crawlers")
    figures = {key: Figure(*key, tuple(values)) for key, values in taken.items()}
    for (name, unit), figure in figures.items():
        again = unit == "s" and name != FIRST
        show(figure, figures[FIRST, "s"] if again else None)


def _measure(stage: Scene, taken: dict[tuple[str, str], list[float]]) -> None:
    crawlers = stage.start_crawlers(*SOURCES)
    seconds = _crawl(stage)
    postings = stage.query("SELECT count(*) FROM job_postings WHERE status = 'fetched'")
    taken[FIRST, "s"].append(seconds)
    taken[FIRST, "postings"].append(postings)
    taken[FIRST, "postings/s"].append(postings / seconds)
    for name, validators in (("again, with ETags", True), ("again, checksums only", False)):
        stage.witness.send_validators(validators)
        if keys := list(stage.redis.scan_iter(f"{EXTRACTION}*", count=10_000)):
            stage.redis.unlink(*keys)
        transaction = stage.query("SELECT pg_current_xact_id()::text::bigint")
        bodies = stage.query("SELECT count(*) FROM raw_responses")
        stage.witness.clear()
        taken[name, "s"].append(_crawl(stage))
        whole = sum(one.status == HTTPStatus.OK for one in stage.witness.exchanges())
        taken[name, "whole answers"].append(whole)
        written = "SELECT count(*) FROM job_postings WHERE xmin::text::bigint >= %s"
        taken[name, "rows written"].append(stage.query(written, transaction))
        more_bodies = stage.query("SELECT count(*) FROM raw_responses") - bodies
        taken[name, "raw bodies"].append(more_bodies)
        jobs = sum(1 for _ in stage.redis.scan_iter(f"{EXTRACTION}job:*", count=10_000))
        taken[name, "extraction jobs"].append(jobs)
    for source, crawler in zip(SOURCES, crawlers, strict=True):
        taken[f"crawler of {source}, peak memory", "MB"].append(peak_megabytes(crawler))


def _crawl(stage: Scene) -> float:
    boards = stage.scenery.refs
    pushed_at = stage.push(boards)
    return stage.wait(lambda: stage.stored_since(pushed_at) == len(boards)) - pushed_at.timestamp()
