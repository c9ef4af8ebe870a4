"""Names that an operator adds to the taxonomy."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from openfunnel.errors import InvalidTaxonomy, UnfitEntry
from openfunnel.normalize import taxonomy
from openfunnel.normalize.taxonomy import Alias, additions


def test_an_addition_is_read_as_it_was_given(tmp_path: Path) -> None:
    additions.add(tmp_path, "Frobnicator", "database", ["frob  base", "FROB"])
    additions.add(tmp_path, "eel farming", "skill", ["eel breeding"])

    technology, skill = taxonomy.read(tmp_path)

    assert (technology.slug, technology.category) == ("frobnicator", "database")
    assert technology.aliases == (
        Alias("Frobnicator", exact=True),
        Alias("frob base"),
        Alias("FROB", exact=True),
    )
    assert (skill.name, skill.is_skill) == ("eel farming", True)
    assert skill.aliases == (Alias("eel farming"), Alias("eel breeding"))


@pytest.mark.parametrize(
    ("name", "aliases", "category"),
    [
        ("Frobnicator", [], "kettles"),
        ("postgres", [], "database"),
        ("Frobnicator", ["Postgres"], "database"),
        ("F", [], "language"),
        ("a|b", [], "database"),
        ("=Frob", [], "database"),
        ("# Frob", [], "database"),
        ("...", [], "database"),
        ("", [], "database"),
        ("Frob\x1b[31m", [], "database"),
        ("F" * 101, [], "database"),
    ],
)
def test_what_is_known_or_no_name_is_refused(
    tmp_path: Path, name: str, aliases: list[str], category: str
) -> None:
    with pytest.raises(UnfitEntry):
        additions.add(tmp_path, name, category, aliases)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_adds_nothing(tmp_path: Path) -> None:
    assert list(taxonomy.read(tmp_path / "nowhere")) == []


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills" / "mine.tsv").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidTaxonomy, match=r"mine\.tsv cannot be read"):
        list(taxonomy.read(tmp_path))


def test_a_later_process_knows_what_was_added(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "openfunnel", "skills", "add", *arguments],
            env={**os.environ, "OPENFUNNEL_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            check=False,
        )

    added = run("Frobnicator", "--category", "database", "--alias", "frobni")
    again = run("frobni", "--category", "crm")

    assert (added.returncode, added.stderr) == (0, "")
    assert str(tmp_path / "taxonomy" / "technologies" / "database.tsv") in added.stdout
    assert again.returncode == 1
    assert again.stderr == (
        "openfunnel: The taxonomy does not take frobni: it has it as Frobnicator (database).\n"
    )
