"""The commands that people and scripts rely on are there, with their options."""

import re
import subprocess
import sys
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from openfunnel.cli.app import app
from openfunnel.settings import PROJECT_ROOT

ROOT = typer.main.get_command(app)

COMMANDS = {
    "up": {"--crawlers", "--extractors", "--host", "--port"},
    "api": {"--host", "--port"},
    "extract": {"--concurrency", "--drain"},
    "reap": {"--once"},
    "schedule": {"--once"},
    "crawl": {"--file", "--all", "--due", "--wait"},
    "seed": {"--ats", "--limit"},
    "status": {"--json", "--watch"},
    "replay": {"--extractor", "--where", "--limit", "--dry-run", "--anew", "--concurrency"},
    "cost": {"--postings", "--price-in", "--price-out", "--tokens-in", "--tokens-out"}
    | {"--seconds", "--calls", "--cached", "--triaged", "--slots"},
    "eval": {"--extractor", "--json", "--errors", "--predictions"},
    "skills candidates": {"--limit", "--json"},
    "skills add": {"--category", "--alias"},
    "dlq list": {"--kind", "--reason", "--limit", "--json"},
    "dlq show": set(),
    "dlq retry": {"--all", "--kind", "--reason"},
    "dlq drop": {"--all", "--kind", "--reason"},
    "services start": set(),
    "services stop": set(),
    "services env": set(),
    "migrate": set(),
    "sandbox": {"--replay", "--boards", "--postings", "--faults", "--host", "--port"}
    | {"--robots", "--revision"},
    "demo": {"--once", "--boards", "--postings", "--port"},
}


def find(name: str) -> Any:
    command: Any = ROOT
    for word in name.split():
        command = command.commands[word]
    return command


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize(("name", "options"), COMMANDS.items(), ids=COMMANDS)
def test_a_command_has_its_options(name: str, options: set[str]) -> None:
    shown = run(*name.split(), "--help")

    assert options <= set(re.findall(r"--[a-z-]+", shown))


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    command = find(name)

    assert command.help
    for parameter in command.params:
        assert getattr(parameter, "help", None), parameter.name


def test_crawl_takes_any_number_of_boards() -> None:
    (targets,) = (one for one in find("crawl").params if one.name == "targets")

    assert targets.nargs == -1
    assert not targets.required


def test_servers_listen_on_this_machine_alone_unless_told_otherwise() -> None:
    for name in ("up", "api", "sandbox"):
        (host,) = (one for one in find(name).params if one.name == "host")
        assert host.default == "127.0.0.1"


def test_the_overview_names_every_command() -> None:
    shown = run("--help")

    for name in COMMANDS:
        assert re.search(rf"^  {name.split()[0]} ", shown, re.MULTILINE)


@pytest.mark.parametrize(
    "command",
    [
        "nonsense",
        "crawl",
        "crawl --nonsense",
        "crawl --file /nonexistent",
        "extract --concurrency many",
        "extract --concurrency 0",
        "seed --limit 0",
        "api --port 70000",
        "sandbox --replay /nonexistent",
        "demo --boards 0",
        "services nonsense",
        "replay --limit 0",
        "replay --extractor nonsense",
        "replay --where nonsense=1",
        "cost",
        "cost --postings 0",
        "cost --postings 1 --cached 2",
        "eval",
        "eval /nonexistent",
        "eval . --extractor nonsense",
        "eval . --predictions /nonexistent/predictions.json",
        "dlq list --kind nonsense",
        "dlq show nonsense",
        "dlq retry",
        "dlq drop 1 --all",
        "dlq drop 1 --reason blocked",
        "dlq retry 0",
        f"dlq show {2**63}",
        "sandbox --robots /nonexistent",
    ],
)
def test_wrong_usage_is_2(command: str) -> None:
    result = CliRunner().invoke(app, command.split())

    assert result.exit_code == 2
    assert "Usage: " in result.stderr


def test_help_loads_nothing_heavy() -> None:
    heavy = ("sqlalchemy", "scrapy", "fastapi", "uvicorn", "redis", "twisted", "ahocorasick")
    program = (
        "import sys\n"
        "from openfunnel.cli.app import app\n"
        "try:\n    app(['--help'])\n"
        "except SystemExit:\n    pass\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stderr.strip() == "[]"
