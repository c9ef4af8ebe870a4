"""The deterministic extractor: every field of a posting from its ATS fields, title and text.

Pure: the same posting gives the same extraction, whatever the machine. No input makes it fail, and
texts are read up to a bound, so that its time is bounded too.
"""

from openfunnel.extraction.initiatives import find_initiatives
from openfunnel.extraction.mentions import find_mentions
from openfunnel.extraction.sections import Line, Section, divide
from openfunnel.extraction.summary import compose, summarize
from openfunnel.extraction.whereabouts import places_of, workplace_of
from openfunnel.normalize.compensation import parse_pay
from openfunnel.normalize.employment import (
    employment_type,
    find_employment_type,
    title_employment,
)
from openfunnel.normalize.role import title_role
from openfunnel.normalize.seniority import (
    is_for_beginners,
    stated_manager,
    stated_seniority,
    title_seniority,
)
from openfunnel.normalize.years import required_years
from openfunnel.records import (
    Compensation,
    EmploymentType,
    Evidence,
    Extraction,
    Initiative,
    PostingText,
    RoleFunction,
    Seniority,
    Sourced,
    ValueSource,
)

RULES_VERSION = "3"
"""Raised with every change that may alter a result."""

TEXT_CHARACTERS = 200_000
"""What is read of a text; real postings have about 5,000 characters."""

_ATS, _RULES = ValueSource.ATS, ValueSource.RULES
_RoleFound = Sourced[RoleFunction]
_LevelFound = Sourced[Seniority]
_TypeFound = Sourced[EmploymentType]
_PayFound = Sourced[Compensation]
_YearsFound = Sourced[int]
_SummaryFound = Sourced[str]
_JUNIOR_YEARS = 1
_NOT_ASKED_IN = (Section.PREFERRED, Section.PROCESS)


def extract(posting: PostingText, lines: list[Line] | None = None) -> Extraction:
    """Return what `posting` states; evidence spans count characters of `posting.text`.

    `lines` are those that `lines_of` returns, for who needs them besides.
    """
    text = posting.text[:TEXT_CHARACTERS]
    lines = lines_of(posting) if lines is None else lines
    years = _years(text, lines)
    place_of_work = workplace_of(posting, text)
    mentions = find_mentions(posting, text, lines)
    return Extraction(
        role_function=_role(posting),
        seniority=_seniority(posting, text, years),
        employment_type=_employment(posting, text),
        workplace=place_of_work,
        locations=places_of(posting, text, place_of_work.value if place_of_work else None),
        compensation=_compensation(posting, text),
        years_experience_min=years,
        technologies=tuple(mention for mention in mentions if mention.category != "skill"),
        skills=tuple(mention for mention in mentions if mention.category == "skill"),
        initiatives=tuple(
            Initiative(type=kind, evidence=_evidence(text, start, end), source=_RULES)
            for kind, start, end in find_initiatives(lines)
        ),
        summary=_summary(posting, lines),
    )


def lines_of(posting: PostingText) -> list[Line]:
    """Return the lines of a posting's text, as far as it is read."""
    return divide(posting.text[:TEXT_CHARACTERS])


def _evidence(text: str, start: int, end: int) -> Evidence:
    return Evidence(text=text[start:end], start=start, end=end)


def _role(posting: PostingText) -> Sourced[RoleFunction]:
    value = title_role(posting.title, posting.fields.departments)
    return _RoleFound(value=value, source=_RULES, evidence=Evidence(text=posting.title))


def _seniority(posting: PostingText, text: str, years: Sourced[int] | None) -> Sourced[Seniority]:
    marked = title_seniority(posting.title)
    if marked is not None:
        evidence = Evidence(text=posting.title)
        return _LevelFound(value=marked, source=_RULES, evidence=evidence)
    stated = stated_manager(posting.title, text) or stated_seniority(text)
    if stated is not None:
        level, (start, end) = stated
        return _LevelFound(value=level, source=_RULES, evidence=_evidence(text, start, end))
    if years is not None and years.value <= _JUNIOR_YEARS:
        return _LevelFound(value=Seniority.JUNIOR, source=_RULES, evidence=years.evidence)
    if years is None and is_for_beginners(posting.fields.departments):
        return _LevelFound(value=Seniority.JUNIOR, source=ValueSource.ATS)
    return _LevelFound(value=Seniority.MID, source=_RULES)


def _employment(posting: PostingText, text: str) -> Sourced[EmploymentType] | None:
    if title_seniority(posting.title) is Seniority.INTERN:  # whatever its hours
        return _TypeFound(
            value=EmploymentType.INTERNSHIP,
            source=_RULES,
            evidence=Evidence(text=posting.title),
        )
    stated = employment_type(posting.fields.commitment) if posting.fields.commitment else None
    if stated is not None:
        return _TypeFound(value=stated, source=_ATS)
    in_title = title_employment(posting.title)
    if in_title is not None:
        evidence = Evidence(text=posting.title)
        return _TypeFound(value=in_title, source=_RULES, evidence=evidence)
    found = find_employment_type(text)
    if found is None:
        return None
    kind, (start, end) = found
    return _TypeFound(value=kind, source=_RULES, evidence=_evidence(text, start, end))


def _compensation(posting: PostingText, text: str) -> Sourced[Compensation] | None:
    found = parse_pay(text, posting.fields.country)
    stated = posting.fields.compensation
    if stated is not None:
        if found is not None and found[0] == stated.model_copy(update={"ote": True}):
            stated = found[0]  # a field for pay that holds what is earned on target
        return _PayFound(value=stated, source=_ATS)
    if found is None:
        return None
    pay, (start, end) = found
    return _PayFound(value=pay, source=_RULES, evidence=_evidence(text, start, end))


def _years(text: str, lines: list[Line]) -> Sourced[int] | None:
    found = required_years(
        (line.start, line.text)
        for line in lines
        if line.section not in _NOT_ASKED_IN and not line.text.startswith("## ")
    )
    if found is None:
        return None
    years, (start, end) = found
    return _YearsFound(value=years, source=_RULES, evidence=_evidence(text, start, end))


def _summary(posting: PostingText, lines: list[Line]) -> Sourced[str] | None:
    taken = summarize(lines, posting.title)
    if taken is not None:
        sentence, start, end = taken
        return _SummaryFound(
            value=sentence, source=_RULES, evidence=_evidence(posting.text, start, end)
        )
    composed = compose(posting.title, posting.company_name)
    return _SummaryFound(value=composed, source=_RULES) if composed else None
