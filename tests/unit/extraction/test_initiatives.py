"""Initiatives are found where they are plainly stated, and nowhere else."""

import pytest

from openfunnel.extraction.initiatives import find_initiatives
from openfunnel.extraction.sections import divide
from openfunnel.records import InitiativeType


def found(text: str) -> set[str]:
    spans = find_initiatives(divide(text))
    assert all(text[start:end].strip() for _, start, end in spans)
    return {kind.value for kind, _, _ in spans}


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("We are expanding into new markets this year.", "expansion"),
        ("We're opening a new office in Lisbon.", "expansion"),
        ("You join while we are launching a new product line.", "new_product"),
        ("You take our newest product from zero to one.", "new_product"),
        ("You will lead our migration from a monolith to Kubernetes.", "migration"),
        ("Help us modernize our legacy systems.", "migration"),
        ("We are growing our sales team quickly.", "scaling"),
        ("Wir sind ein stark wachsendes Unternehmen", "scaling"),
        ("You prepare us for SOC 2: working towards SOC 2 Type II", "compliance"),
        ("Lead our IPO readiness work", "compliance"),
        ("You use AI tools in your work every day.", "ai_adoption"),
        ("We are building AI-powered features.", "ai_adoption"),
        ("You guide the post-merger integration of two brands", "restructuring"),
        ("We recently raised a Series B.", "funding"),
    ],
)
def test_a_plain_statement_is_found(text: str, kind: str) -> None:
    assert kind in found(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "We move fast and think big.",
        "You grow as a person.",
        "We do not use AI tools to judge candidates.",
        "## Requirements\n- Experience expanding into new markets",
        "## Benefits\n- You use AI tools as you like",
        "We were founded in 2012.",
    ],
)
def test_slogans_requirements_and_small_print_are_not(text: str) -> None:
    assert found(text) == set()


def test_each_type_is_given_once_in_the_order_of_the_text() -> None:
    text = "We recently raised a Series B.\nWe're growing fast.\nWe just closed our Series C."
    kinds = [kind for kind, _, _ in find_initiatives(divide(text))]
    assert kinds == [InitiativeType.FUNDING, InitiativeType.SCALING]
