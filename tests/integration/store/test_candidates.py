import json
from datetime import datetime
from pathlib import Path

from typer.testing import CliRunner

from openfunnel.cli.app import app
from openfunnel.records import Evidence, SkillMention, Stance, ValueSource
from openfunnel.store.candidates import list_candidates
from openfunnel.store.database import Database


def mention(name: str, slug: str, category: str, source: ValueSource) -> SkillMention:
    return SkillMention(
        name=name,
        slug=slug,
        category=category,
        stance=Stance.USED,
        evidence=Evidence(text=f"with {name}"),
        source=source,
    )


def test_names_that_only_models_know_are_listed_by_their_postings(store, now: datetime) -> None:
    saved = store.save(*(store.posting(number) for number in (1, 2, 3))).awaiting
    frob = mention("Frobnicator", "frobnicator", "other", ValueSource.LLM)
    eels = mention("eel farming", "eel-farming", "skill", ValueSource.LLM)
    unlisted = [
        mention("PostgreSQL", "postgresql", "database", ValueSource.LLM),
        mention("golang", "golang", "other", ValueSource.LLM),  # known since, as an alias
        mention("Rulefound", "rulefound", "other", ValueSource.RULES),
    ]
    store.extract(saved[0], technologies=[*unlisted, frob])
    store.extract(saved[1], technologies=[frob], skills=[eels])
    store.extract(saved[2], technologies=unlisted)

    found = list_candidates(store.session, 10)

    assert [(one.name, one.category, one.postings) for one in found] == [
        ("Frobnicator", "other", 2),
        ("eel farming", "skill", 1),
    ]
    assert found[0].example_id == min(saved[:2])
    assert found[1].evidence == "with eel farming"
    assert list_candidates(store.session, 1) == found[:1]


def test_without_extractions_there_are_no_candidates(store) -> None:
    assert list_candidates(store.session, 10) == []


def test_the_command_shows_candidates_to_people_and_to_programs(
    database: Database, database_url: str, store_on, tmp_path: Path
) -> None:
    def run(*options: str) -> str:
        environment = {"DATABASE_URL": database_url, "OPENFUNNEL_HOME": str(tmp_path)}
        result = CliRunner().invoke(app, ["skills", "candidates", *options], env=environment)
        assert result.exit_code == 0, result.output
        return result.output

    assert run() == "No candidates\n"
    with database.begin() as session:
        store = store_on(session)
        (posting_id,) = store.save(store.posting()).awaiting
        named = mention("Frob\x1b[31m", "frob-31m", "other", ValueSource.LLM)
        store.extract(posting_id, technologies=[named])

    assert json.loads(run("--json")) == [
        {
            "name": "Frob\x1b[31m",
            "slug": "frob-31m",
            "category": "other",
            "postings": 1,
            "example_id": posting_id,
            "evidence": "with Frob\x1b[31m",
        }
    ]
    assert "\x1b" not in run()
    assert "Frob\N{REPLACEMENT CHARACTER}[31m" in run()
