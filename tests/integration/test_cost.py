"""What `openfunnel cost` shows of what is stored."""

from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from openfunnel.cli.app import app
from openfunnel.cli.cost import MOST
from openfunnel.store.database import Database
from openfunnel.store.usage import UsageRow, add_usage


def test_a_models_name_is_shown_as_it_is(database_url: str) -> None:
    use = UsageRow(None, "lever", "small[awq] [/x]", 3, 0, 300, 20, 1.5)
    with Database(database_url) as database, database.begin() as session:
        add_usage(session, [use], datetime(2026, 3, 1, tzinfo=UTC))

    shown = CliRunner().invoke(app, ["cost", "--postings", "9"], env={"DATABASE_URL": database_url})

    assert shown.exit_code == 0, shown.output
    assert "Measured over 3 calls of small[awq] [/x]:" in shown.output


@pytest.mark.parametrize(
    "options",
    [
        ("--price-in", "inf", "--triaged", "1"),
        ("--tokens-in", "1e308", "--calls", "1e308", "--price-in", "1"),
        ("--seconds", "nan"),
        ("--slots", "1" + "0" * 400),
        ("--postings", "1" + "0" * 400),
    ],
    ids=lambda options: options[0],
)
def test_a_number_beyond_sense_is_a_usage_error(options: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(app, ["cost", "--postings", "9", *options])

    assert shown.exit_code == 2
    assert options[0] in shown.stderr


def test_the_greatest_numbers_there_may_be_are_projected(database_url: str) -> None:
    names = "postings", "price-in", "price-out", "tokens-in", "tokens-out", "seconds", "calls"
    most = [word for name in names for word in (f"--{name}", str(MOST))]

    shown = CliRunner().invoke(app, ["cost", *most], env={"DATABASE_URL": database_url})

    assert shown.exit_code == 0, shown.output
