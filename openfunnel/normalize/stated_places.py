"""Places that a text says its job is in: `This role is based in Berlin`, `Location: Paris or Lyon`.

Only what is said of the job itself counts: an office, a customer, a headquarters or a journey that
the text names besides is no place of work.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from openfunnel.normalize.gazetteer import gazetteer, name_key
from openfunnel.normalize.lines import LONGEST_LINE, read_once, split_lines
from openfunnel.normalize.location import parse_places
from openfunnel.normalize.text import holds_any
from openfunnel.records import Place

_LONGEST_TEXT = 400_000
_LONGEST_PHRASE = 200
_MOST_PHRASES = 20

_ROLE = r"(?:role|position|job|opportunity|vacancy|internship|post|opening)"
_IS = r"(?:is|will\s+be|can\s+be|may\s+be|would\s+be|should\s+be|must\s+be)"
_MANNER = (
    r"(?:(?:an?|the|fully|primarily|preferably|ideally|mainly|currently|initially|physically|also"
    r"|specifically|full[\s-]time,?|part[\s-]time,?|permanent|hybrid|remote|remotely|on-?site"
    rf"|{_ROLE})\s+)"
)
_BASED = r"(?:(?:office[\s-]|home[\s-])?based|located|situated)\s+(?:in|out\s+of|from|at|within)"
_OF_OTHERS = r"(?:who|that|to|with|our|for|in|of|across|from|company|clients?|customers?)\b"
_SENTENCES = re.compile(
    rf"\b(?:{_ROLE}\s+{_IS}\s+{_MANNER}{{0,5}}?{_BASED}"
    rf"|this\s+is\s+an?\s+(?:[\w,-]+\s+){{0,3}}?{_ROLE}\s+(?:for\s+an?\s+candidate\s+)?{_BASED}"
    rf"|you(?:['’]ll|\s+will|\s+must|\s+can|\s+should)\s+be\s+{_MANNER}{{0,2}}?{_BASED}"
    r"|(?:looking\s+for|hiring|seeking)\s+(?:an?|our\s+first)\s+"
    rf"(?:(?!{_OF_OTHERS})[\w/&-]+\s+){{1,7}}?(?:based|located)\s+in"
    r"|open\s+to\s+(?:hiring|candidates|applicants)\s+(?:based\s+|located\s+)?in"
    rf"|{_ROLE}\s+{_IS}\s+(?:fully\s+)?remote\s+(?:with)?in"
    r"|poste\s+(?:est\s+)?(?:bas[ée]e?|situ[ée]e?)\s+(?:[àa]|en|au))\s+",
    re.IGNORECASE,
)
_ITEM = re.compile(
    r"-\s+(?:(?:must\s+be|be|currently|already|ideally|(?:you\s+)?are|fully)\s+)?"
    r"(?:(?:based|located|residing)\s+in"
    r"(?:\s+\(?or\s+(?:be\s+)?(?:willing|able|open)\s+to\s+relocate\s+to\)?)?"
    r"|remote\s+(?:with)?in|on-?site\s+(?:at|in)\s+our\s+offices?\s+in)\s+",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"(?:[^\w\n]|\ufe0f){0,6}(?:(?:job|work|office|primary|role|in[\s-]office|preferred|position"
    r"|hiring)\s+){0,2}(?:locations?|standorte?|arbeitsort|einsatzort|lieu(?:\s+de\s+travail)?"
    r"|localisation|ubicaci[óo]n|localiza[çc][ãa]o)"
    r"(?:\s+(?:&|and)\s+\w+|\s+include)?\s*(?:[:–—]|\s-\s)\s*",
    re.IGNORECASE,
)
_STEMS = (
    *("based", "located", "situated", "residing", "basé", "situé", "remote", "onsite", "on-site"),
    *("open to", "location", "standort", "arbeitsort", "einsatzort", "lieu", "localisation"),
    *("ubicaci", "localiza"),
)
"""A line without one of these, case folded, states no place."""
_DOUBTED = re.compile(r"\b(?:if|whether|unless|where|when|not|cannot)\b[^.!?]{0,60}$", re.I)
_END = re.compile(
    r"(?<!\bSt)(?<!\bMt)(?<!\bFt)(?<!\b[A-Z])[.!?](?=\s|$)"
    r"|(?:^|\s)(?:with|avec|pour|dans|where|who|which|that|to|but|as|for|we|you|your|reporting|is|are"
    r"|has|have|will|requires?|while|whilst|because|since|so|if|on)\s"
    r"|\band\s+(?:we|you|your|reports?|will|is|are|requires?|can|be|works?|this|our|supports?"
    r"|offers?|has|have|travels?|the\s+(?=[a-z]))\b|\b(?:or|OR)\s+(?:are|open|willing|able|be|have)\b"
    r"|\s[-–—]\s(?=[a-z])"
)
"""Where a phrase of places goes over into something else."""
_CAPITAL = re.compile(r"[A-Z\u00c0-\u00de]|[^\W\d_a-z\u00df-\u024f]")
"""A capital of Latin script, or a letter of another."""


class StatedPlace(NamedTuple):
    """A place, and the span of the text that states it."""

    place: Place
    span: tuple[int, int]


def find_places(text: str, country_hint: str | None = None) -> list[StatedPlace]:
    """Return the places that `text` says its job is in, in its order.

    `country_hint` (ISO 3166 alpha-2) settles ambiguous cities. A town that the gazetteer lacks
    counts where it is a single name beside its country: in a text, much may look like one.
    """
    found: dict[Place, StatedPlace] = {}
    for start, end in _phrases(text[:_LONGEST_TEXT]):
        for place in parse_places(text[start:end], country_hint).places:
            if _is_certain(place):
                found.setdefault(place, StatedPlace(place, (start, end)))
    return list(found.values())


def _is_certain(place: Place) -> bool:
    if place.city is None or (place.city.isalpha() and place.city.istitle()):
        return True
    known = gazetteer().cities.get(name_key(place.city), ())
    return any(city.country == place.country for city in known)


def _phrases(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans in which places of the job may be named."""
    start, below_label, count = 0, False, 0
    for line in split_lines(text):
        spans = _line_phrases(line)
        if below_label and not spans and len(line) <= _LONGEST_PHRASE:
            spans = _trimmed(line, 0)
        below_label = bool(spans) and spans[0][0] == spans[0][1]
        for left, right in spans:
            if left < right:
                yield start + left, start + right
                count += 1
        if count >= _MOST_PHRASES:
            return
        start += len(line) + 1


@read_once
def _line_phrases(line: str) -> tuple[tuple[int, int], ...]:
    """Return the spans of a line; an empty one at the end of a label that is alone on it."""
    folded = line.casefold()
    if not holds_any(folded, _STEMS):
        return ()
    line = line[:LONGEST_LINE]
    if label := _LABEL.match(line):
        return _trimmed(line, label.end()) or ((label.end(), label.end()),)
    if item := _ITEM.match(line):
        return _trimmed(line, item.end())
    return tuple(
        span
        for match in _SENTENCES.finditer(line)
        if not _DOUBTED.search(line[max(0, match.start() - 80) : match.start()])
        for span in _trimmed(line, match.end())
    )


def _trimmed(line: str, start: int) -> tuple[tuple[int, int], ...]:
    """Return the span from the first capital after `start` to the end of what names places."""
    reach = line[start : start + _LONGEST_PHRASE]
    end = _END.search(reach)
    phrase = reach[: end.start()] if end else reach
    capital = _CAPITAL.search(phrase)
    if capital is None:
        return ()
    return ((start + capital.start(), start + len(phrase.rstrip(" ,;:-–—("))),)
