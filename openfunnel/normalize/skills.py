"""Finds technologies and skills of the taxonomy in text, and resolves their names.

One pass of an Aho-Corasick automaton over the folded text; of overlapping names the longest wins,
save that a skill (`SQL skills`) leaves the technology within its name to be found.
A name counts between word boundaries, never inside an address, and an ambiguous one (Go, R, Excel,
Notion) only in context. The automaton is built on first use and kept.
"""

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import ahocorasick

from openfunnel.normalize import taxonomy
from openfunnel.normalize.addresses import Addresses
from openfunnel.normalize.taxonomy import Alias, Entry
from openfunnel.normalize.taxonomy.variants import variants
from openfunnel.normalize.text import fold

__all__ = ["Match", "aliases", "find", "resolve"]

CONTEXT_CHARACTERS = 100
"""How far from an ambiguous name, on its line, a context word may stand."""
MOST_TIMES = 50
"""How many times a spelling is read in one text; keeps the time of odd texts bounded."""

_SPACES = "-‐‑‒–—\u00a0\u202f\u2009\t"
_ALIKE = (*((space, " ") for space in _SPACES), ("’", "'"), ("＋", "+"))
"""Characters that are read as another, one for one, so that positions stay."""
_BETWEEN_NEIGHBOURS = re.compile(
    r"[\s,/()&;+|•·]*(?:\b(?:and|or|and/or|et|ou|und|oder|y|o|e|bzw|like|using"
    r"|with)\b)?[\s,/()&;+|•·]*"
)
_NEIGHBOUR_GAP = 12


class Match(NamedTuple):
    """A name found; `start` and `end` count characters of the text it was found in."""

    slug: str
    name: str
    category: str
    start: int
    end: int
    maker: str = ""

    @property
    def is_skill(self) -> bool:
        """True for skills, False for technologies."""
        return self.category == taxonomy.SKILL


_Spelling = tuple[Alias, Entry]
_STOP: tuple[_Spelling, ...] = ()


def resolve(name: str) -> Entry | None:
    """Return the entry whose canonical name or alias is `name`, whatever its case; else None.

    A skill is known in the plural, too.
    """
    key = _key(name)
    entry = _by_name().get(key)
    if entry is None and key.endswith("s"):
        singular = _by_name().get(key.removesuffix("s"))
        return singular if singular is not None and singular.is_skill else None
    return entry


def aliases(slug: str) -> tuple[str, ...]:
    """Return the spellings of an entry beside its name; none for an unknown slug."""
    entry = _by_slug().get(slug)
    if entry is None:
        return ()
    return tuple(alias.text for alias in entry.aliases if alias.text != entry.name)


def find(text: str) -> list[Match]:
    """Return the technologies and skills named in `text`, in its order.

    None overlaps another, but for technologies named within the name of a skill.
    """
    folded = _fold_in_place(text)
    accepted: list[tuple[int, int, Entry]] = []
    doubtful: list[tuple[int, int, Entry]] = []
    addresses = Addresses(text)
    for start, end, spellings in _longest(_whole_words(folded)):
        if addresses.hold(start, end):
            continue
        verdict = _judge(text, folded, start, end, spellings)
        if verdict is not None:
            entry, certain = verdict
            (accepted if certain else doubtful).append((start, end, entry))
    accepted = _with_neighbours(text, accepted, doubtful)
    return [
        Match(entry.slug, entry.name, entry.category, start, end, entry.maker)
        for start, end, entry in accepted
    ]


def _whole_words(folded: str) -> list[tuple[int, int, tuple[_Spelling, ...]]]:
    """Return the spellings between word boundaries, overlapping ones too."""
    found = []
    for last, (length, spellings) in _automaton().iter(folded):
        start, end = last - length + 1, last + 1
        after = folded[end : end + 1]
        if after.isalpha() and after != "s" and folded[last].isalnum():
            continue  # within a word, as nearly always
        before = folded[start - 1] if start else " "
        if before.isalnum() or before == "_":
            first = folded[start]
            if first.isalnum() or first == ".":
                continue
        if after == "s" and _may_be_plural(spellings) and not folded[end + 1 : end + 2].isalnum():
            end += 1
        elif (length <= 2 and after and after in "+#&'") or _continues(folded, last, length):
            continue
        found.append((start, end, spellings))
    letters, pattern = _letters()
    found += [(*match.span(), letters[match[0]]) for match in pattern.finditer(folded)]
    return found if len(found) <= MOST_TIMES else list(_curbed(folded, found))


def _curbed(
    folded: str, found: list[tuple[int, int, tuple[_Spelling, ...]]]
) -> Iterator[tuple[int, int, tuple[_Spelling, ...]]]:
    """Yield the first `MOST_TIMES` of each spelling."""
    times: Counter[str] = Counter()
    for start, end, spellings in found:
        spelled = folded[start:end]
        times[spelled] += 1
        if times[spelled] <= MOST_TIMES:
            yield start, end, spellings


def _may_be_plural(spellings: tuple[_Spelling, ...]) -> bool:
    """Return whether an `s` may follow: behind skills; `canvas` is no plural of a product."""
    return all(entry.is_skill and not alias.exact for alias, entry in spellings)


def _continues(folded: str, last: int, length: int) -> bool:
    """Return whether the word goes on behind `last`; a version (`Python3`) does not count."""
    after = folded[last + 1 : last + 2]
    if not (after.isalnum() or after == "_") or not folded[last].isalnum():
        return False
    is_version = length > 3 and after.isdigit() and not folded[last + 2 : last + 3].isalpha()
    return not is_version


def _longest(
    found: list[tuple[int, int, tuple[_Spelling, ...]]],
) -> list[tuple[int, int, tuple[_Spelling, ...]]]:
    """Keep, of overlapping matches, the leftmost and longest, and technologies within skills."""
    found.sort(key=lambda match: (match[0], -match[1]))
    kept = []
    reached = within = 0
    for match in found:
        start, end, spellings = match
        if start >= reached:
            kept.append(match)
            reached = end
            within = start if _is_skill(spellings) else end
        elif start >= within and spellings and not _is_skill(spellings):
            kept.append(match)  # `iOS development`, `server-side programming in Go`
            within, reached = end, max(reached, end)
    return kept


def _is_skill(spellings: tuple[_Spelling, ...]) -> bool:
    for _, entry in spellings:  # quicker than `all`, for every name of every text
        if entry.category != taxonomy.SKILL:
            return False
    return bool(spellings)


def _judge(
    text: str, folded: str, start: int, end: int, spellings: tuple[_Spelling, ...]
) -> tuple[Entry, bool] | None:
    """Return the entry meant and whether that is certain; None where no spelling fits."""
    doubtful = None
    for alias, entry in spellings:
        if alias.exact and not _unify(text[start:end]).startswith(_plain(alias.text)):
            continue
        if not alias.ambiguous or _in_context(folded, text, start, end, entry):
            return entry, True
        doubtful = doubtful or entry
    return (doubtful, False) if doubtful else None


def _in_context(folded: str, text: str, start: int, end: int, entry: Entry) -> bool:
    pattern = _context_pattern(entry.context)
    if pattern is None:
        return False
    low = max(0, start - CONTEXT_CHARACTERS)
    low = max(low, text.rfind("\n", low, start) + 1)
    high = min(len(text), end + CONTEXT_CHARACTERS)
    line_end = text.find("\n", end, high)
    high = line_end if line_end >= 0 else high
    return bool(pattern.search(folded, low, start) or pattern.search(folded, end, high))


def _with_neighbours(
    text: str,
    accepted: list[tuple[int, int, Entry]],
    doubtful: list[tuple[int, int, Entry]],
) -> list[tuple[int, int, Entry]]:
    """Add the doubtful names that stand in a list beside an accepted technology."""
    if not doubtful:
        return accepted
    certain = {match[:2] for match in accepted if not match[2].is_skill}
    everything = sorted(accepted + doubtful, key=lambda match: match[:2])
    pairs = list(pairwise(everything))
    for left, right in pairs:
        if left[:2] in certain and right[:2] not in certain and _neighbours(text, left, right):
            certain.add(right[:2])
    for left, right in reversed(pairs):
        if right[:2] in certain and left[:2] not in certain and _neighbours(text, left, right):
            certain.add(left[:2])
    sure = {match[:2] for match in accepted}
    return [match for match in everything if match[:2] in certain or match[:2] in sure]


def _neighbours(text: str, left: tuple[int, int, Entry], right: tuple[int, int, Entry]) -> bool:
    gap = right[0] - left[1]
    if gap > _NEIGHBOUR_GAP or left[2].is_skill or right[2].is_skill:
        return False
    between = text[left[1] : right[0]]
    is_list = "\n" not in between and not between.isspace()  # else one name: `React Front-end`
    return is_list and bool(_BETWEEN_NEIGHBOURS.fullmatch(between))


def _fold_in_place(text: str) -> str:
    """Return `text` in lower case with hyphens as spaces, each character at its old position."""
    lowered = text.lower()
    if len(lowered) != len(text):  # a few characters grow when lowered
        lowered = "".join(low if len(low := char.lower()) == 1 else char for char in text)
    return _unify(lowered)


def _unify(text: str) -> str:
    for char, plain in _ALIKE:  # much faster than str.translate
        if char in text:
            text = text.replace(char, plain)
    return text


_plain = cache(_unify)
"""For the names of the taxonomy, which come again and again."""


def _key(name: str) -> str:
    return " ".join(_unify(fold(name)).split())


@cache
def _automaton() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for pattern, value in _spellings().items():
        if len(pattern) > 1:
            automaton.add_word(pattern, (len(pattern), value))
    automaton.make_automaton()
    return automaton


@cache
def _letters() -> tuple[dict[str, tuple[_Spelling, ...]], re.Pattern[str]]:
    """Return the names of one letter, and a pattern that finds them where they stand alone."""
    letters = {spelling: value for spelling, value in _spellings().items() if len(spelling) == 1}
    names = "".join(map(re.escape, letters))
    return letters, re.compile(rf"[{names}](?<!\w[{names}])(?![\w+#&'])")


@cache
def _spellings() -> dict[str, tuple[_Spelling, ...]]:
    spellings: dict[str, tuple[_Spelling, ...]] = {}
    for entry in taxonomy.entries():
        for alias in entry.aliases:
            pattern = _fold_in_place(alias.text)
            spellings[pattern] = (*spellings.get(pattern, ()), (alias, entry))
    for entry in taxonomy.entries():
        for alias in entry.aliases:
            if entry.is_skill and not alias.exact:
                for pattern in variants(_fold_in_place(alias.text)):
                    spellings.setdefault(pattern, ((alias, entry),))
    for phrase in taxonomy.stop_phrases():
        spellings[_fold_in_place(phrase)] = _STOP
    return spellings


@cache
def _by_name() -> dict[str, Entry]:
    named: dict[str, Entry] = {}
    for entry in taxonomy.entries():
        for spelling in (entry.name, *(alias.text for alias in entry.aliases)):
            named.setdefault(_key(spelling), entry)
    for spelling, entry in list(named.items()):
        if entry.is_skill:
            for variant in variants(spelling):
                named.setdefault(variant, entry)
    return named


@cache
def _by_slug() -> dict[str, Entry]:
    return {entry.slug: entry for entry in taxonomy.entries()}


@cache
def _context_pattern(words: tuple[str, ...]) -> re.Pattern[str] | None:
    if not words:
        return None
    return re.compile(r"\b(?:" + "|".join(re.escape(_fold_in_place(word)) for word in words) + ")")
