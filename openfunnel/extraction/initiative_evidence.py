"""Initiatives of a model's answer: quoted from the posting, in words that can mean their type.

A model that finds a sentence remarkable may be wrong about what it states. So each type has words
of which a quote must hold one, unless it is where the rules find the same. On recorded boards
nearly all quotes that people have marked hold one, and of any quotes 2% (migration) to 13% (new
products).
"""

import re
from collections.abc import Iterable

from openfunnel.extraction.answer import StatedInitiative
from openfunnel.extraction.evidence import Source
from openfunnel.extraction.naming import Refusal, Refused, evidence_of
from openfunnel.normalize.text import fold
from openfunnel.records import Evidence, Initiative, ValueSource
from openfunnel.records import InitiativeType as Type

LEAST_WORDS, LEAST_CHARACTERS = 3, 8
"""Least length of a quote: what is shorter states nothing. Scripts without spaces are measured in
characters."""

_NEW = r"new|newly|neue|nouve|nuev|nuov|nov[oa]s?\b|nieuw|nowe|nowy|first\b|erste"
_GROW = (
    r"grow|scal|expan|ekspans|espan|doubl|tripl|increas|accelerat|hyper|croiss|wachs|crec|cresc"
    r"|groei|rozwij|escal|ampli|aufbau|ausbau|build"
)
_OPEN = (
    r"launch|enter(?:ing|s)?\b|entry|open|establish|lanc|lanz|eroffn|ouvr|ouvert|abr(?:ir|imos|i)"
    r"|apert|abert|roll(?:ing)?[ -]?out|international|uitbreid"
)
_WORDS = {
    Type.EXPANSION: rf"{_NEW}|{_GROW}|{_OPEN}|locali[sz]|countries",
    Type.NEW_PRODUCT: (
        rf"{_NEW}|{_OPEN}|zero|0|next\b|upcoming|soon|build|creat|develop|incubat|introduc|bring"
        r"|invent|entwick|crea|cree|greenfield|scratch|ground up|beta\b"
    ),
    Type.MIGRATION: (
        r"migra|mov(?:e|ing)|transition|moderni|replac|re-?platform|re-?architect|re-?writ"
        r"|re-?build|re-?factor|legacy|monolith|upgrad|convert|transform|consolidat|decommission"
        r"|sunset|phas(?:e|ing) out|port(?:ing)?\b|switch|ablos|umstell|umzug|remplac|reempla"
        r"|sostit|substitu|refonte|deprecat|cutover|adopt"
    ),
    Type.SCALING: (
        rf"{_GROW}|{_NEW}|hir(?:e|ing)|ramp(?:ing|s)?[ -]up|headcount|volume|recrut|einstell"
        r"|\d+ ?x\b"
    ),
    Type.COMPLIANCE: (
        r"soc\b|soc ?\d|iso\b|iso ?\d|hipaa|pci|fedramp|gdpr|dsgvo|rgpd|lgpd|dora\b|nis ?2|ai act"
        r"|mica\b|sox\b|ipo\b|hitrust|csrd|ccpa|complian|comply|regulat|regulier|reglement|licen[cs]|audit"
        r"|certif|zertif|accredit|supervis|konform|conform|cumpli|normat|zulassung|governance"
        r"|readiness|fda\b|ce mark|mdr\b|gxp|basel|mifid|psd\d|legislat|directive|authori[sz]"
        r"|approval"
    ),
    Type.AI_ADOPTION: (
        r"ai\b|ki\b|ia\b|artificial intel|intelligence artif|inteligencia art|intelligenza art|llm"
        r"|gen-?ai|gpt|chatgpt|claude|co-?pilot|gemini|cursor\b|machine learning|ml\b|agent|generat"
        r"|automat|learning|neural|model|chatbot|prompt|coding"
    ),
    Type.RESTRUCTURING: (
        r"re-?struc|re-?org|carv|merg|acqui|integrat|spin|divest|consolidat|transform|turnaround"
        r"|separation|streamlin|umbau|umstruktur|fusion|re-?align|right-?siz|layoff|reduc"
        r"|operating model|re-?design"
    ),
    Type.FUNDING: (
        r"series\b|rais|fund|invest|capital|ipo\b|valuation|financ|back(?:ed|ing)|round\b|million"
        r"|billion|millon|milliard|levee|finanz|ronda|rodada|venture|unicorn|seed\b"
    ),
}
_SIGNS = {kind: re.compile(rf"\b(?:{words})") for kind, words in _WORDS.items()}
"""For folded text: how words of English, German, French, Spanish, Portuguese and Italian begin,
and some of other languages."""

_WORD = re.compile(r"[^\W_]+")


def initiative_of(
    stated: StatedInitiative, source: Source, of_rules: Iterable[Initiative]
) -> Initiative:
    """Return an initiative with its evidence; `of_rules` are those that the rules find.

    Raises:
        Refused: its evidence does not stand in the posting, or cannot mean an initiative like that.
    """
    evidence = evidence_of(stated.evidence, source)
    if not _is_long_enough(evidence.text):
        raise Refused(Refusal.TOO_SHORT)
    agreed = any(one.type is stated.type and _overlap(one.evidence, evidence) for one in of_rules)
    if not (agreed or can_mean(evidence.text, stated.type)):
        raise Refused(Refusal.NOT_NAMED)
    return Initiative(type=stated.type, evidence=evidence, source=ValueSource.LLM)


def can_mean(quote: str, kind: Type) -> bool:
    """Return whether a quote holds a word of this type, or is in a script that has none here."""
    folded = fold(quote)
    letters = [letter for letter in folded if letter.isalpha()]
    foreign = sum(not letter.isascii() for letter in letters)
    return 2 * foreign > len(letters) or _SIGNS[kind].search(folded) is not None


def _overlap(one: Evidence, other: Evidence) -> bool:
    """Whether two quotes share a part of the text."""
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return False  # one is from the title
    return one.start < other.end and other.start < one.end


def _is_long_enough(quote: str) -> bool:
    if quote.isascii() or " " in quote:
        return len(_WORD.findall(quote)) >= LEAST_WORDS
    return len(quote) >= LEAST_CHARACTERS
