"""Technologies and skills of a posting, each with the stance and evidence of its best mention."""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from openfunnel.extraction.sections import Line, Section
from openfunnel.extraction.stance import STRENGTH, sentence_span, stance_of
from openfunnel.normalize.lines import read_once
from openfunnel.normalize.skills import Match, find
from openfunnel.normalize.text import fold, holds_any
from openfunnel.records import Evidence, PostingText, SkillMention, Stance, ValueSource

MOST_TIMES = 50
"""How many times a name is read in one line, ..."""
MOST_MENTIONS = 1_000
"""... and how many names of a text are read in all: keeps the time of odd texts bounded, where real
ones have a hundred at most."""
EVIDENCE_WORDS = 15
EVIDENCE_CHARACTERS = 240
_BARE_CHARACTERS = 60
"""Length of evidence in scripts that put no spaces between words."""

_WORD = re.compile(r"\S+")
_LEGAL_FORM = re.compile(
    r"(?:[\s,]+(?:inc|ltd|llc|gmbh|ag|sas|sa|bv|plc|corp|co|limited|labs?|technologies|ai)\b\.?)+$"
)
_COMPANIES = re.compile(  # lower case
    r"\b(?:customers?|clients?|brands|companies|organi[sz]ations|enterprises|startups|businesses"
    r"|investors?|backed by|trusted by|merchants|funded by|alumni of|formerly at|founded by"
    r"|veterans (?:of|from)|(?:founders?|ceos?|angels?|executives) (?:and \w+ )?(?:of|from)"
    r"|(?:talent|alumni|leaders|backing) from|prev(?:\.|iously)? at|(?:team|founders?|people"
    r"|engineers|leaders|we) (?:all )?(?:comes?|came"
    r"|hails?) from|entreprises|unternehmen|empresas|aziende)\b"
)
_OTHERS = re.compile(  # lower case
    r"\b(?:companies|customers|clients|brands|businesses|startups|enterprises|merchants|entreprises"
    r"|unternehmen|kunden|empresas|clientes|aziende)\b"
)
_COMPANIES_LIKE = re.compile(
    rf"{_OTHERS.pattern}[^.;:]{{0,25}}?"
    r"(?:\b(?:like|such as|including|from|comme|tel(?:le)?s que|tel(?:le)?s qu['’]|wie|como|come)"
    r"(?!\w)|\()[^.;:]{0,160}$",
    re.IGNORECASE,
)
_INTRODUCES = re.compile(
    r"\A(?:## [^\n]*\n)?([A-Z0-9][\w.&-]{1,40}(?: [A-Z][\w.&-]{1,20})?) is (?:an?|the|one of|on an?"
    r"|building)\b|^(?:## )?(?i:about|at|join|why|life at|à propos de|chez|über|bei"
    r"|sobre) ([A-Z][\w.&-]{1,40}(?: [A-Z][\w.&-]{1,20})?)(?=\s*$|,| we\b|[:?!])"
    r"|^([A-Z][\w.&-]{1,40}(?: [A-Z][\w.&-]{1,20})?) is (?:seeking|looking|hiring|an equal"
    r"|proud to|committed to|a (?:leading|global|fast))"
    r"|^Our (?:\w+ )?(?:team|mission|engineers|people|culture|vision) at "
    r"([A-Z][\w.&-]{1,40})(?= (?:is|are|combines?|works?|builds?)\b)",
    re.MULTILINE,
)
_DEGREE = re.compile(
    r"\b(?:degrees?|bachelor|master(?=['’]?s\b)|ph\.?d|[bm]\.?sc|diploma|studium|dipl[ôo]me)\b"
    r"(?:(?!\b(?:experience|expertise|knowledge|skills|with|plus|exp[ée]rience|erfahrung)\b)[^;])*",
    re.IGNORECASE,
)
"""A degree and its subjects, up to what else is asked for."""
_WORKING_WITH = re.compile(  # lower case
    r"\b(?:partner(?:s|ing|ed)?|collaborat\w+|work(?:s|ing)? (?:\w+ ){0,3}?(?:with|across"
    r"|alongside)|liais\w+|coordinat\w+|align\w*|interfac\w+|alongside|across|between|together with"
    r"|communicat\w+|report(?:s|ing)? to)\b"
)
_TEAMS = re.compile(
    r"(?:(?!\b(?:to|for|in|on|of|from|by|using|that|who|through|via|into)\b)[\w\s,/&’'-]){0,90}?\b"
    r"(?:teams?|departments?|functions|stakeholders|leaders|leadership|colleagues|counterparts"
    r"|partners|organi[sz]ations?|groups|divisions?|professionals|experts|specialists|managers"
    r"|engineers|scientists|designers|analysts)\b",
    re.IGNORECASE,
)
"""The rest of a list of teams, behind one of their names."""
_DEGREE_STEMS = (
    *("degree", "bachelor", "master", "phd", "ph.d", "bsc", "b.sc", "msc", "m.sc"),
    *("diplom", "diplôm", "studium"),
)
_NO_NAMES = frozenset(("us", "the", "this", "our", "we", "you", "it", "who", "role", "team", "job"))
"""What may follow `about` and `at` and names nobody."""


class _Found(NamedTuple):
    """A match, and what its line says of it."""

    match: Match
    stance: Stance
    evidence_at: tuple[int, int]
    """Span in the line."""


class _Words(NamedTuple):
    """What the words of a sentence say of the names in it; positions in the sentence."""

    works_with: int
    """Where the first words end that say who is worked with; its end without any."""
    degrees: tuple[tuple[int, int], ...]
    """Spans of degrees and what they are in: subjects, and no skills."""
    names_others: bool
    """Whether it may list companies."""


def find_mentions(posting: PostingText, text: str, lines: list[Line]) -> list[SkillMention]:
    """Return each technology and skill once, with its strongest stance, in order of the text."""
    company = _employer(posting.company_name or _named_in(text))
    best: dict[str, tuple[_Found, Line | None]] = {}
    for match in find(posting.title):
        best.setdefault(match.slug, (_Found(match, Stance.USED, (0, 0)), None))
    count = 0
    for line in lines:
        named, signals = _read_line(line.text, line.section)
        count += named
        if count > MOST_MENTIONS:
            break
        for found in signals:
            known = best.get(found.match.slug)
            if known is None or STRENGTH[found.stance] < STRENGTH[known[0].stance]:
                best[found.match.slug] = (found, line)
    return [
        _mention(found, line, posting.title)
        for found, line in best.values()
        if not _is_own(found.match, company)
    ]


@read_once
def _read_line(text: str, section: Section) -> tuple[int, tuple[_Found, ...]]:
    """Return how many technologies and skills a line names, and the signals among them."""
    matches = find(text)
    if len(matches) > MOST_TIMES:
        matches = list(islice(_curbed(matches), MOST_MENTIONS))
    signals = (_read(match, text, section) for match in matches)
    return len(matches), tuple(filter(None, signals))


def _curbed(matches: list[Match]) -> Iterator[Match]:
    """Yield the first `MOST_TIMES` of each name."""
    times: Counter[str] = Counter()
    for match in matches:
        times[match.slug] += 1
        if times[match.slug] <= MOST_TIMES:
            yield match


def _read(match: Match, text: str, section: Section) -> _Found | None:
    """Return what the line `text` says of a match; None where that is no signal."""
    start, end = match.start, match.end
    low, high = sentence_at = sentence_span(text, start, end)
    sentence = text[low:high]
    stance = stance_of(text, section, sentence_at, start, end)
    if match.is_skill and stance is Stance.MENTIONED:  # `insurance` among the benefits
        return None
    words = _words_of(sentence)
    if match.is_skill and any(left <= start - low < right for left, right in words.degrees):
        return None
    if words.works_with <= start - low and _TEAMS.match(text, end, high):
        return None  # a team that is worked with
    if words.names_others and _COMPANIES_LIKE.search(text, low, start):
        return None
    if stance is Stance.MENTIONED and (section is Section.PROCESS or _names_companies(sentence)):
        return None  # a customer, an investor, or small print
    return _Found(match, stance, _around(text, sentence_at, start, end))


@lru_cache(maxsize=256)
def _words_of(sentence: str) -> _Words:
    """Find out once what is asked at each name."""
    folded = sentence.lower()
    works_with = _WORKING_WITH.search(folded)
    # The first test spares most the slow search.
    degrees = _DEGREE.finditer(sentence) if holds_any(folded, _DEGREE_STEMS) else ()
    return _Words(
        works_with=works_with.end() if works_with else len(sentence),
        degrees=tuple(degree.span() for degree in degrees),
        names_others=_OTHERS.search(folded) is not None,
    )


@lru_cache(maxsize=256)
def _names_companies(sentence: str) -> bool:
    return bool(_COMPANIES.search(sentence.lower()))


def _mention(found: _Found, line: Line | None, title: str) -> SkillMention:
    """Make the mention of what was found in a line; None stands for the title."""
    match = found.match
    if line is None:
        evidence = Evidence(text=title)
    else:
        low, high = found.evidence_at
        evidence = Evidence(text=line.text[low:high], start=line.start + low, end=line.start + high)
    return SkillMention(
        name=match.name,
        slug=match.slug,
        category=match.category,
        stance=found.stance,
        evidence=evidence,
        source=ValueSource.RULES,
    )


def _around(text: str, sentence_at: tuple[int, int], start: int, end: int) -> tuple[int, int]:
    """Return a span of at most 15 words of the sentence that holds `start` to `end`."""
    low, high = sentence_at
    starts, ends = _words(text, low, high)
    holds_start, behind = bisect_right(ends, start), bisect_left(starts, end)
    if holds_start >= behind:
        return start, end
    spare = max(0, EVIDENCE_WORDS - (behind - holds_start))
    first = max(0, min(holds_start - spare // 2, len(starts) - EVIDENCE_WORDS))
    last = min(len(starts), first + EVIDENCE_WORDS) - 1
    low, high = starts[first], ends[max(last, behind - 1)]
    if high - low > EVIDENCE_CHARACTERS:
        low = max(low, start - _BARE_CHARACTERS // 2)
        high = min(high, end + _BARE_CHARACTERS // 2)
    return low, high


@lru_cache(maxsize=256)
def _words(text: str, low: int, high: int) -> tuple[list[int], list[int]]:
    """Return where the words of a sentence start and end, without the mark of its line."""
    words = [word.span() for word in _WORD.finditer(text, low, high)]
    is_marked = len(words) > 1 and text[words[0][0] : words[0][1]] in ("-", "##")
    words = words[1:] if is_marked else words
    return [start for start, _ in words], [end for _, end in words]


def _named_in(text: str) -> str | None:
    """Return the employer's name as headings and openings give it (`About Acme`, `At Acme, we`)."""
    for found in _INTRODUCES.finditer(text):
        name = next(filter(None, found.groups()))
        if fold(name.split()[0]) not in _NO_NAMES:
            return str(name)
    return None


def _employer(company_name: str | None) -> str:
    return _LEGAL_FORM.sub("", fold(company_name)) if company_name else ""


def _is_own(match: Match, company: str) -> bool:
    """Return whether what was found is the employer or a product of theirs."""
    if not company or match.is_skill:
        return False
    name, maker = _folded(match.name), _folded(match.maker)
    return company in (name, maker) or f"{name} ".startswith(f"{company} ")


_folded = lru_cache(maxsize=4096)(fold)
"""For the names of the taxonomy, which come again and again."""
