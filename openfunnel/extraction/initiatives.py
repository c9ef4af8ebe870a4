"""What an employer says to be doing now or next: few patterns, each plain enough to trust."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice

import ahocorasick

from openfunnel.extraction.sections import Line, Section
from openfunnel.normalize.lines import read_once
from openfunnel.normalize.text import holds_any
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
    r"(?:markets?|countr(?:y|ies)|regions?|geograph\w+|cit(?:y|ies)|EMEA|APAC|LATAM|DACH|MENA"
    r"|Europe|Asia|Africa|North America|Latin America|the Nordics|the Middle East|the US|the UK"
    r"|the UAE|India|Japan|China|Korea|Germany|France|Spain|Italy|Poland|Netherlands|Ireland"
    r"|Brazil|Mexico|Canada|Australia|Singapore)\b"
)
_NAME = r"(?-i:[A-Z][\w.&-]+)"
_ITS = rf"(?:our|its|the company['’]s|{_NAME}['’]s)"
_NEW_PLACES = r"new (?:\w+[ -]){0,2}(?:markets?|countries|regions?|geographies|cities)\b"
_AI = r"(?:AI|GenAI|generative AI|LLMs?|agentic AI)"
_AI_TOOLS = (
    rf"(?:{_AI}(?:[ -](?:powered|driven|assisted|augmented|native|based|coding|code generation"
    r"|developer|development|productivity)){0,2} (?:tools?|tooling|agents?|assist(?:ants?|ance)"
    r"|workflows?|automation)|(?:AI )?coding (?:agents?|assistants?)|agentic workflows?)\b"
)
_PATTERNS = (
    _pattern(
        Type.EXPANSION,
        "expan|launch|enter in|enter new|entering|enters |opening|opened|open our|open a|open new"
        "|establishing|establishment of|establish a|establish our|our first|our new |the first"
        "|build out|building out|to grow|re grow|are grow|we grow|grows its|new market|presence"
        "|footprint|locali|to new |unlock new|unlocking new|more countries|more markets"
        "|multiple countries|multiple markets",
        r"\b(?:expand(?:ing|s)?|expansion|launch(?:ing)?|enter(?:ing)?)\b[^.;\n]{0,40}"
        r"\b(?:into|across|in) (?!your |their )(?:new |additional |more |other |the )?"
        rf"(?:\w+ ){{0,2}}{_PLACE}"
        rf"|\bexpand(?:ing|s)? to (?:new |additional |more |other |the )?(?:\w+ )?{_PLACE}"
        rf"|\b(?:enter|unlock|open|launch)(?:ing|s)? (?:up |in )?{_NEW_PLACES}"
        rf"|\b(?:bringing|taking) (?:{_NAME}|us|our \w+) (?:in)?to {_NEW_PLACES}"
        r"|\b(?:opening|opened|open|launching|establish(?:ing|ment of)?|build(?:ing)? out) (?:our "
        r"|a |an |the )?(?:\w+ ){0,2}(?:new|first) (?:\w+ ){0,2}(?:office|hub|site|region"
        r"|warehouse|store)\b"
        r"|\b(?:our|the) first (?:[\w-]+ ){0,4}(?:presence|hires?|office|team) in "
        rf"(?:the )?{_PLACE}"
        r"|\b(?:build|establish|grow|scal|expand)(?:ing|s|e)?(?: and \w+)? "
        rf"{_ITS} (?:\w+ ){{0,2}}(?:presence|footprint) (?:in|across)\b"
        rf"|\bexpand(?:s|ing)? (?:{_ITS} )?(?:regional|international|global|geographic) "
        r"(?:coverage|presence|footprint)"
        r"|\blocali[sz](?:ing|ation)\b[^.;\n]{0,80} for the (?-i:[A-Z]\w+) market\b"
        rf"|\bas (?:we|{_NAME}) (?:grow|expand|scale)s? (?:our|the|its) business (?:across|in)\b"
        r"|\b(?:scal|expand|launch|operat)(?:e|ing) (?:in|into|to|across) (?:more|multiple"
        r"|additional|many more) (?:\w+ )?(?:markets|countries|cities|regions)\b"
        rf"|\b{_ITS} (?:\w+ ){{0,3}}(?:international|global|european|geographic|market) expansion\b"
        r"|\b(?:support|guide|drive|lead|accelerate|continue)(?:ing)? (?:the |our )?(?:\w+ )?"
        r"(?:international|global|european|geographic) expansion\b"
        r"|\bexpand(?:s|ing)? (?:its|our) (?:\w+ )?footprint\b|\bour new [^.;\n]{0,60}"
        r"\b(?:factory|plant|facility|warehouse|fulfil?lment cent(?:er|re)) will\b"
        r"|\brecent expansions? (?:in)?to (?-i:[A-Z])|\bgeographic(?:al)? expansion\b"
        r"|\bnew markets\b[^.;\n]{0,40}\bas we (?:expand|grow)\b"
        r"|\b(?:new market (?:entry|expansion|launch)|(?:global|international|market) expansion "
        r"(?:team|plan\w*)|office expansion"
        r"|(?:continu\w+ to |we're |we’re |we are )(?:expand|grow)(?:ing)? (?:internationally"
        r"|globally))\b",
    ),
    _pattern(
        Type.NEW_PRODUCT,
        "new | zero|0 to|0-|0→|0 →|newest|soon|upcoming|beyond |introducing|emerging product",
        r"\b(?:launch(?:ing)?(?! of)|building|build|bring(?:ing)? to market|creat(?:e"
        r"|ing))\b[^.;\n]{0,20}\b(?:brand[ -])?new (?:\w+ ){0,2}(?:product lines?|products?"
        r"|platform|business lines?|verticals?|offerings?)\b(?! (?:features?|experiences?"
        r"|capabilit|ideas?|and feature))"
        r"|\b(?:zero[ -]to[ -]one|0 ?(?:-?to-?|→|->|-|–) ?1)\b[^.;\n]{0,40}\b(?:products?"
        r"|platform|business)\b|\b(?:our|the) newest product|\bsoon[ -]to[ -](?:be )?launch"
        r"|\bupcoming (?:product )?launch"
        r"|\bexpand(?:s|ing)? (?:beyond [^.;\n]{0,40} into|into new product)\b"
        r"|\bas we [^.;\n]{0,40}\bintroduce new,? (?:\w+ )?products\b"
        rf"|\b(?:we are|we['’]re) (?:now |currently )?introducing\b|\b{_ITS} emerging products\b",
    ),
    _pattern(
        Type.MIGRATION,
        "migrat|moving|transition|moderni|replac|replatform|re-platform|rearchitect|re-architect"
        "|rewrit|legacy|move|shift",
        r"\b(?:migrat(?:e|ing|ion)|moving|transition(?:ing)?)\b (?:\w+ ){0,5}(?:from|to|off|onto"
        r"|into|towards?)\b[^.;\n]{0,50}\b(?:cloud|aws|azure|gcp|google cloud|kubernetes"
        r"|micro-?services|s/4 ?hana|snowflake|databricks|typescript|kotlin|coroutines"
        r"|new platform|new system|new architecture|orchestration)\b"
        r"|\b(?:we(?:'|’)re|we are|is|are) (?:\w+ )?(?:moving|migrating) (?:away )?from (?:a |an "
        rf"|our |the )?{_NAME} to (?:a |an )?{_NAME}"
        rf"|\b{_ITS} (?:\w+ )?(?:move|migration|transition|shift) (?:away )?(?:from|off|to|towards?"
        r"|onto|into)\b[^.;\n]{0,50}\b(?:cloud|architecture|monolith|kubernetes|micro-?services"
        r"|event[ -]driven|warehouse|lakehouse|platform|tooling|storage|IFRS)\b"
        r"|\b(?:lead|drive|driving|own|owning|architect(?:ing)?) (?:the |our )(?!customer|client)"
        r"(?:[\w-]+ ){1,3}migration\b"
        r"|\b(?:evolving |moving |transition |migration |journey: )(?:away )?from (?:a |our |the )?"
        r"legacy\b"
        r"|\b(?:moderni[sz](?:e|ing)|replac(?:e|ing)|re-?platform(?:ing)?|re-?architect(?:ing)?"
        r"|rewrit(?:e|ing))\b (?:our |the |a )?(?:\w+ ){0,2}(?:legacy|monolith|existing (?:systems?"
        r"|platform|infrastructure|stack))\b|\bcloud migration\b",
    ),
    _pattern(
        Type.SCALING,
        "growing|rapid growth|explosive growth|exponential growth|upcoming growth|continued growth"
        "|phase of growth|to grow|grows|we grow|scaling|scales|scale our|to scale|expands"
        "|expand our|expanding|expansion|pivotal|double|triple|as we scale|x growth| grew |grown"
        "|croissance|wachs|crecimiento",
        r"\b(?:fast|rapidly|quickly|ever)[ -](?:growing|scaling|expanding) (?:\w+ ){0,2}(?:team"
        r"|company|organi[sz]ation|startup|scale-?up)\b|\b(?:explosive|rapid|exponential"
        r"|upcoming|our (?:continued|next phase of)) growth\b"
        r"|\b(?:we(?:'|’)re|we are|is|as we|are) (?:\w+ )?(?:growing|scaling|expanding) (?:our "
        r"|the |its )?(?:\w+ ){0,3}(?:team|teams|organi[sz]ation|headcount|workforce)\b"
        r"|\b(?:growing|expanding) (?:our|the) (?:\w+ ){0,3}teams?\b"
        r"|\bour growing (?:\w+ ){0,2}team\b|\ba (?:quickly |rapidly )?growing (?:\w+ ){0,2}"
        r"(?:team|organi[sz]ation)\b"
        r"|\bas the (?:\w+ )?(?:team|company|business) (?:grows|scales|expands)\b"
        r"|\bas we (?:scale|grow|expand) our (?:team|company|production|operations?|workforce)\b"
        r"|\bteam is (?:\w+ )?(?:growing|expanding|scaling)|\bwe(?:'|’)re (?:growing"
        rf"|scaling) (?:fast|quickly|rapidly)|\b(?:as (?:it|we|the team|the company|{_NAME})|team"
        r"|company|business|we) continues? to (?:scale|grow)\b(?! (?:its|our|the)\b)"
        r"|\b(?:growing|scaling) (?:fast|rapidly|quickly)\b|\b(?:double|triple) (?:our"
        r"|the) (?:\w+ ){0,2}(?:team|headcount|size)\b"
        r"|\bplan(?:s|ning)? to scale\b|\brapid expansion\b|\btoujours en croissance\b"
        r"|\bpivotal (?:moment|time|stage|point) (?:in|of) [^.;\n]{0,30}\bgrowth\b"
        r"|\bas we scale,|\b\d+x growth\b|\b(?:grew|grown) (?:by )?(?:over |more than )?\d+(?:x|%)"
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
        "ai-| ai |llm|l'ia|l’ia|d'ia|d’ia|genai|generative|coding|mit ki|agentic|ai,|ai.",
        r"\b(?:build|ship|launch|develop|creat)(?:ing|e)? AI[ -](?:powered|driven|native"
        r"|enabled|augmented|assisted)\b[^.;\n]{0,40}\b(?:features?|functionality|products?|tools?"
        r"|workflows?|experiences?|automation)\b"
        r"|\b(?:us(?:e|es|ing|age of|er of)|leverag\w+|adopt\w*|embrac\w+|integrat\w+"
        r"|appl(?:y|ying)|embed\w*|comfort\w*|familiar\w*|experience|proficien\w+|fluen\w+"
        r"|hands-on|with|into)"
        rf" (?:or building )?(?:(?!build|deploy|develop|design)[\w-]+,? ){{0,3}}{_AI_TOOLS}"
        r"|\b(?:us(?:e|es|ing)|leverag(?:e|es|ing)|adopt(?:ing)?|embrac(?:e|ing)|apply(?:ing)?"
        rf"|embed(?:ding)?|(?:the|orchestrated) use of) (?:and \w+ )?{_AI} "
        r"(?:and automation )?(?:to|in|into|across|every day|daily|through)\b"
        r"|\bAI[ -](?:assisted|powered|augmented|native) (?:development|engineering|coding"
        r"|workflows?|processes)\b|\bput AI to work\b|\bAI a core part of (?:its|our|the)\b"
        r"|\bagentic coding tools\b"
        rf"|\bintegrat(?:e|ing) (?:the )?{_AI} (?:applications?|technolog\w+|models?"
        rf"|capabilit\w+)\b"
        r"|\bAI fluency\b"
        r"|\bAI[ -](?:first|native|forward) (?:\w+ )?(?:mindset|mentality|approach|culture"
        r"|environment|team|way|leadership|designer|engineer|marketer|operator|builder)\b"
        r"|\bAI \w+ and \w+ tools\b"
        r"|\bassistants? (?:de )?coding\b|\b(?:outils?|workflows?|assistants?) d['’]IA\b"
        r"|\busage (?:des|de l['’]) ?(?:LLMs?|IA)\b|\bAI coding\b"
        r"|\bavec (?:un|des) LLMs?\b|\bpromot\w+ de l['’]IA\b"
        r"|\bgrâce à l['’]IA\b|\bmit KI-",
        asked_of_person=True,
    ),
    _pattern(
        Type.RESTRUCTURING,
        "restructur|reorgani|carve|merger",
        r"\b(?:restructur(?:e|ing) (?:of|our|the)|reorgani[sz](?:ation|ing) (?:of|our|the)"
        r"|(?:the|a|our|this) carve[ -]?out|post[ -]merger integration)\b",
    ),
    _pattern(
        Type.FUNDING,
        "series|rais|fund",
        r"\b(?:since|after) (?:closing|raising) (?:a|our) [$€£]\s?\d[^.;\n]{0,30}\bseries [A-H]\b|"
        r"\b(?:recent(?:ly)?|just|newly|fresh)\b[^.;\n]{0,40}\b(?:raised|closed (?:our|a|an) "
        r"|secured|series [A-H]\b|fundrais\w+|funding)|\b(?:raised|announced) (?:a |an |our "
        r"|over )?[$€£]\s?\d[\d.,]*\s?(?:[mb]|million|billion)\b[^.;\n]{0,30}\bseries [A-H]\b",
    ),
)
_OTHERS = (
    r"(?:users|businesses|customers|clients|companies|merchants|enterprises|developers|providers"
    r"|brands|sellers|startups|organi[sz]ations)"
)
_OF_OTHERS = re.compile(
    rf"\b(?:help|enabl|empower|allow|let)\w* (?:[\w-]+ ){{0,3}}{_OTHERS}\b[^.;]*$"
    rf"|\b{_OTHERS} (?:(?:to|can|who|that|as they) )?(?:\w+ly )?$"
    r"|\bmakes? it (?:easy|easier|possible)\b[^.;]*$",
    re.IGNORECASE,
)
"""What the employer's customers do, with its help or without, is no initiative of its own."""
_BEFORE_CHARACTERS = 120
_HIRING = re.compile(
    r"\b(?:application process|your application|interview|(?<!ideal )(?<!right )(?<!successful )"
    r"candidates?|applicants?)\b",
    re.IGNORECASE,
)
_HIRING_STEMS = ("application", "interview", "candidate", "applicant")
_ASKED = (Section.REQUIRED, Section.PREFERRED)
_LINE_CHARACTERS = 2000


def find_initiatives(lines: list[Line]) -> list[tuple[Type, int, int]]:
    """Return each initiative stated, with the span of its words in the text; one of each type."""
    found: dict[Type, tuple[Type, int, int]] = {}
    for line in lines:
        if line.is_heading or line.section is Section.PROCESS:
            continue
        for kind, start, end in _stated(line.text, line.section in _ASKED):
            found.setdefault(kind, (kind, line.start + start, line.start + end))
    return list(found.values())


@read_once
def _stated(line: str, is_asked: bool) -> tuple[tuple[Type, int, int], ...]:
    """Return what a line states, and where; nothing where it speaks of the hiring.

    `is_asked` tells what a person shall have: their past is no initiative of the employer.
    """
    words = line[:_LINE_CHARACTERS]
    likely = {index for _, indexes in _stems(is_asked).iter(words.lower()) for index in indexes}
    if not likely or _speaks_of_hiring(words):
        return ()
    return tuple(
        (pattern.type, *match.span())
        for pattern in (_PATTERNS[index] for index in sorted(likely))
        for match in islice(_own(pattern.words, words), 1)
    )


def _speaks_of_hiring(words: str) -> bool:
    return holds_any(words.lower(), _HIRING_STEMS) and _HIRING.search(words) is not None


def _own(pattern: re.Pattern[str], words: str) -> Iterator[re.Match[str]]:
    """Find what the employer says of itself."""
    for match in pattern.finditer(words):
        start = match.start()
        if not _OF_OTHERS.search(words[max(0, start - _BEFORE_CHARACTERS) : start]):
            yield match


@cache
def _stems(is_asked: bool) -> ahocorasick.Automaton:
    """Return what finds the indexes of the patterns that may match, in what is asked or else."""
    indexes: dict[str, list[int]] = {}
    for index, pattern in enumerate(_PATTERNS):
        if pattern.asked_of_person or not is_asked:
            for stem in pattern.stems:
                indexes.setdefault(stem, []).append(index)
    automaton = ahocorasick.Automaton()
    for stem, where in indexes.items():
        automaton.add_word(stem, tuple(where))
    automaton.make_automaton()
    return automaton
