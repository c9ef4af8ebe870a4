"""The vocabulary hangs together: what is named in one file stands in the others."""

import string
from collections.abc import Iterable

import pytest

from openfunnel.records import EmploymentType, Workplace
from openfunnel.sandbox import words

VOCABULARY = words.load()
GENERAL = {"company", "people", "sector", "department", "team", "city", "country", "elsewhere"}
GENERAL |= {"years", "title"}


def slots(phrases: Iterable[str]) -> set[str]:
    parsed = (part for phrase in phrases for part in string.Formatter().parse(phrase))
    return {name for _, name, _, _ in parsed if name is not None}


def tools(profession: str) -> set[str]:
    kinds = VOCABULARY.professions[profession].tools
    return set(kinds) | {f"{kind}_2" for kind, names in kinds.items() if len(names) > 1}


@pytest.mark.parametrize("language", VOCABULARY.languages.values(), ids=VOCABULARY.languages)
def test_every_sentence_can_be_said(language):
    for profession, wording in language.professions.items():
        sentences = wording.titles + wording.duties + wording.required + wording.preferred
        assert slots(sentences + wording.stack) <= GENERAL | tools(profession), profession
    everybodys = language.about + language.role + language.years + language.closing
    assert slots(everybodys + sum(language.workplace.values(), ())) <= GENERAL
    assert slots(sum(language.levels.values(), ())) <= GENERAL
    anybodys = set().union(*(tools(profession) for profession in VOCABULARY.professions))
    assert slots(language.initiatives) <= GENERAL | anybodys


@pytest.mark.parametrize("language", VOCABULARY.languages.values(), ids=VOCABULARY.languages)
def test_every_language_has_words_for_every_case(language):
    assert set(language.sectors) == set(VOCABULARY.companies.kinds)
    assert set(language.levels) == set(VOCABULARY.pay.levels)
    assert set(language.workplace) == set(Workplace)
    assert set(language.commitment) == set(EmploymentType) - {EmploymentType.TEMPORARY}
    assert set(language.pay) == {"year", "month", "hour", "ote"}


def test_english_has_words_for_every_profession():
    assert set(VOCABULARY.languages["en"].professions) == set(VOCABULARY.professions)


def test_ladders_hires_and_cities_name_what_exists():
    pay = VOCABULARY.pay
    for profession in VOCABULARY.professions.values():
        assert set(pay.ladders[profession.ladder]) <= set(pay.levels)
    for hires in VOCABULARY.companies.hires.values():
        assert set(hires) <= set(VOCABULARY.professions)
    for city in VOCABULARY.cities:
        assert city.language in VOCABULARY.languages
        assert city.currency in pay.currencies
