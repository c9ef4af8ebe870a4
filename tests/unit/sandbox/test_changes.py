"""The generated world goes on: some boards change, the others stay byte for byte."""

import json
from typing import Any

from openfunnel.records import BoardRef
from openfunnel.sandbox.boards import AS_OF, GeneratedWorld
from openfunnel.sandbox.changes import CHANGING_SHARE, IDENTITY

BOARDS, POSTINGS, REVISIONS = 30, 300, 4


def world(revision: int) -> GeneratedWorld:
    return GeneratedWorld(BOARDS, POSTINGS, seed=3, revision=revision)


def postings(world: GeneratedWorld, ref: BoardRef) -> dict[str, dict[str, Any]]:
    """Postings of a board by id, talent pools left out."""
    answer = world.answer(ref)
    assert answer is not None
    content = json.loads(answer.body)
    if ref.ats == "greenhouse":
        assert content["meta"]["total"] == len(content["jobs"])
        content = [job for job in content["jobs"] if job["internal_job_id"] is not None]
    elif ref.ats == "ashby":
        assert content["apiVersion"] == "1"
        content = content["jobs"]
    found = {str(entry["id"]): entry for entry in content}
    assert len(found) == len(content)
    return found


def test_a_revision_changes_some_boards_and_leaves_the_others_as_they_were():
    changed = [ref for ref in world(0).boards() if world(0).answer(ref) != world(1).answer(ref)]

    assert abs(len(changed) - BOARDS * CHANGING_SHARE) < 7


def test_in_a_changed_board_one_posting_opens_one_is_rewritten_and_one_closes():
    before, after = world(0), world(1)
    for ref in before.boards():
        old, new = postings(before, ref), postings(after, ref)
        if old == new:
            continue
        rewritten = [key for key in old.keys() & new.keys() if old[key] != new[key]]
        assert len(new.keys() - old.keys()) == 1
        assert len(old.keys() - new.keys()) == (1 if len(old) > 2 else 0)
        assert len(rewritten) == (1 if old else 0)
        for key in rewritten:
            assert all(old[key][name] == new[key][name] for name in IDENTITY[ref.ats])


def test_a_board_is_the_same_however_its_revision_was_reached():
    going_on = world(0)
    for revision in range(REVISIONS + 1):
        going_on.revision = revision
        there = world(revision)
        for ref in there.boards():
            assert going_on.answer(ref) == there.answer(ref)


def test_a_board_was_modified_when_it_last_changed():
    dates = {}
    for revision in range(REVISIONS):
        seen = world(revision)
        for ref in seen.boards():
            answer = seen.answer(ref)
            assert answer is not None
            dates.setdefault((ref, answer.etag), set()).add(answer.modified)

    assert all(len(modified) == 1 for modified in dates.values())
    assert {AS_OF} < set.union(*dates.values())
