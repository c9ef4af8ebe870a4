"""What `openfunnel cost` shows of what is stored."""

from datetime import UTC, datetime

from typer.testing import CliRunner

from openfunnel.cli.app import app
from openfunnel.store.database import Database
from openfunnel.store.usage import UsageRow, add_usage


def test_a_models_name_is_shown_as_it_is(database_url: str) -> None:
    use = UsageRow(None, "lever", "small[awq] [/x]", 3, 0, 300, 20, 1.5)
    with Database(database_url) as database, database.begin() as session:
        add_usage(session, [use], datetime(2026, 3, 1, tzinfo=UTC))

    shown = CliRunner().invoke(app, ["cost", "--postings", "9"], env={"DATABASE_URL": database_url})

    assert shown.exit_code == 0, shown.output
    assert "Measured over 3 calls of small[awq] [/x]:" in shown.output
