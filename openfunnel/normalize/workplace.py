"""How the work is done, from the words of an ATS field or of a title; never a guess from a city."""

import re

from openfunnel.records import Workplace

LONGEST_FIELD = 2_000
"""Characters read of an ATS field; what is longer is no field."""

REMOTE_WORDS = re.compile(
    r"\b(?:(?:100\s?%|fully|full|partially)[ -])?remote(?:ly|s)?"
    r"(?:[ -](?:first|friendly|eligible|only|ok|optional|possible|based|position|role|work))?\b"
    r"|\b(?:home[ -]?(?:based|office)|work(?:ing)?[ -]?(?:from|@|at)[ -]?home|wfh|virtual"
    r"|telecommut\w{1,5}|distributed|t[ée]l[ée]travail|remoto|teletrabajo|à distance|zdalnie)\b",
    re.IGNORECASE,
)
HYBRID_WORDS = re.compile(r"\b(?:hybrid\w{0,2}|h[íi]brid[oa])\b", re.IGNORECASE)
ONSITE_WORDS = re.compile(
    r"\b(?:on[ _-]?site|in[ _-]?office|in[ _-]?person|office[ -]based|sur site)\b"
    r"|\bvor ort\b|\bpresencial\b",
    re.IGNORECASE,
)
_NO_REMOTE = re.compile(r"\b(?:no|not|non)[ -]+(?:an?\s)?remote\w*", re.IGNORECASE)
_REMOTE_OR_HYBRID = re.compile(
    r"remote\s*(?:[/,|;]|or)\s*hybrid|hybrid\)?\s*(?:[/,|;]|or)\s*remote", re.IGNORECASE
)
_WORKED_ON = re.compile(
    r"\bdistributed\s+\w"
    r"|\bvirtual\s+(?:reality|machine|desktop|design|production|network|infrastructure|private|asset"
    r"|card|currenc|world|event|prototyp|vehicle|power|product|platform|goods|econom|memory|engine"
    r"|construction|system|environment|experience|learning|meeting)"
    r"|\bremote\s+(?:sens|access|monitor|operat|control|desktop|site|pilot|diagnos|assist|guidance"
    r"|vehicle|proctor|tower|hands|patient|work[fp]|support|deposit)"
    r"|\bhybrid\s+(?:cloud|it\b|develop|mobile|app|vehicle|infrastr|integrat|data|engine|electric"
    r"|power|aircraft|system|search|threat|identit|retail|casual)"
    r"|\b(?:on-?site|in[ -]person)\s+(?:payment|experience|search|merchandis|energy|solar|power)",
    re.IGNORECASE,
)
"""What a title names as the matter of the work: `Distributed Systems`, `Remote Sensing`."""


def workplace(words: str) -> Workplace | None:
    """Return the workplace that an ATS field (`OnSite`) or a location (`Remote - US`) names.

    Remote and hybrid side by side as a choice is remote, in any other way hybrid.
    """
    words = words[:LONGEST_FIELD]
    if _NO_REMOTE.search(words):
        return Workplace.HYBRID if HYBRID_WORDS.search(words) else Workplace.ONSITE
    remote = REMOTE_WORDS.search(words) is not None
    if HYBRID_WORDS.search(words):
        return Workplace.REMOTE if _REMOTE_OR_HYBRID.search(words) else Workplace.HYBRID
    if remote:
        return Workplace.REMOTE
    return Workplace.ONSITE if ONSITE_WORDS.search(words) else None


def title_workplace(title: str) -> Workplace | None:
    """Return the workplace that a title names, as in `Accountant (Remote)`."""
    return workplace(_WORKED_ON.sub(" ", title[:LONGEST_FIELD]))
