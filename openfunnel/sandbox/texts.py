"""The text of an opening, section by section, in its language."""

import random
import string
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from openfunnel.records import EmploymentType, Workplace
from openfunnel.sandbox import words


@dataclass(frozen=True)
class Section:
    """A heading with paragraphs, then a list."""

    kind: str
    """`about`, `role`, `duties`, `required`, `preferred`, `stack`, `pay`, `benefits`, `closing`."""
    heading: str
    paragraphs: tuple[str, ...] = ()
    items: tuple[str, ...] = ()


@dataclass(frozen=True)
class Writer:
    """Writes about one opening; what has a slot that `slots` cannot fill is left unsaid."""

    rng: random.Random
    language: str
    slots: Mapping[str, str]

    def write(
        self,
        profession: str,
        level: str,
        workplace: Workplace | None,
        commitment: EmploymentType,
        pay: str | None,
    ) -> tuple[Section, ...]:
        """Write all sections; `pay` is the sentence that states it, if any does."""
        say = words.load().languages[self.language]
        wording = say.professions[profession]
        role = [self._one(say.role)]
        if workplace and self.rng.random() < 0.7:
            role.append(self._one(say.workplace[workplace]))
        if self.rng.random() < 0.5:
            role.append(say.commitment[commitment])
        about = [self._one(say.about)]
        if self.rng.random() < words.load().companies.initiative_share:
            about.append(self._one(say.initiatives))
        junior = words.load().pay.levels[level].years < 1
        experience = say.new_graduate if junior else self._one(say.years)
        sections = [
            self._section("about", about),
            self._section("role", role),
            self._section("duties", items=self._some(wording.duties, 3)),
            self._section("required", items=[experience, *self._some(wording.required, 2)]),
            self._section("preferred", items=self._some(wording.preferred, 1)),
            self._section("stack", self._some(wording.stack, 1)),
            self._section("benefits", items=self._some(say.benefits, 2)),
            self._section("pay", [pay] if pay else ()),
        ]
        closing = Section("closing", "", (self._one(say.closing),))
        return (*(part for part in sections if part.paragraphs or part.items), closing)

    def _section(
        self, kind: str, paragraphs: Sequence[str] = (), items: Sequence[str] = ()
    ) -> Section:
        headings = words.load().languages[self.language].headings[kind]
        heading = self.rng.choice(headings).format(**self.slots)
        return Section(kind, heading, tuple(paragraphs), tuple(items))

    def _one(self, phrases: Sequence[str]) -> str:
        return self.rng.choice(self._sayable(phrases)).format(**self.slots)

    def _some(self, phrases: Sequence[str], least: int) -> list[str]:
        """Between `least` and all of the phrases, in their own order."""
        sayable = self._sayable(phrases)
        count = self.rng.randint(min(least, len(sayable)), len(sayable))
        chosen = sorted(self.rng.sample(range(len(sayable)), count))
        return [sayable[index].format(**self.slots) for index in chosen]

    def _sayable(self, phrases: Sequence[str]) -> list[str]:
        return [phrase for phrase in phrases if _slot_names(phrase) <= self.slots.keys()]


def name_tools(
    rng: random.Random, tools: Mapping[str, tuple[str, ...]], fixed: Mapping[str, str]
) -> dict[str, str]:
    """Draw one or two tools of each kind as slots: `database`, `database_2`; `fixed` goes first."""
    slots: dict[str, str] = {}
    for kind, names in tools.items():
        drawn = rng.sample(names, min(2, len(names)))
        if kind in fixed:
            drawn = [fixed[kind], *(name for name in names if name != fixed[kind])]
        slots |= dict(zip((kind, f"{kind}_2"), drawn, strict=False))
    return slots


def _slot_names(phrase: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(phrase) if name}
