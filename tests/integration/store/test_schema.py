import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta

import psycopg
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from openfunnel.errors import DatabaseUnavailable, SchemaOutdated
from openfunnel.settings import PROJECT_ROOT, Settings
from openfunnel.store import schema
from openfunnel.store.database import Database, open_database
from openfunnel.store.model_answers import KnownAnswer, find_answers
from openfunnel.store.models import Base
from openfunnel.store.queries import get_extraction


def test_models_and_migrations_agree(database: Database) -> None:
    with database.begin() as session:
        options = {"version_table": schema.VERSION_TABLE, "compare_server_default": True}
        context = MigrationContext.configure(session.connection(), opts=options)

        assert compare_metadata(context, Base.metadata) == []


def test_the_head_is_the_last_revision_there_is() -> None:
    scripts = ScriptDirectory.from_config(schema.alembic_config())

    assert scripts.get_heads() == [schema.HEAD]


def test_several_processes_may_migrate_an_empty_database_at_once(empty_database_url: str) -> None:
    program = "import sys; from openfunnel.store.schema import migrate; print(migrate(sys.argv[1]))"
    command = [sys.executable, "-W", "ignore", "-c", program, empty_database_url]

    processes = [
        subprocess.Popen(command, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    found = sorted(process.communicate()[0].strip() for process in processes)

    assert [process.returncode for process in processes] == [0, 0, 0, 0]
    assert found == [*[schema.HEAD] * 3, "None"]


def test_boards_of_the_first_version_are_due_a_day_after_their_last_fetch(
    empty_database_url: str,
) -> None:
    with Database(empty_database_url) as database:
        with database.begin() as session:
            command.upgrade(schema.alembic_config(session.connection()), "0001")
            session.execute(
                text("""
                    INSERT INTO boards (ats, region, token, first_seen_at, last_fetched_at) VALUES
                        ('lever', '', 'fetched', now(), '2026-03-01'),
                        ('lever', '', 'unknown', now(), NULL)
                """)
            )
        schema.migrate(empty_database_url)
        with database.begin() as session:
            days = dict(
                session.execute(
                    text("""
                        SELECT token, due_at - coalesce(last_fetched_at, first_seen_at) FROM boards
                    """)
                ).all()
            )

    assert days["fetched"] == timedelta(days=1)
    assert timedelta(days=1) <= days["unknown"] < timedelta(days=1, hours=1)


def test_extractions_of_the_second_version_keep_what_they_say(empty_database_url: str) -> None:
    with Database(empty_database_url) as database:
        with database.begin() as session:
            command.upgrade(schema.alembic_config(session.connection()), "0002")
            session.execute(
                text("""
                    WITH board AS (
                        INSERT INTO boards (ats, region, token, first_seen_at, due_at)
                        VALUES ('lever', '', 'acme', now(), now()) RETURNING id
                    ), posting AS (
                        INSERT INTO job_postings (board_id, external_id, status, canonical_url,
                            canonical_url_hash, title, text, text_checksum, checksum, fields,
                            payload, first_seen_at, fetched_at, listed_at)
                        SELECT id, n, 'extracted', n, n, 'Engineer', '', '', '', '{}', '{}', now(),
                               now(), now()
                        FROM board, unnest(ARRAY['1', '2']) AS n RETURNING id
                    )
                    INSERT INTO extractions (job_posting_id, extractor, prompt_version, tokens_in,
                        tokens_out, duration_ms, dropped, fence, extracted_at, text_checksum,
                        role_function, seniority, place_keys, skill_ids, search, fields)
                    SELECT id, 'ollama', '1', 1, 2, 3, 4 * (row_number() OVER () - 1), 5, now(), '',
                           'it', 'mid', '{}', '{}', '', :fields
                    FROM posting
                """),
                {
                    "fields": """{
                        "role_function": {"value": "it", "source": "llm"},
                        "seniority": {"value": "mid", "source": "llm"}
                    }"""
                },
            )
        assert schema.migrate(empty_database_url) == "0002"
        with database.begin() as session:
            ids = session.scalars(
                text("SELECT job_posting_id FROM extractions ORDER BY dropped")
            ).all()
            whole, lossy = (get_extraction(session, posting_id).result for posting_id in ids)

    assert (whole.dropped, whole.cached, whole.left_out) == (0, False, ())
    assert lossy.refused == {"no_evidence": 4}
    assert (lossy.tokens_out, lossy.confidence, lossy.triage, lossy.failure) == (
        2,
        None,
        None,
        None,
    )


def test_answers_of_the_third_version_are_still_known(
    empty_database_url: str, now: datetime
) -> None:
    with Database(empty_database_url) as database:
        with database.begin() as session:
            command.upgrade(schema.alembic_config(session.connection()), "0003")
            session.execute(
                text("INSERT INTO model_answers VALUES ('key', '{}', 'small', 100, 20, :now)"),
                {"now": now},
            )
        assert schema.migrate(empty_database_url) == "0003"
        with database.begin() as session:
            assert find_answers(session, ["key"], now) == {"key": KnownAnswer("{}", "small")}


def test_an_empty_database_gets_its_schema_when_it_is_opened(empty_database_url: str) -> None:
    settings = Settings.load(environ={}, database_url=empty_database_url)

    with open_database(settings) as database, database.begin() as session:
        assert schema.found_revision(session.connection()) == schema.HEAD


def test_an_older_schema_of_the_operators_own_is_not_touched(
    database_url: str, set_revision: Callable[[str], None]
) -> None:
    set_revision("0000")

    with pytest.raises(SchemaOutdated, match=r"at schema 0000.*openfunnel migrate"):
        open_database(Settings.load(environ={}, database_url=database_url))


def test_a_schema_of_the_future_is_not_migrated(
    database_url: str, set_revision: Callable[[str], None]
) -> None:
    set_revision("9999")

    with pytest.raises(SchemaOutdated, match="at schema 9999"):
        schema.migrate(database_url)


def test_a_migration_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    with psycopg.connect(empty_database_url) as connection:
        connection.execute("CREATE TABLE dead_letters (mine text)")

    with pytest.raises(Exception, match="already exists"):
        schema.migrate(empty_database_url)

    with Database(empty_database_url) as database, database.begin() as session:
        assert schema.found_revision(session.connection()) is None
        assert session.scalar(text("SELECT to_regclass('companies')")) is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://someone:hush@127.0.0.1:1/nowhere",
        "postgresql://someone:hush@/nowhere?host=/no/such/folder",
        "postgresql://someone:hush@127.0.0.1:none/nowhere",
    ],
)
def test_a_server_that_does_not_answer_is_named_without_its_password(url: str) -> None:
    with pytest.raises(DatabaseUnavailable, match="nowhere") as caught:
        open_database(Settings.load(environ={}, database_url=url))

    assert "hush" not in str(caught.value)


def test_a_connection_lost_while_idle_is_replaced(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openfunnel.store.database.IDLE_SECONDS", 0)
    with database.begin() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    database.ping()


def test_a_connection_lost_in_use_is_reported_once(database: Database) -> None:
    with database.begin() as session:
        backend = session.scalar(text("SELECT pg_backend_pid()"))
    with psycopg.connect(database.url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])

    with pytest.raises(DatabaseUnavailable):
        database.ping()
    database.ping()


def test_a_connection_lost_in_a_transaction_is_reported(database: Database) -> None:
    with pytest.raises(DatabaseUnavailable), database.begin() as session:  # noqa: PT012
        backend = session.scalar(text("SELECT pg_backend_pid()"))
        with psycopg.connect(database.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        session.execute(text("SELECT 1"))


def test_times_come_back_in_utc(database: Database) -> None:
    with database.begin() as session:
        moment = session.scalar(text("SELECT timestamptz '2026-03-01 12:00+05'"))

    assert str(moment) == "2026-03-01 07:00:00+00:00"


@pytest.fixture
def set_revision(database_url: str) -> Callable[[str], None]:
    def set_to(revision: str) -> None:
        with psycopg.connect(database_url) as connection:
            statement = f"UPDATE {schema.VERSION_TABLE} SET version_num = %s"
            connection.execute(statement.encode(), [revision])

    return set_to
