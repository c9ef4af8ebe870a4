"""Recorded answers: one test for each field of each case."""

from typing import Any

import pytest

from openfunnel.records import BoardContent, JobPosting
from openfunnel.sources import SOURCES
from tests.unit.sources.fixtures import CASES, output, recorded

CONTENT_FIELDS = [name for name in BoardContent.model_fields if name != "postings"]
POSTING_FIELDS = [name for name in JobPosting.model_fields if name != "payload"]


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_has_a_board_and_a_posting_recorded(source: str) -> None:
    cases = [case for case in CASES if case.startswith(f"{source}/")]

    assert f"{source}/posting" in cases
    assert any(recorded(case).get("postings") for case in cases if case != f"{source}/posting")


def postings(answer: dict[str, Any], field: str) -> list[Any]:
    return [posting[field] for posting in answer.get("postings", [])]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("field", POSTING_FIELDS)
def test_a_field_of_the_postings_is_as_recorded(case: str, field: str) -> None:
    assert postings(output(case), field) == postings(recorded(case), field)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("field", [*CONTENT_FIELDS, "error", "message"])
def test_the_rest_of_an_answer_is_as_recorded(case: str, field: str) -> None:
    assert output(case).get(field) == recorded(case).get(field)


@pytest.mark.parametrize("case", CASES)
def test_an_output_has_no_unexpected_fields(case: str) -> None:
    assert output(case).keys() == recorded(case).keys()
