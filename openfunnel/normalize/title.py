"""Titles in one form, whatever they were typed with, for the rules of role and seniority."""

from openfunnel.normalize.lines import read_once
from openfunnel.normalize.lookalikes import fold_lookalikes
from openfunnel.normalize.text import fold

LONGEST_TITLE = 300
"""Characters read of a title; what is longer is no title."""
_JOINTS = str.maketrans({"’": "'", "_": " "})


@read_once
def fold_title(title: str) -> str:
    """Return `title` folded (lower case, no accents, no look-alikes), `_` taken as a space."""
    return fold(fold_lookalikes(title[:LONGEST_TITLE])).translate(_JOINTS)
