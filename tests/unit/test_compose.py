"""docker-compose.yml, Dockerfile and .env.example agree with the code they start."""

import re
import shlex
import subprocess
from typing import Any

import pytest
import typer.main
import yaml

from openfunnel.cli.app import app
from openfunnel.settings import PROJECT_ROOT, SOURCE_URL, Settings
from openfunnel.sources import SOURCES

COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT_ROOT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: one for name, one in SERVICES.items() if one["image"] == "openfunnel"}
TEXT = (PROJECT_ROOT / "docker-compose.yml").read_text("utf-8")
DOCKERFILE = [
    line.split(maxsplit=1)
    for line in (PROJECT_ROOT / "Dockerfile").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
EXAMPLE = (PROJECT_ROOT / ".env.example").read_text("utf-8")

OTHERS = re.compile(r"POSTGRES_\w+|OLLAMA_\w+|REDISCLI_AUTH")
REQUIRED = set(re.findall(r"\$\{(\w+):\?", TEXT))
OPTIONAL = set(re.findall(r"\$\{(\w+):-", TEXT))


def own_variables() -> set[str]:
    prefix = Settings.model_config.get("env_prefix", "")
    return {
        str(field.validation_alias or f"{prefix}{name}".upper())
        for name, field in Settings.model_fields.items()
    }


def parses(command: list[str]) -> None:
    """Take the command line apart as `openfunnel` would, without running it."""
    found: Any = typer.main.get_command(app)
    words = command[1:]
    while hasattr(found, "commands"):
        found = found.commands[words.pop(0)]
    found.make_context(found.name, words)


@pytest.mark.parametrize("name", OURS)
def test_a_service_runs_a_command_that_exists(name: str) -> None:
    command = OURS[name]["command"]
    if command[0] == "openfunnel":
        parses(command)
    else:
        assert command[:2] == ["scrapy", "crawl"]
        assert command[2] in SOURCES
        assert len(command) == 3


@pytest.mark.parametrize(
    "command", [["openfunnel", "nonsense"], ["openfunnel", "api", "--nonsense"]], ids=str
)
def test_a_command_that_does_not_exist_would_be_found_out(command: list[str]) -> None:
    with pytest.raises(Exception, match="nonsense"):
        parses(command)


def test_every_source_has_a_crawler_and_every_role_a_service() -> None:
    commands = [" ".join(one["command"][:3]) for one in OURS.values()]

    assert {f"scrapy crawl {source}" for source in SOURCES} <= set(commands)
    for role in ("migrate", "extract", "reap", "schedule"):
        assert f"openfunnel {role}" in commands
    assert any(command.startswith("openfunnel api") for command in commands)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_sets_variables_that_somebody_reads(name: str) -> None:
    for variable in SERVICES[name].get("environment", {}):
        known = variable in own_variables() or SOURCE_URL.fullmatch(variable)
        assert known if name in OURS else OTHERS.fullmatch(variable), variable


def test_every_setting_of_the_operators_reaches_our_services() -> None:
    of_developers = {"OPENFUNNEL_HOME", "OPENFUNNEL_FRONTIER", "OPENFUNNEL_SOURCE_URLS"}

    for service in OURS.values():
        assert own_variables() - of_developers <= service["environment"].keys()


@pytest.mark.parametrize(
    ("extractor", "url", "pulled"),
    [
        ("auto", "", ["small", "large", "tiny"]),
        ("ollama", "http://gpu:8000/v1", ["small", "large", "tiny"]),
        ("auto", "http://gpu:8000/v1", []),
        ("openai", "http://gpu:8000/v1", []),
        ("rules", "", []),
    ],
)
def test_the_models_that_ollama_is_asked_for_are_pulled(
    extractor: str, url: str, pulled: list[str]
) -> None:
    service = SERVICES["ollama-pull"]
    script, *arguments = (word.replace("$$", "$") for word in service["command"])
    chosen = {
        "EXTRACTOR": extractor,
        "OPENAI_URL": url,
        "MODEL": "small",
        "MODEL_LARGE": "large",
        "TRIAGE_MODEL": "tiny",
    }
    values = [chosen[re.findall(r"\$\{OPENFUNNEL_(\w+):-", one)[0]] for one in arguments]

    told = subprocess.run(
        [*service["entrypoint"], f"ollama() {{ echo $*; }}\n{script}", *values],
        capture_output=True,
        text=True,
        check=True,
    )

    assert told.stdout.split() == [word for model in pulled for word in ("pull", model)]


def test_a_model_that_cannot_be_pulled_is_noticed_and_one_that_is_not_set_is_not_pulled() -> None:
    script = SERVICES["ollama-pull"]["command"][0].replace("$$", "$")
    failing = f"ollama() {{ echo $2; [ $2 = good ]; }}\n{script}"

    told = [
        subprocess.run(["sh", "-c", failing, "auto", "", *models], capture_output=True, text=True)
        for models in (("good", "bad", "good"), ("good", "", ""))
    ]

    assert [(one.returncode, one.stdout.split()) for one in told] == [
        (1, ["good", "bad"]),
        (0, ["good"]),
    ]


@pytest.mark.parametrize("name", OURS)
def test_a_service_has_its_servers_and_waits_for_them(name: str) -> None:
    assert {"DATABASE_URL", "REDIS_URL"} <= OURS[name]["environment"].keys()
    assert "postgres" in OURS[name]["depends_on"] or "migrate" in OURS[name]["depends_on"]


def test_services_wait_for_services_that_exist() -> None:
    for service in SERVICES.values():
        for other, condition in service.get("depends_on", {}).items():
            assert other in SERVICES
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]


def test_volumes_that_are_used_are_declared() -> None:
    used = {volume.split(":")[0] for one in SERVICES.values() for volume in one.get("volumes", ())}

    assert used == COMPOSE["volumes"].keys()


def test_no_password_has_a_default() -> None:
    secrets = {name for name in REQUIRED | OPTIONAL if re.search("PASSWORD|KEY|AUTH|SECRET", name)}
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD", "OPENFUNNEL_ADMIN_KEYS"} <= REQUIRED
    for name in secrets & OPTIONAL:
        assert f"${{{name}:-}}" in TEXT
    for url in re.findall(r"\w+://[^@\s]*:([^@\s]*(?:\{[^}]*\})?)@", TEXT):
        assert url.startswith("${")
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|KEYS|AUTH", name):
                assert str(value).startswith("${")


def test_the_example_names_every_variable_and_fills_in_no_secret() -> None:
    given = dict(re.findall(r"^(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert given == dict.fromkeys(REQUIRED, "")

    offered = dict(re.findall(r"^#(\w+)=(.*)$", EXAMPLE, re.MULTILINE))
    assert offered.keys() == OPTIONAL
    for name, default in offered.items():
        assert f"${{{name}:-{default}}}" in TEXT


def test_the_defaults_are_those_of_the_program() -> None:
    program = Settings.load(environ={})

    for name, default in re.findall(r"^#OPENFUNNEL_(\w+)=(.+)$", EXAMPLE, re.MULTILINE):
        setting = name.lower()
        given = Settings.load(environ={}, **{setting: default})
        assert getattr(given, setting) == getattr(program, setting)


def test_nothing_but_the_api_listens_outside_and_it_only_to_this_machine() -> None:
    published = {name: one["ports"] for name, one in SERVICES.items() if "ports" in one}

    assert published == {"api": ["127.0.0.1:8000:8000"]}


def test_the_image_holds_what_runs_and_runs_it_as_nobody_special() -> None:
    words = [word for word, _ in DOCKERFILE]
    assert words[0] == "FROM"

    users = [rest for word, rest in DOCKERFILE if word == "USER"]
    assert users[-1:] == ["openfunnel"]
    assert words.index("USER") > max(i for i, word in enumerate(words) if word == "RUN")

    copied = {name for word, rest in DOCKERFILE if word == "COPY" for name in rest.split()[:-1]}
    for name in copied:
        assert (PROJECT_ROOT / name).exists(), name
    assert {"openfunnel", "spiders", "pipelines", "api", "scrapy.cfg"} <= copied


def test_the_image_answers_with_its_help() -> None:
    (command,) = (rest for word, rest in DOCKERFILE if word == "CMD")

    assert shlex.split(command.strip("[]").replace(",", " ")) == ["openfunnel", "--help"]


def test_the_image_has_a_supported_python() -> None:
    ((_, image),) = (line for line in DOCKERFILE if line[0] == "FROM")

    assert re.fullmatch(r"python:3\.1[12]-slim(-\w+)?", image)
