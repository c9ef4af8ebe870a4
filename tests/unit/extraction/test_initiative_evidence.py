"""Initiatives of a model: the quote must be able to mean what it is quoted for."""

from typing import Any

import pytest

from openfunnel.extraction.answer import StatedInitiative
from openfunnel.extraction.evidence import Source
from openfunnel.extraction.initiative_evidence import can_mean, initiative_of
from openfunnel.extraction.naming import Refusal, Refused
from openfunnel.records import Evidence, Initiative, InitiativeType, PostingText, ValueSource

TEXT = "We sell bicycles. Our shops welcome riders in Japan. We raised a series B in March."
SOURCE = Source(PostingText(title="Mechanic, new shop in Lyon", text=TEXT))


def found(quote: str, kind: str, *of_rules: Initiative) -> Initiative:
    stated = StatedInitiative(evidence=quote, type=InitiativeType(kind))
    return initiative_of(stated, SOURCE, of_rules)


def of_rules(quote: str, **place: Any) -> Initiative:
    return Initiative(
        type=InitiativeType.EXPANSION,
        evidence=Evidence(text=quote, **place),
        source=ValueSource.RULES,
    )


@pytest.mark.parametrize(
    ("quote", "kind"),
    [
        ("we raised a Series B", "funding"),
        ("Nous ouvrons un bureau à Lyon", "expansion"),
        ("wir eröffnen einen Standort", "expansion"),
        ("estamos en pleno crecimiento", "scaling"),
        ("moving our monolith to services", "migration"),
        ("vorbereitet auf ISO 27001", "compliance"),
        ("preparing for SOC2 next year", "compliance"),
        ("grâce à l'IA, nous", "ai_adoption"),
        ("integration of the two companies", "restructuring"),
        ("a zero-to-one effort for riders", "new_product"),
    ],
)
def test_a_quote_with_a_word_of_its_type_can_mean_it(quote: str, kind: str) -> None:
    assert can_mean(quote, InitiativeType(kind))


@pytest.mark.parametrize("kind", InitiativeType)
def test_a_quote_without_one_cannot(kind: InitiativeType) -> None:
    assert not can_mean("our shops welcome riders every day", kind)


@pytest.mark.parametrize("kind", InitiativeType)
@pytest.mark.parametrize(
    "quote", ["日本市場に参入します", "Мы открываем офис", "نفتح مكتبا في دبي"]
)
def test_of_other_scripts_no_words_are_known(quote: str, kind: InitiativeType) -> None:
    assert can_mean(quote, kind)


def test_an_initiative_has_the_evidence_that_it_quotes() -> None:
    initiative = found("we raised a series B".replace("we", "We"), "funding")

    assert (initiative.type, initiative.source) == (InitiativeType.FUNDING, ValueSource.LLM)
    assert TEXT[initiative.evidence.start : initiative.evidence.end] == initiative.evidence.text


@pytest.mark.parametrize(
    ("quote", "kind", "why"),
    [
        ("Our shops welcome riders", "funding", Refusal.NOT_NAMED),
        ("raised a series B", "restructuring", Refusal.NOT_NAMED),
        ("we raised a series C", "funding", Refusal.NO_EVIDENCE),
        ("series B", "funding", Refusal.TOO_SHORT),
    ],
)
def test_what_a_quote_cannot_mean_is_refused(quote: str, kind: str, why: Refusal) -> None:
    with pytest.raises(Refused) as refused:
        found(quote, kind)

    assert refused.value.why is why


def test_where_the_rules_find_the_same_a_quote_needs_no_further_word() -> None:
    start = TEXT.index("riders in Japan")
    agreed = of_rules("riders in Japan", start=start, end=start + len("riders in Japan"))

    assert found("shops welcome riders in", "expansion", agreed).type is InitiativeType.EXPANSION


@pytest.mark.parametrize(
    ("quote", "kind"), [("We sell bicycles", "expansion"), ("shops welcome riders in", "funding")]
)
def test_where_the_rules_find_it_elsewhere_or_something_else_it_does(quote: str, kind: str) -> None:
    start = TEXT.index("riders in Japan")
    other = of_rules("riders in Japan", start=start, end=start + len("riders in Japan"))

    with pytest.raises(Refused):
        found(quote, kind, other, of_rules("Lyon"))
