"""What becomes of postings when a model server misbehaves.

For each fault of the sandbox's model server, and then for all of them mixed, 120 postings are
extracted by one worker with 8 slots (`openfunnel extract --drain`), while the fault befalls a tenth
of the calls (mixed: each of them a fourteenth, so that few calls are spared). Answers are waited
for no longer than 2 s. The mixed run is made twice: the second time with
OPENFUNNEL_ON_MODEL_FAILURE=dead.

Of every posting it is told how it ended: extracted by the model; by the rules, with the model's
failure on record; dead, with its reason; or lost, which is anything else. `invalid` counts values
in PostgreSQL that are beyond their bounds, and evidence that does not stand in the posting, word
for word, where it is said to stand; `refused` those that the worker kept out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from benchmarks.boards import pages
from benchmarks.extract.scene import Scene, scene
from openfunnel.records import Evidence, Extraction
from openfunnel.sandbox.faults import FaultKind

POSTINGS = 120
SLOTS = 8
KINDS = [kind.value for kind in FaultKind if kind.of_ollama]
SHARE = 0.1
ANSWER_SECONDS = "2"

_STORED = """
    SELECT p.title, p.text, e.fields
    FROM extractions e JOIN job_postings p ON p.id = e.job_posting_id
"""
_ENDED = """
    SELECT
        count(*) FILTER (WHERE p.status = 'extracted' AND e.failure IS NULL),
        count(*) FILTER (WHERE p.status = 'extracted' AND e.failure <> ''),
        count(*) FILTER (WHERE p.status = 'failed' AND d.reason <> '' AND d.last_error <> ''),
        count(*),
        coalesce(sum(e.dropped), 0)
    FROM job_postings p
    LEFT JOIN extractions e ON e.job_posting_id = p.id
    LEFT JOIN dead_letters d ON d.kind = 'extract' AND d.key = p.id::text
"""


@dataclass(frozen=True)
class Outcome:
    """How the postings of one run ended."""

    by_model: int
    by_rules: int
    dead: int
    lost: int
    invalid: int
    refused: int


def run(runs: int) -> None:
    """Measure and print; each run befalls other postings, but by the same dice: one is enough."""
    share_of_all = f"{1 / (len(KINDS) + 1):.4f}"
    mixed = ",".join(f"{kind}:{share_of_all}" for kind in KINDS)
    print(f"{POSTINGS} postings for each line; a fault befalls {SHARE:.0%} of the calls")
    print(f"  {'':<22}{'model':>8}{'rules':>8}{'dead':>8}{'lost':>8}{'invalid':>9}{'refused':>9}")
    with scene() as stage:
        for kind in KINDS:
            _show(kind, _befall(stage, f"{kind}:{SHARE}", "rules"))
        _show("all, then rules", _befall(stage, mixed, "rules"))
        _show("all, then dead", _befall(stage, mixed, "dead"))


def _show(name: str, outcome: Outcome) -> None:
    print(
        f"  {name:<22}{outcome.by_model:>8}{outcome.by_rules:>8}{outcome.dead:>8}"
        f"{outcome.lost:>8}{outcome.invalid:>9}{outcome.refused:>9}",
        flush=True,
    )


def _befall(stage: Scene, faults: str, on_failure: str) -> Outcome:
    stage.fetch(POSTINGS, pages(None))
    with stage.model("--slots", str(SLOTS), "--faults", faults):
        worker = stage.work(
            SLOTS,
            "--drain",
            OPENFUNNEL_ANSWER_SECONDS=ANSWER_SECONDS,
            OPENFUNNEL_ON_MODEL_FAILURE=on_failure,
        )
        stage.wait(lambda: worker.process.poll() is not None)
    by_model, by_rules, dead, all_, refused = stage.query(_ENDED)[0]
    assert all_ == POSTINGS
    lost = POSTINGS - by_model - by_rules - dead
    invalid = sum(_count_invalid(*row) for row in stage.query(_STORED))
    stage.clear()
    return Outcome(by_model, by_rules, dead, lost, invalid, refused)


def _count_invalid(title: str, text: str, fields: dict[str, Any]) -> int:
    try:
        Extraction.model_validate(fields)
    except ValidationError as error:
        return error.error_count()
    return sum(not _stands(evidence, title, text) for evidence in _evidence(fields))


def _evidence(value: Any) -> Iterator[Evidence]:
    """Every piece of evidence in a document, however deep."""
    children = list(value.values() if isinstance(value, dict) else value)
    for child in children:
        if isinstance(child, dict | list):
            yield from _evidence(child)
    if isinstance(value, dict) and value.get("evidence"):
        yield Evidence.model_validate(value["evidence"])


def _stands(evidence: Evidence, title: str, text: str) -> bool:
    if evidence.start is None:
        return evidence.text in title
    return text[evidence.start : evidence.end] == evidence.text
