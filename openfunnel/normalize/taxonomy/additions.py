"""What an operator adds to the taxonomy: files of its layout in a folder of their own.

They stay when the package is replaced by a later one, whose own entries win.
"""

import re
from collections.abc import Sequence
from pathlib import Path

from openfunnel.errors import UnfitEntry
from openfunnel.normalize import taxonomy
from openfunnel.normalize.skills import resolve

_UNFIT = re.compile(r"\||^[#=?]|^\W*$|^.?$")
"""What the files could not hold, or what would be found everywhere."""
_LONGEST = 100
"""Characters of a name."""


def add(folder: Path, name: str, category: str, aliases: Sequence[str] = ()) -> Path:
    """Write an entry to the additions in `folder` and return its file.

    Of a technology of one word with a capital letter, letter case counts (`Plain` is no `plain`).

    Raises:
        UnfitEntry: the category does not exist, or a name is known, or cannot be one.
    """
    categories = {entry.category for entry in taxonomy.entries()}
    if category not in categories:
        problem = f"{category} is none of its categories: {', '.join(sorted(categories))}"
        raise UnfitEntry(name=name, problem=problem)
    spellings = list(dict.fromkeys(" ".join(one.split()) for one in (name, *aliases)))
    for spelling in spellings:
        _check(spelling)
    is_skill = category == taxonomy.SKILL
    marked = [one if is_skill else _marked(one) for one in spellings]
    given = marked if marked[0] != spellings[0] else marked[1:]
    row = "\t".join(filter(None, (spellings[0], "|".join(given))))
    kind, stem = ("skills", "additions") if is_skill else ("technologies", category)
    file = folder / kind / f"{stem}.tsv"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as additions:
        additions.write(f"{row}\n")
    return file


def _check(spelling: str) -> None:
    if len(spelling) > _LONGEST or not spelling.isprintable() or _UNFIT.search(spelling):
        raise UnfitEntry(name=spelling[:_LONGEST], problem="no name is written so")
    known = resolve(spelling)
    if known is not None:
        raise UnfitEntry(name=spelling, problem=f"it has it as {known.name} ({known.category})")


def _marked(spelling: str) -> str:
    return f"={spelling}" if " " not in spelling and spelling != spelling.lower() else spelling
