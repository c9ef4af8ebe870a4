"""The function of the person hired, from the title and, where it says nothing, the department.

The words are data: `titles/role_function.tsv`, an ordered list in which the first line that fits
wins. The part of a title before a comma, dash or bracket (`Engineering Manager, Sales Tools`) is
read first.
"""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby

from openfunnel.normalize.text import fold
from openfunnel.records import RoleFunction

_GENDER_NOTE = re.compile(
    r"\((?:[mfwdxhntguvi*]\s*[/|,]\s*){1,3}[a-z*]+\)|\b[hf]/[fh]\b"
    r"|\bm/w/d\b"
)
_HEAD_END = re.compile(r"\s[-–—|:@]\s|,|\(|\[|\s/\s|;")
_TITLE_CHARACTERS = 300


def title_role(title: str, departments: Sequence[str] = ()) -> RoleFunction:
    """Return the function that `title` names, else that of the departments, else `other`."""
    folded = _GENDER_NOTE.sub(" ", fold(title[:_TITLE_CHARACTERS]).replace("’", "'")).strip()
    head = _HEAD_END.split(folded, maxsplit=1)[0]
    for words in (head, folded, *(fold(name[:_TITLE_CHARACTERS]) for name in departments)):
        for role, pattern in _rules():
            if pattern.search(words):
                return role
    return RoleFunction.OTHER


@cache
def _rules() -> tuple[tuple[RoleFunction, re.Pattern[str]], ...]:
    """Return the rules in order; neighbouring lines of one function make one expression."""
    table = files(__package__) / "titles" / "role_function.tsv"
    rows = [
        line.split("\t", 1)
        for line in table.read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    return tuple(
        (RoleFunction(role), re.compile("|".join(pattern for _, pattern in group)))
        for role, group in groupby(rows, key=lambda row: row[0])
    )
