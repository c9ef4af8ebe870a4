"""What an employer says to be doing now or next: few patterns, each plain enough to trust."""

import re
from dataclasses import dataclass
from functools import cache

import ahocorasick

from openfunnel.extraction.sections import Line, Section
from openfunnel.normalize.lines import read_once
from openfunnel.records import InitiativeType as Type


@dataclass(frozen=True, slots=True)
class _Pattern:
    """How a type is stated: `stems` are cheap to look for, one must be near."""

    type: Type
    stems: tuple[str, ...]
    words: re.Pattern[str]
    asked_of_person: bool = False
    """Counts in a list of requirements too, where else it is someone's past."""


def _pattern(kind: Type, stems: str, words: str, *, asked_of_person: bool = False) -> _Pattern:
    return _Pattern(
        kind, tuple(stems.split("|")), re.compile(words, re.IGNORECASE), asked_of_person
    )


_PLACE = (
    r"(?:markets?|countr(?:y|ies)|regions?|geograph\w+|EMEA|APAC|LATAM|Europe|Asia|Africa"
    r"|North America|Latin America|the US|the UK|India|Japan|Germany|France|Spain|Italy|Brazil"
    r"|Canada|Australia|Singapore)\b"
)
_PATTERNS = (
    _pattern(
        Type.EXPANSION,
        "expan|launch|enter|open|establish| first |build out|grow|new market",
        rf"\b(?:expand(?:ing|s)?|expansion|launch(?:ing)?"
        rf"|enter(?:ing)?)\b[^.;\n]{{0,40}}\b(?:into|across|in) (?:new |additional |more |other "
        rf"|the )?(?:\w+ ){{0,2}}{_PLACE}"
        r"|\b(?:opening|opened|open|launching|establish(?:ing)?|build(?:ing)? out) (?:our |a "
        r"|an |the )?(?:\w+ ){0,2}(?:new|first) (?:\w+ ){0,2}(?:office|hub|site|region|warehouse"
        r"|store)\b"
        rf"|\b(?:our|the) first (?:\w+ ){{0,4}}(?:presence|hire|office"
        rf"|team) in (?:the )?[A-Z]\w+|\bexpand(?:s|ing)? (?:its|our|their)? ?(?:regional"
        rf"|international|global|geographic) (?:coverage|presence|footprint)"
        r"|\b(?:new market (?:entry|expansion|launch)|office expansion|(?:our"
        r"|the company's) (?:international|global|european|geographic) expansion"
        r"|(?:continu\w+ to |we're |we are )(?:expand|grow)(?:ing)? (?:internationally"
        r"|globally))\b",
    ),
    _pattern(
        Type.NEW_PRODUCT,
        "new | zero|0 to|0-|newest|soon|upcoming",
        r"\b(?:launch(?:ing)?|building|build|bring(?:ing)? to market|creat(?:e"
        r"|ing))\b[^.;\n]{0,20}\b(?:brand[ -])?new (?:\w+ ){0,2}(?:product lines?|products?"
        r"|platform|business lines?|verticals?|offerings?)\b(?! features)"
        r"|\b(?:zero[ -]to[ -]one|0[ -](?:to|→|->)[ -]?1)\b[^.;\n]{0,40}\b(?:products?|platform"
        r"|business)\b|\b(?:our|the) newest product|\bsoon[ -]to[ -](?:be )?launch"
        r"|\bupcoming (?:product )?launch",
    ),
    _pattern(
        Type.MIGRATION,
        "migrat|moving|transition|moderni|replac|replatform|re-platform|rearchitect|re-architect|rewrit",
        r"\b(?:migrat(?:e|ing|ion)|moving|transition(?:ing)?)\b (?:\w+ ){0,5}(?:from|to|off|onto"
        r"|into)\b[^.;\n]{0,50}\b(?:cloud|aws|azure|gcp|google cloud|kubernetes|micro-?services"
        r"|s/4 ?hana|snowflake|databricks|typescript|kotlin|coroutines|new platform|new system"
        r"|new architecture)\b"
        r"|\bmoving (?:away )?from (?:a |an |our |the )?[A-Z]\w+ to (?:a |an )?[A-Z]\w+"
        r"|\b(?:moderni[sz](?:e|ing)|replac(?:e|ing)|re-?platform(?:ing)?|re-?architect(?:ing)?"
        r"|rewrit(?:e|ing))\b (?:our |the )?(?:\w+ ){0,2}(?:legacy|monolith|existing (?:systems?"
        r"|platform|infrastructure|stack))\b|\bcloud migration\b",
    ),
    _pattern(
        Type.SCALING,
        "grow|scaling|to scale|double|triple|expanding|croissance|wachs|crecimiento",
        r"\b(?:fast|rapidly|quickly|ever)[ -](?:growing|scaling|expanding) (?:\w+ ){0,2}(?:team"
        r"|company|organi[sz]ation|startup|scale-?up)\b|\b(?:explosive|rapid|exponential"
        r"|upcoming|our (?:continued|next phase of)) growth\b"
        r"|\b(?:we(?:'|’)re|we are|is|as we|are) (?:\w+ )?(?:growing|scaling|expanding) (?:our "
        r"|the |its )?(?:\w+ ){0,3}(?:team|teams|organi[sz]ation|headcount|workforce)\b"
        r"|\b(?:growing|expanding) (?:our|the) (?:\w+ ){0,3}teams?\b"
        r"|\bour growing (?:\w+ ){0,2}team\b|\ba growing (?:\w+ ){0,2}team\b"
        r"|\bteam is (?:\w+ )?(?:growing|expanding|scaling)|\bwe(?:'|’)re (?:growing"
        r"|scaling) (?:fast|quickly|rapidly)|\bcontinues to (?:scale|grow)\b|\b(?:growing"
        r"|scaling) (?:fast|rapidly|quickly)\b|\b(?:double|triple) (?:our"
        r"|the) (?:\w+ ){0,2}(?:team|headcount|size)\b"
        r"|\bcroissance (?:forte|rapide|exceptionnelle|exponentielle)|\b(?:forte|pleine"
        r"|hyper) ?croissance|\bstark wachsend|\bschnell wachsend|\bfuerte crecimiento",
    ),
    _pattern(
        Type.COMPLIANCE,
        "soc|iso |iso2|hipaa|pci|fedramp|gdpr|dora|nis|ai act|mica|sox|ipo|hitrust|csrd",
        r"\b(?:prepar(?:e|ing|ation)|readiness|achiev(?:e|ing)|obtain(?:ing)?|pursu(?:e|ing)"
        r"|work(?:ing)? towards?|ready for|certif\w+)\b[^.;\n]{0,50}\b(?:SOC ?[12]|ISO ?\d{4,5}"
        r"|HIPAA|PCI[ -]?DSS|FedRAMP|GDPR|DORA|NIS ?2|AI Act|MiCA|SOX|HITRUST|CSRD)\b|\b(?:SOX"
        r"|IPO|FedRAMP|SOC ?2) readiness|\bIPO[ -]ready",
    ),
    _pattern(
        Type.AI_ADOPTION,
        "ai-| ai |llm|l'ia|l’ia|genai|generative|coding|mit ki",
        r"\b(?:build|ship|launch|develop|creat)(?:ing|e)? AI[ -](?:powered|driven|native"
        r"|enabled)\b[^.;\n]{0,40}\b(?:features?|functionality|products?|tools?|workflows?"
        r"|experiences?|automation)\b"
        r"|\b(?:leverag(?:e|ing)|us(?:e|ing)|adopt(?:ing)?|embrac(?:e|ing)|integrat(?:e|ing)"
        r"|apply(?:ing)?|embed(?:ding)?|proficiency (?:using|with|in)|fluen\w+ (?:in"
        r"|with))\b (?:\w+ ){0,2}(?:generative AI|GenAI|AI|LLM|LLMs)(?:[ -](?:powered|assisted"
        r"|driven|coding|productivity|based))? (?:tools?|agents?|assistants?|workflows?"
        r"|in your (?:daily|day)\b[^.;\n]{0,20}work)\b"
        r"|\bAI[ -](?:assisted|powered) (?:development|engineering|coding|workflows?)\b"
        r"|\bassistants? (?:de )?coding\b|\bgrâce à l['’]IA\b|\bmit KI-",
        asked_of_person=True,
    ),
    _pattern(
        Type.RESTRUCTURING,
        "restructur|reorgani|carve|merger",
        r"\b(?:restructur(?:e|ing) (?:of|our|the)|reorgani[sz](?:ation|ing) (?:of|our|the)"
        r"|carve[ -]?out|post[ -]merger integration)\b",
    ),
    _pattern(
        Type.FUNDING,
        "series|rais|fund",
        r"\b(?:recent(?:ly)?|just|newly|fresh)\b[^.;\n]{0,40}\b(?:raised|closed (?:our|a|an) "
        r"|secured|series [A-H]\b|fundrais\w+|funding)|\b(?:raised|announced) (?:a |an |our "
        r"|over )?[$€£]\s?\d[\d.,]*\s?(?:[mb]|million|billion)\b[^.;\n]{0,30}\bseries [A-H]\b",
    ),
)
_HIRING = re.compile(
    r"\b(?:application process|your application|interview|candidates?|applicants?)\b", re.I
)
_ASKED = (Section.REQUIRED, Section.PREFERRED)
_LINE_CHARACTERS = 2000


def find_initiatives(lines: list[Line]) -> list[tuple[Type, int, int]]:
    """Return each initiative stated, with the span of its words in the text; one of each type."""
    found: dict[Type, tuple[Type, int, int]] = {}
    for line in lines:
        if line.is_heading or line.section is Section.PROCESS:
            continue
        for pattern, start, end in _stated(line.text):
            if pattern.type in found or (line.section in _ASKED and not pattern.asked_of_person):
                continue
            found[pattern.type] = (pattern.type, line.start + start, line.start + end)
    return list(found.values())


@read_once
def _stated(line: str) -> tuple[tuple[_Pattern, int, int], ...]:
    """Return the patterns that a line matches, and where; none where it speaks of the hiring."""
    words = line[:_LINE_CHARACTERS]
    likely = {index for _, indexes in _stems().iter(words.lower()) for index in indexes}
    if not likely or _HIRING.search(words):
        return ()
    return tuple(
        (pattern, *match.span())
        for pattern in (_PATTERNS[index] for index in sorted(likely))
        if (match := pattern.words.search(words))
    )


@cache
def _stems() -> ahocorasick.Automaton:
    automaton = ahocorasick.Automaton()
    for stem in sorted({stem for pattern in _PATTERNS for stem in pattern.stems}):
        indexes = [index for index, pattern in enumerate(_PATTERNS) if stem in pattern.stems]
        automaton.add_word(stem, tuple(indexes))
    automaton.make_automaton()
    return automaton
