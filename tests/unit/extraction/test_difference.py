"""What two extractions say differently."""

from decimal import Decimal
from typing import Any

import pytest

from openfunnel.extraction.difference import Change, differences
from openfunnel.records import (
    Compensation,
    EmploymentType,
    Evidence,
    Extraction,
    Initiative,
    InitiativeType,
    PayPeriod,
    Place,
    RoleFunction,
    Seniority,
    SkillMention,
    Sourced,
    Stance,
    ValueSource,
    Workplace,
)


def sourced(value: Any, source: ValueSource = ValueSource.RULES) -> Any:
    return Sourced(value=value, source=source)


def mention(name: str, stance: Stance = Stance.USED, slug: str | None = None) -> SkillMention:
    return SkillMention(
        name=name,
        slug=slug or name.lower(),
        category="language",
        stance=stance,
        evidence=Evidence(text=name),
        source=ValueSource.RULES,
    )


def initiative(kind: InitiativeType, words: str = "we grow") -> Initiative:
    return Initiative(type=kind, evidence=Evidence(text=words), source=ValueSource.RULES)


def extraction(**changes: Any) -> Extraction:
    values = {
        "role_function": sourced(RoleFunction.DATA),
        "seniority": sourced(Seniority.MID),
    }
    return Extraction(**(values | changes))


def pay(low: int, high: int, ote: bool = False) -> Any:
    return sourced(
        Compensation(
            min=Decimal(low), max=Decimal(high), currency="EUR", period=PayPeriod.YEAR, ote=ote
        )
    )


@pytest.mark.parametrize(
    ("before", "after", "change"),
    [
        (
            {"seniority": sourced(Seniority.MID)},
            {"seniority": sourced(Seniority.SENIOR)},
            ("seniority", "mid", "senior"),
        ),
        (
            {},
            {"employment_type": sourced(EmploymentType.FULL_TIME)},
            ("employment_type", None, "full_time"),
        ),
        ({"workplace": sourced(Workplace.REMOTE)}, {}, ("workplace", "remote", None)),
        ({}, {"years_experience_min": sourced(0)}, ("years_experience_min", None, "0")),
        (
            {"compensation": pay(50_000, 60_000)},
            {"compensation": pay(50_000, 60_000, ote=True)},
            (
                "compensation",
                "50,000-60,000 EUR a year",
                "50,000-60,000 EUR a year, on target",
            ),
        ),
        ({}, {"summary": sourced("Builds looms.")}, ("summary", None, "another")),
        ({"summary": sourced("Builds looms.")}, {}, ("summary", "a summary", None)),
        (
            {"locations": (sourced(Place(city="Berlin", country="DE")),)},
            {},
            ("locations", "Berlin, DE", None),
        ),
        (
            {},
            {"initiatives": (initiative(InitiativeType.FUNDING),)},
            ("initiatives", None, "funding"),
        ),
        ({}, {"technologies": (mention("Python"),)}, ("technologies", None, "Python")),
        ({"skills": (mention("Welding"),)}, {}, ("skills", "Welding", None)),
        (
            {"technologies": (mention("Python", Stance.USED),)},
            {"technologies": (mention("Python", Stance.REQUIRED),)},
            ("stance", "used", "required"),
        ),
        (
            {"technologies": (mention("Postgresql"),)},
            {"technologies": (mention("PostgreSQL"),)},
            ("technologies", "Postgresql", "PostgreSQL"),
        ),
    ],
)
def test_a_difference_is_told_in_words(
    before: dict[str, Any], after: dict[str, Any], change: tuple[str, str | None, str | None]
) -> None:
    assert differences(extraction(**before), extraction(**after)) == {Change(*change)}


def test_who_said_it_and_where_makes_no_difference() -> None:
    before = extraction(
        workplace=sourced(Workplace.REMOTE),
        initiatives=(initiative(InitiativeType.FUNDING, "our series A"),),
    )
    after = extraction(
        workplace=sourced(Workplace.REMOTE, ValueSource.LLM),
        initiatives=(initiative(InitiativeType.FUNDING, "our series B"),),
    )

    assert differences(before, after) == frozenset()


def test_the_order_of_names_makes_no_difference() -> None:
    one, other = mention("Python"), mention("Kafka")

    before, after = extraction(technologies=(one, other)), extraction(technologies=(other, one))

    assert differences(before, after) == frozenset()


def test_a_change_that_comes_up_twice_in_a_posting_is_one() -> None:
    before = extraction(technologies=(mention("Python"), mention("Kafka")))
    after = extraction(
        technologies=(mention("Python", Stance.REQUIRED), mention("Kafka", Stance.REQUIRED))
    )

    assert differences(before, after) == {Change("stance", "used", "required")}
