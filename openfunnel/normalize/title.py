"""Titles in one form, whatever they were typed with, for the rules of role and seniority."""

from functools import lru_cache

from openfunnel.normalize.lookalikes import fold_lookalikes
from openfunnel.normalize.text import fold

LONGEST_TITLE = 300
"""Characters read of a title; what is longer is no title."""
REMEMBERED_TITLES = 4_096
_JOINTS = str.maketrans({"’": "'", "_": " "})


def fold_title(title: str) -> str:
    """Return `title` folded (lower case, no accents, no look-alikes), `_` taken as a space."""
    return _folded(title[:LONGEST_TITLE])


@lru_cache(REMEMBERED_TITLES)
def _folded(title: str) -> str:
    return fold(fold_lookalikes(title)).translate(_JOINTS)
