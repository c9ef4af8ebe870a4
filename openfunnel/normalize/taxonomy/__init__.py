"""The taxonomy of technologies and skills: data files beside this loader, one file a category,
and those that an operator keeps in a folder of the same layout.

A file is tab-separated: `name`, `aliases`, `context`, `maker`; trailing empty columns may be left
out, lines that begin with `#` are comments.

- `name`: the canonical name; the slug is derived from it.
- `aliases`: other spellings, separated by `|`. The name itself is matched too, unless it is
  repeated here with marks. Marks stand before an alias: `=` its letter case counts, `?` the word
  is ambiguous and counts only in context. `?=Go` has both.
- `context`: words, separated by `|`, of which one must begin a word near an ambiguous alias. An
  alias beside another technology in a list (`Go, Rust and Java`) needs no word. A line
  `# context: ...` gives the words of all rows without their own.
- `maker`: who makes it; postings of the maker itself do not count it.

Case and hyphens are folded (`real-time` is `real time`), plurals and British spellings of skills
are understood. The file `stop_phrases.tsv` holds phrases that look like a name and are none (`go to
market`).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from openfunnel.errors import InvalidTaxonomy
from openfunnel.normalize.text import fold

SKILL = "skill"
"""Category of every entry under `skills/`; technologies have the name of their file."""


@dataclass(frozen=True, slots=True)
class Alias:
    """A spelling of an entry and when it counts."""

    text: str
    exact: bool = False
    """Letter case counts."""
    ambiguous: bool = False
    """Counts only beside a context word or another technology."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A technology or a skill."""

    name: str
    slug: str
    category: str
    aliases: tuple[Alias, ...]
    """Every spelling that is matched, the name included."""
    context: tuple[str, ...] = ()
    maker: str = ""

    @property
    def is_skill(self) -> bool:
        """True for skills, False for technologies."""
        return self.category == SKILL


def slug_of(name: str) -> str:
    """Return the slug of a canonical name: `C++` is `c-plus-plus`, `.NET` is `dot-net`."""
    spelled = fold(name).replace("+", " plus ").replace("#", " sharp ").replace("&", " and ")
    spelled = re.sub(r"(?<!\w)\.(?=\w)", "dot ", spelled)
    return re.sub(r"[^\w]+", "-", spelled).strip("-_") or "unnamed"


_included: list[Path] = []


def include(folder: Path) -> None:
    """Have the entries of a folder of this layout, too, if there is one.

    To be called when a process starts, before anything is looked up: what others have built of the
    entries stays as it is.
    """
    if folder not in _included and folder.is_dir():
        _included.append(folder)
        entries.cache_clear()


@cache
def entries() -> tuple[Entry, ...]:
    """Return the whole taxonomy: what is shipped, then what is included and not shipped.

    Raises:
        InvalidTaxonomy: a file of an included folder cannot be read.
    """
    known = {entry.slug: entry for entry in read(files(__name__))}
    for folder in _included:
        for entry in read(folder):
            known.setdefault(entry.slug, entry)
    return tuple(known.values())


def read(folder: Traversable) -> Iterator[Entry]:
    """Yield the entries of a folder, technologies first, in the order of file names and lines.

    Raises:
        InvalidTaxonomy: a file cannot be read.
    """
    for kind, category in (("technologies", None), ("skills", SKILL)):
        for file in _tsv_files(folder / kind):
            yield from _read(file, category or file.name.removesuffix(".tsv"))


@cache
def stop_phrases() -> tuple[str, ...]:
    """Return the phrases that look like a name and are none."""
    lines = (files(__name__) / "stop_phrases.tsv").read_text("utf-8").splitlines()
    return tuple(line.strip() for line in lines if line.strip() and not line.startswith("#"))


def _tsv_files(folder: Traversable) -> list[Traversable]:
    inside = folder.iterdir() if folder.is_dir() else ()
    found = [file for file in inside if file.name.endswith(".tsv")]
    return sorted(found, key=lambda file: file.name)


def _read(file: Traversable, category: str) -> Iterator[Entry]:
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidTaxonomy(path=file, problem=error) from None
    default_context: tuple[str, ...] = ()
    for line in lines:
        if line.startswith("# context:"):
            default_context = _split(line.removeprefix("# context:"))
        elif line.strip() and not line.startswith("#"):
            name, aliases, context, maker, *_ = [*line.split("\t"), "", "", ""]
            name = " ".join(name.split())
            yield Entry(
                name=name,
                slug=slug_of(name),
                category=category,
                aliases=_aliases(name, aliases),
                context=_split(context) or default_context,
                maker=maker.strip(),
            )


def _aliases(name: str, column: str) -> tuple[Alias, ...]:
    given = tuple(
        Alias(text=part.lstrip("?="), exact="=" in part[:2], ambiguous=part.startswith("?"))
        for part in _split(column)
    )
    repeated = any(alias.text.casefold() == name.casefold() for alias in given)
    return given if repeated else (Alias(text=name), *given)


def _split(column: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in column.split("|") if part.strip())
