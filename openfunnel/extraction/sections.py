"""Divides a posting's text into lines and says of each which section it stands in.

Sections begin at headings: `## ` lines, and short lines that end with a colon or hold little but a
known heading. What is welcome is often set off by less: a line before a list will do, and an entry
of a list that says no more (`- Nice to have`). English, French, German, Spanish, Portuguese and
Italian headings are known.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from openfunnel.normalize.lines import read_once, split_lines
from openfunnel.normalize.text import fold

HEADING_CHARACTERS = 90
"""A line without `## ` that is longer is no heading."""
ENTRY_CHARACTERS = 60
"""An entry of a list that is longer is none."""


class Section(StrEnum):
    """What the lines under a heading are about."""

    REQUIRED = "required"
    """Qualifications asked for."""
    PREFERRED = "preferred"
    """Qualifications that are welcome."""
    DUTIES = "duties"
    """What the person will do, the team, the stack."""
    PROCESS = "process"
    """Benefits, pay, how to apply, equal opportunity, privacy."""
    COMPANY = "company"
    """Who the employer is."""
    OPENING = "opening"
    """Whatever stands before the first known heading."""


class Line(NamedTuple):
    """A line of the text: `start` and `end` are its character positions."""

    start: int
    end: int
    text: str
    section: Section
    is_heading: bool = False


_PATTERNS = (
    (
        Section.PREFERRED,
        r"nice[ -]to[ -]have|bonus(?! plan|es|.*pay)|preferred|desir(?:ed|able"
        r"|irable)|ideally"
        r"|\b(?:a|big|huge|extra|real) plus\b|^plus(?:es)?\b|plus points|extra points"
        r"|brownie points|extra credit|stand out|sets? you apart|good to have"
        r"|exceptional candidates"
        r"|\b(?:be|is) (?:great|nice|ideal|a plus)(?! (?:fit|match))\b|\bideal(?: if|:)"
        r"|(?:more interesting|stronger) if"
        r"|\(assets?\)|\bassets?:|perfect candidate would|even better|not required|optional"
        r"|advantage"
        r"|un plus|serait un plus|atouts?\b|appreciee?s?|souhaitee?s?|idealement|les plus\b"
        r"|von vorteil|wunschenswert|pluspunkte?|ist ein plus|deseable|se valora|valorable"
        r"|diferenciais|diferencial|desejavel|gradit",
    ),
    (
        Section.PROCESS,
        r"benefits?\b|perks|^in return\b|what we offer|we offer|what'?s in it for you|compensation"
        r"|\byou(?:'ll| will) (?:enjoy|gain|receive)\b|what you(?:'ll| will)? get(?! to)\b"
        r"|where you(?:'ll| will) (?:be|work)\b|take care of you|\bwell-?being|\blife (?:@|at|in"
        r"|with)|\bwork[ -]life|\blogistics$"
        r"|salary|\bpay\b|total rewards"
        r"|equal opportunit|diversity|inclusion|\beeo\b|accommodation|how to apply"
        r"|privacy (?:notice|policy|statement)|gdpr (?:notice|statement)|\bnotices?\b"
        r"|referr(?:al|ed)"
        r"|to apply|apply now|^applying\b|application process|recruitment process"
        r"|interview|hiring process|recruiting process|selection process|what to expect"
        r"|disclaimer|fraud (?:alert|warning|notice)|recruit\w* (?:fraud|scam)|visa sponsorship"
        r"|in[ -]office (?:expectations|requirements?|polic)|location"
        r"|^(?:the )?(?:united states|united kingdom|us|usa|uk|canada|france|germany|spain|italy"
        r"|netherlands|ireland|singapore|japan|india|australia)\W*$"
        r"|nous offrons|ce qu(?:e nous|'on) (?:offr|propos)|avantages|remuneration"
        r"|process(?:us)? de recrutement"
        r"|process suivant|etapes du"
        r"|deroulement|candidature|modalites"
        r"|wir bieten|das bieten wir|unser angebot|vorteile|bewerbung|gehalt|ofrecemos"
        r"|beneficios|proceso de seleccion|oferecemos|processo seletivo|cosa offriamo",
    ),
    (
        Section.REQUIRED,
        r"requirements?|\brequire[sd]\b|qualifications?|must[ -]haves?|who you are|about you"
        r"|^languages?\b|what you(?:'ll| will)? (?:bring|need|have)|you(?:'ll| will)? need"
        r"|you have|you bring|what we(?:'re| are) looking for|we(?:'re| are) looking for"
        r"|looking for|you(?:'re| are) (?:a )?(?:great|good|right)|what you should have"
        r"|who (?:may|can) apply|who are you|you may be a|fit well|skill ?set\b"
        r"|ideal candidate"
        r"|your (?:profile|background|skills|experience)"
        r"|skills|(?<!customer )(?<!user )(?<!developer )(?<!employee )(?<!candidate )"
        r"experiences?\b"
        r"|sound like you|minimum|basic|essential|who (?:should|will succeed)|you might be"
        r"|you may be|good fit|great fit|right fit|fit if|thrive|you(?:'ll"
        r"| will) (?:be )?success|what makes you|what it takes|expertise|competenc|knowledge"
        r"|education|key criteria|we(?:'d| would) (?:love|like)|candidate profile|profile"
        r"|profil|qui es[ -]tu|qui etes[ -]vous|connaissances?|aptitudes|parcours|formation\b"
        r"|ce que nous recherchons|nous recherchons"
        r"|vous avez|tu as|prerequis|exigences|competences"
        r"|das bringst du|was du mitbringst|anforderungen|voraussetzungen|qualifikation"
        r"|dein profil|ihr profil|requisitos|perfil|lo que buscamos|que buscamos|o que buscamos"
        r"|requisiti|chi cerchiamo",
    ),
    (
        Section.DUTIES,
        r"responsibilit|what you(?:'ll|'d| will| would)? (?:actually )?(?:do|be doing|work|own"
        r"|build|be)"
        r"|you(?:'ll| will) (?:do|be|own|work|build|get)|the role|about the (?:role|team|job"
        r"|position|opportunity)|role overview|role summary|position|job (?:description|summary"
        r"|purpose)|your (?:role|mission|impact|tasks|day|work|responsib)|day[ -]to[ -]day|duties"
        r"|^(?:the |your |votre |le |el )?role\b|areas of focus|how you(?:'ll| will) contribute"
        r"|difference you(?:'ll| will)|typical day|success looks like|^(?:\W*)you will\b"
        r"|in this role|^as (?:an?|our|the) |key (?:tasks|areas|activities|objectives|outcomes)"
        r"|(?:tech"
        r"|technology|our|technical) stack|stack\b|our tech\b|technologies|tools|environment"
        r"|mission|scope|projects?\b|challenge|deliverables|what the job|you can expect"
        r"|impact you|overview|opportunity"
        r"|vos missions|tes missions|missions|les taches|^taches|du poste|journee typique"
        r"|le poste|ton role|votre role|responsabilites"
        r"|au quotidien|stack technique|l'equipe"
        r"|aufgaben|deine rolle|das erwartet dich|responsabilidades|funciones|tus funciones"
        r"|el rol|atividades|a vaga|responsabilita|il ruolo",
    ),
    (
        Section.COMPANY,
        r"about (?:us|the company|our)|^about \w+|who we are|our (?:company|story|values|mission"
        r"|culture|team)|why (?:join|work|us|\w+)|company|culture|values|join us|how we work"
        r"|^joining (?:the|our) |community you|communaute"
        r"|a propos|qui sommes[ -]nous|l'entreprise|pourquoi|nos valeurs|uber uns|wer wir sind"
        r"|unternehmen|sobre nosotros|quienes somos|quem somos|sobre (?:a|nos|o)\b|chi siamo",
    ),
)
_KNOWN = tuple((section, re.compile(pattern)) for section, pattern in _PATTERNS)
_WELCOME = _KNOWN[0][1]
_ASKED_AND_WELCOME = re.compile(
    r"\b(?:qualifications?|requirements?|required|minimum|basic)\b.*(?:&|\band\b|/"
    r"|\+).*\bpreferred\b"
)
"""A heading of both: what is welcome says so itself."""
_MOST_HEADING_WORDS = 7
_MOST_ENTRY_WORDS = 3
"""Of an entry of a list that is a heading without a colon."""
_LABEL = re.compile(r"([A-Za-z][\w '’&/-]{2,40}):\s+\S")
"""How a line begins that says of itself what it is: `Job requirements: ...`."""
_MOST_LABEL_WORDS = 4
_ORNAMENT = re.compile(r"^[^\w(#]+")
_LEADS_ON = re.compile(r"\s*(?:\.{3}|…)$")
_SENTENCE_ENDS = (".", ",", ";", "!")
_UNKNOWN = Section.OPENING
_SUBDIVIDED = (Section.DUTIES, Section.REQUIRED)
"""Sections that go on below a heading that is not known."""


def divide(text: str) -> list[Line]:
    """Return the lines of `text` that are not blank, each with its section."""
    lines = []
    section = Section.OPENING
    start = 0
    raws = split_lines(text)
    for raw, after in zip(raws, (*raws[1:], ""), strict=True):
        end = start + len(raw)
        if raw and not raw.isspace():
            alone, before_list, label = _openings(raw)
            named = before_list if after.startswith("- ") else alone
            if named is not None and not (named is _UNKNOWN and section in _SUBDIVIDED):
                section = named
            of_line = section
            if label is not None and named is None and section is not Section.PREFERRED:
                of_line = label
            lines.append(Line(start, end, raw, of_line, named is not None))
        start = end + 1
    return lines


@read_once
def _openings(raw: str) -> tuple[Section | None, Section | None, Section | None]:
    """Return the section that a line opens as a heading, and that where a list follows; and the one
    that it names for itself alone.
    """
    return *(_headings(raw) if _may_be_heading(raw) else (None, None)), _labelled(raw)


def _labelled(raw: str) -> Section | None:
    """Return the section that a line names for itself, if it does."""
    label = _LABEL.match(raw)
    if label is None or label[1].count(" ") >= _MOST_LABEL_WORDS:
        return None
    folded = fold(label[1].replace("’", "'"))
    return next((section for section, pattern in _KNOWN if pattern.search(folded)), None)


def _may_be_heading(raw: str) -> bool:
    if raw.startswith("## "):
        return True
    if raw.startswith("- "):
        is_short = len(raw) <= ENTRY_CHARACTERS
        return is_short and (raw.endswith(":") or raw.count(" ") <= _MOST_ENTRY_WORDS)
    return len(raw) <= HEADING_CHARACTERS


def _headings(raw: str) -> tuple[Section | None, Section | None]:
    """Return the section a heading opens, and that before a list; None where it is no heading."""
    marked = raw.startswith("## ")
    words = _ORNAMENT.sub("", raw.removeprefix("## ").strip())
    folded = _LEADS_ON.sub(":", fold(words.replace("’", "'")))
    if raw.startswith("- "):
        return None, _entry_heading(folded)
    if not marked and not folded.endswith(":") and not _plain_heading(folded):
        leads = not folded.endswith(_SENTENCE_ENDS) and _WELCOME.search(folded)
        return None, Section.PREFERRED if leads else None
    if _ASKED_AND_WELCOME.search(folded):
        return Section.REQUIRED, Section.REQUIRED
    unknown = _UNKNOWN if marked else None
    section = next((one for one, pattern in _KNOWN if pattern.search(folded)), unknown)
    return section, section


def _entry_heading(folded: str) -> Section | None:
    """Return the section that an entry of a list opens: a list within the list follows it."""
    if folded.endswith(":"):
        known = next((one for one, pattern in _KNOWN if pattern.match(folded)), None)
        return Section.PREFERRED if _WELCOME.search(folded) else known
    return Section.PREFERRED if _WELCOME.match(folded) else None


def _plain_heading(folded: str) -> bool:
    """Return whether a line without any mark reads as a heading."""
    if folded.endswith(_SENTENCE_ENDS) or folded.count(" ") >= _MOST_HEADING_WORDS:
        return False
    if ": " in folded:  # what it is headed by follows on the line
        return False
    return any(pattern.match(folded) for _, pattern in _KNOWN)
