"""The function of the person hired, from the title and, where it says nothing, the department.

The words are data. `titles/role_function.tsv` is an ordered list in which the first line that fits
wins; the part of a title before a comma, dash or bracket (`Engineering Manager, Sales Tools`) is
read first. `titles/vague_words.tsv` is asked last: a `Consultant, Tax` works in finance, and so
does a consultant of the department Finance.
"""

import re
from collections.abc import Sequence
from functools import cache, lru_cache
from importlib.resources import files
from itertools import groupby

from openfunnel.normalize.title import REMEMBERED_TITLES, fold_title
from openfunnel.records import RoleFunction

_GENDER_NOTE = re.compile(r"\((?:[mfwdxhntguvi*]\s*[/|,]\s*){1,3}[a-z*]+\)|\b[hf]/[fh]\b|\bm/w/d\b")
_HEAD_END = re.compile(r"\s[-–—|:@]\s|,|(?<!\w)\(|\[|\s/\s|;")
_MOST_DEPARTMENTS = 10

_Rules = tuple[tuple[RoleFunction, re.Pattern[str]], ...]


def title_role(title: str, departments: Sequence[str] = ()) -> RoleFunction:
    """Return the function that `title` names, else that of the departments, else `other`.

    The first 300 characters of each and ten departments are read.
    """
    folded = _GENDER_NOTE.sub(" ", fold_title(title)).strip()
    head = _HEAD_END.split(folded, maxsplit=1)[0]
    names = [fold_title(name) for name in departments[:_MOST_DEPARTMENTS]]
    phrases = tuple(dict.fromkeys((head, folded, *names)))
    for table in ("role_function.tsv", "vague_words.tsv"):
        for phrase in phrases:
            if role := _first(phrase, table):
                return role
    return RoleFunction.OTHER


@lru_cache(REMEMBERED_TITLES)
def _first(phrase: str, table: str) -> RoleFunction | None:
    for role, pattern in _rules(table):
        if pattern.search(phrase):
            return role
    return None


@cache
def _rules(table: str) -> _Rules:
    """Return the rules in order; neighbouring lines of one function make one expression."""
    rows = [
        line.split("\t", 1)
        for line in (files(__package__) / "titles" / table).read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    return tuple(
        (RoleFunction(role), re.compile("|".join(pattern for _, pattern in group)))
        for role, group in groupby(rows, key=lambda row: row[0])
    )
