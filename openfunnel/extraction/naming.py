"""Technologies and skills of a model's answer: evidenced, named there, under canonical names."""

import re
from collections.abc import Iterator
from enum import StrEnum
from functools import cache, lru_cache

from openfunnel.extraction.answer import StatedSkill
from openfunnel.extraction.evidence import Source, is_named, is_proper_name, is_touched
from openfunnel.normalize import skills as taxonomy
from openfunnel.normalize.taxonomy import SKILL, Entry, entries, slug_of
from openfunnel.records import Evidence, SkillMention, ValueSource

UNLISTED = "other"
"""Category of a technology that the taxonomy does not know."""
LONGEST_SLUG = 200
"""Characters; a name that needs more is none."""
FUNCTION_WORDS = frozenset(
    re.findall(
        r"\S+",
        # English
        "a an the this that these those and or but nor so if as at by for from in into of off "
        "on onto out over per than then through to under up upon via with within without about "
        "across after against along among around before behind below between beyond during "
        "except near since until i me my we us our ours you your yours he him his she her hers "
        "it its they them their theirs who whom whose which what when where why how am is are "
        "was were be been being do does did have has had having will would shall should can "
        "could may might must not no yes all any both each every few many more most much other "
        "others some such very too also just only own same there here now etc "
        # French
        "le la les un une des du de et ou mais donc car ni à au aux en dans par pour sur sous "
        "avec sans vers chez entre je tu il elle nous vous ils elles me te se ce cet cette ces "
        "mon ton son ma ta sa mes tes ses notre votre leur nos vos leurs qui que quoi dont où "
        "est sont être avoir avez "
        # German
        "der die das den dem des ein eine einen einem einer eines und oder aber denn als bei "
        "mit nach von vor zu zum zur aus auf im am an für über unter ohne durch wir ihr sie ich "
        "du er es uns dich dir ihre dein deine unser unsere ist sind sein hat haben wird werden "
        "kann nicht auch "
        # Spanish, Portuguese, Italian
        "el los las y o u e con por para sin sobre entre desde hasta del al lo su sus tu "
        "nuestro nuestra que como es son ser estar os as um uma uns umas ou com sem do da dos "
        "das no na nos nas ao aos seu sua il gli uno di per tra fra nel nella che sono essere ",
    )
)
"""Words that a language is put together with: a name of these alone says nothing."""


class Refusal(StrEnum):
    """Why a value of an answer is not kept."""

    NO_EVIDENCE = "no_evidence"
    """What it quotes does not stand in the posting, or it quotes nothing."""
    NOT_NAMED = "not_named"
    """What it quotes stands there, and does not say that."""
    TOO_SHORT = "too_short"
    """What it quotes is too short to say anything."""
    INCOMPLETE = "incomplete"
    """A part without which it means nothing is missing."""
    OUT_OF_BOUNDS = "out_of_bounds"
    """It is beyond sense."""
    FOREIGN_SUMMARY = "foreign_summary"
    """A summary in words that are not the posting's."""


class Refused(Exception):
    """A value that is not kept."""

    def __init__(self, why: Refusal) -> None:
        self.why = why
        super().__init__(why)


def evidence_of(quote: str | None, source: Source) -> Evidence:
    """Return where a quote stands.

    Raises:
        Refused: nowhere, or nothing is quoted.
    """
    evidence = source.find(quote or "")
    if evidence is None:
        raise Refused(Refusal.NO_EVIDENCE)
    return evidence


def mention_of(stated: StatedSkill, is_technology: bool, source: Source) -> SkillMention:
    """Return a technology or skill with its evidence, under its canonical name.

    Raises:
        Refused: its evidence does not stand in the posting, or does not name it.
    """
    evidence = evidence_of(stated.evidence, source)
    entry = _entry(stated.name)
    if entry is not None:
        name, slug, category = entry.name, entry.slug, entry.category
    else:
        name, slug = stated.name, slug_of(stated.name)
        category = UNLISTED if is_technology else SKILL
    if len(slug) > LONGEST_SLUG:
        raise Refused(Refusal.OUT_OF_BOUNDS)
    named = any(is_named(evidence.text, one) for one in _spellings(stated.name, name, slug))
    if entry is None:  # nobody knows it: a common word is no name
        named = named and is_proper_name(evidence.text, name)
    if category == SKILL:
        spellings = _spellings(stated.name, name, slug)
        named = named or any(is_touched(evidence.text, one) for one in spellings)
    if not named or _says_nothing(stated.name):
        raise Refused(Refusal.NOT_NAMED)
    return SkillMention(
        name=name,
        slug=slug,
        category=category,
        stance=stated.stance,
        evidence=evidence,
        source=ValueSource.LLM,
    )


def _says_nothing(name: str) -> bool:
    """Whether a name is but function words; in capitals one may be a name: `CAN`, `NEAR`."""
    words = name.casefold().split()
    is_written_as_name = name.isupper() and len(name) > 1 and len(words) == 1
    return FUNCTION_WORDS.issuperset(words) and not is_written_as_name


def _spellings(said: str, name: str, slug: str) -> Iterator[str]:
    """Yield what something may be called in its evidence, the likeliest first."""
    yield from (said, name)
    yield from taxonomy.aliases(slug)


@lru_cache(maxsize=4096)
def _entry(name: str) -> Entry | None:
    """Return the taxonomy's entry of a name; `C plus plus` must not pass for a new technology."""
    # An abbreviation's last stop (`M.D.`) looks like its sentence's, and is taken off with that.
    return taxonomy.resolve(name) or taxonomy.resolve(f"{name}.") or _by_slug().get(slug_of(name))


@cache
def _by_slug() -> dict[str, Entry]:
    return {entry.slug: entry for entry in entries()}
