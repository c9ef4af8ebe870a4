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
        ("After our recent expansion into France, we bake more.", "expansion"),
        ("We are now introducing cakes to our guests.", "new_product"),
        ("As we scale, we look for bakers.", "scaling"),
        ("We plan to scale up to 90 shops.", "scaling"),
        ("Our new ovens and factory will feed the town.", "expansion"),
        ("Since closing a $42M Series B round, we bake more.", "funding"),
        ("Revenue grew over 44x last year.", "scaling"),
        ("You integrate LLM applications to answer guests.", "ai_adoption"),
        ("We made AI a core part of our strategy.", "ai_adoption"),
        ("As the first of three, you build our presence in Portugal.", "expansion"),
        ("You adapt our kettles, localising the plugs for the Danish market.", "expansion"),
        ("As we grow our business across the Nordics, you lead sales.", "expansion"),
        ("You help bring us into new shops and unlock new markets.", "expansion"),
        ("You shape a 0-1 product of ours.", "new_product"),
        ("You own our move to an event-driven architecture.", "migration"),
        ("Lead the warehouse fleet migration.", "migration"),
        ("As Acme continues to grow, so will you.", "scaling"),
        ("You lead a rapidly growing team of potters.", "scaling"),
        ("- Hands-on with AI tools", "ai_adoption"),
        ("- Champion AI fluency across the team", "ai_adoption"),
        ("You apply AI to cut the work by hand.", "ai_adoption"),
        ("Tu travailleras avec un LLM.", "ai_adoption"),
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
        "We help businesses expand into new markets.",
        "It is easy for our customers to launch a new product line.",
        "Our tools make it easy to build new products.",
        "You are our first hire in Enterprise Kettles.",
        "You keep customers, expanding what they buy in your region.",
        "You go with customers, moving from scoping to deployment.",
        "You make sure that our code continues to scale.",
        "You carve out plans of your own.",
        "You build and deploy AI agents for others.",
    ],
)
def test_slogans_requirements_and_small_print_are_not(text: str) -> None:
    assert found(text) == set()


def test_each_type_is_given_once_in_the_order_of_the_text() -> None:
    text = "We recently raised a Series B.\nWe're growing fast.\nWe just closed our Series C."
    kinds = [kind for kind, _, _ in find_initiatives(divide(text))]
    assert kinds == [InitiativeType.FUNDING, InitiativeType.SCALING]
