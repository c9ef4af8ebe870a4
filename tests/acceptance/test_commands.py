"""Commands as users type them: what they print, and how they end."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from openfunnel import services
from openfunnel.records import BoardRef
from openfunnel.sandbox import ollama
from openfunnel.sandbox.boards import GeneratedWorld
from openfunnel.sandbox.serve import running
from openfunnel.sandbox.world import BoardAnswer, pack
from openfunnel.settings import PROJECT_ROOT, Settings
from openfunnel.sources import SOURCES

from .stage import PATIENCE_SECONDS, Stage

SECRET = "hunter2"
NOBODY = "127.0.0.1:1"
"""Where nothing listens."""

WORLD = GeneratedWorld(boards=4, postings=40)
GREENHOUSE = next(ref for ref in WORLD.boards() if ref.ats == "greenhouse")

Ended = subprocess.CompletedProcess[str]


def run(stage: Stage, command: str, **environment: str) -> Ended:
    """Run `openfunnel ...` or `scrapy ...` to its end."""
    return subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=PROJECT_ROOT,
        env={**stage.environment, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )


def run_all(stage: Stage, commands: Sequence[str], **environment: str) -> list[Ended]:
    """Run commands side by side."""
    with ThreadPoolExecutor(3) as pool:
        return list(pool.map(lambda command: run(stage, command, **environment), commands))


def assert_one_line(ended: Ended, *words: str) -> None:
    """It failed, and said why in one line that tells no secret."""
    shown = f"{' '.join(ended.args)}\n{ended.stdout}{ended.stderr}"
    assert ended.returncode == 1, shown
    lines = ended.stderr.splitlines()
    said = [line for line in lines if line.startswith("openfunnel: ")]
    assert len(said) == 1, shown
    if "scrapy" in ended.args:  # its own log goes there too, but there is nothing to worry about
        assert lines[-1] == said[0], shown
        assert not any(word in ended.stderr for word in ("ERROR", "CRITICAL", "WARNING")), shown
    else:
        assert lines == said, shown
    for word in words:
        assert word in said[0], shown
    assert "Traceback" not in shown
    assert SECRET not in shown


# --- what is not there --------------------------------------------------------------------------

ALL = (
    "openfunnel extract",
    "openfunnel api",
    "openfunnel reap",
    "openfunnel crawl greenhouse:acme",
    "openfunnel status",
    "scrapy crawl greenhouse",
)


def test_without_its_database_every_command_says_so(stage: Stage) -> None:
    url = f"postgresql://me:{SECRET}@{NOBODY}/funnel"

    for ended in run_all(stage, (*ALL, "openfunnel migrate"), DATABASE_URL=url):
        assert_one_line(ended, "PostgreSQL does not answer", "me:***@", "DATABASE_URL")


def test_without_its_redis_every_command_says_so(stage: Stage) -> None:
    url = f"redis://me:{SECRET}@{NOBODY}/0"

    for ended in run_all(stage, ALL, REDIS_URL=url):
        assert_one_line(ended, "Redis does not answer", "me:***@", "REDIS_URL")


def test_a_bad_setting_is_named_by_every_command(stage: Stage) -> None:
    for ended in run_all(stage, ALL, OPENFUNNEL_LEASE_SECONDS="never"):
        assert_one_line(ended, "OPENFUNNEL_LEASE_SECONDS")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "nonsense"),
        ("DATABASE_URL", f"postgresql://me:{SECRET}@[/x"),
        ("DATABASE_URL", f"host=/nil password={SECRET}"),
        ("DATABASE_URL", f"postgresql:///x?host=/nil&password={SECRET}"),
        ("REDIS_URL", f"redis://{NOBODY}?password={SECRET}"),
        ("REDIS_URL", "redis://127.0.0.1?foo=1"),
        ("OLLAMA_HOST", "127.0.0.1:99999"),
        ("OPENFUNNEL_API_KEYS", " , "),
        ("OPENFUNNEL_GREENHOUSE_URL", "nonsense"),
        ("REDIS_URL", f"http://me:{SECRET}@{NOBODY}"),
        ("REDIS_URL", f"redis://me:{SECRET}@{NOBODY}:x"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(stage: Stage, name: str, value: str) -> None:
    assert_one_line(run(stage, "openfunnel status", **{name: value}), name)


def test_without_ollama_an_extractor_that_needs_it_says_so(stage: Stage) -> None:
    ended = run(
        stage,
        "openfunnel extract --drain",
        OPENFUNNEL_EXTRACTOR="ollama",
        OPENFUNNEL_MODEL="small:1b",
        OLLAMA_HOST=f"http://{NOBODY}",
    )

    assert_one_line(ended, NOBODY, "small:1b", "ollama serve")


def test_an_ollama_without_the_model_is_told_apart(stage: Stage) -> None:
    with running(WORLD, ollama=ollama.router(models=("other:1b",))) as sandbox:
        ended = run(
            stage,
            "openfunnel extract --drain",
            OPENFUNNEL_EXTRACTOR="ollama",
            OPENFUNNEL_MODEL="small:1b",
            OLLAMA_HOST=sandbox,
        )

    assert_one_line(ended, sandbox, "small:1b", "ollama pull small:1b")


def test_without_ollama_the_rules_stand_in_and_that_is_said(stage: Stage) -> None:
    ended = run(
        stage,
        "openfunnel extract --drain",
        OPENFUNNEL_EXTRACTOR="auto",
        OLLAMA_HOST=f"http://{NOBODY}",
    )

    assert ended.returncode == 0
    assert ended.stderr.splitlines() == [f"rules: no Ollama at http://{NOBODY}"]


def test_a_port_that_is_taken_is_named(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        commands = [f"openfunnel {name} --port {port}" for name in ("sandbox", "demo", "api", "up")]
        for ended in run_all(stage, commands):
            assert_one_line(ended, f"127.0.0.1:{port}", "another port")


# --- usage --------------------------------------------------------------------------------------


def test_wrong_usage_is_told_apart_from_failure(stage: Stage) -> None:
    commands = (
        "openfunnel nonsense",
        "openfunnel crawl",
        "openfunnel seed --ats nonsense",
        "openfunnel extract --concurrency many",
    )
    for ended in run_all(stage, commands):
        assert ended.returncode == 2, ended.args
        assert "Usage: " in ended.stderr
        assert "Traceback" not in ended.stderr
        assert ended.stdout == ""


@pytest.mark.parametrize(
    ("arguments", "word"),
    [("board -a source=nonsense", "nonsense"), ("greenhouse -a idle=soon", "soon")],
)
def test_a_crawler_refuses_arguments_that_make_no_sense(
    stage: Stage, arguments: str, word: str
) -> None:
    assert_one_line(run(stage, f"scrapy crawl {arguments}"), word)


# --- crawling -----------------------------------------------------------------------------------


def test_a_board_is_crawled_while_one_waits(stage: Stage) -> None:
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        ended = stage.run("crawl", str(GREENHOUSE), "--wait")

    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("Queued: 1 boards\n")
    assert stage.rows("SELECT token, failure FROM boards") == [(GREENHOUSE.token, None)]
    assert stage.count("SELECT count(*) FROM job_postings WHERE status = 'fetched'") > 0


def test_a_board_that_nobody_knows_fails_the_wait_and_is_named(stage: Stage) -> None:
    with running(WORLD) as sandbox:
        stage.face(sandbox)
        ended = stage.run("crawl", "greenhouse:nobody-knows-me", "--wait")

    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert "greenhouse:nobody-knows-me" in line
    assert "404" in line


def test_nonsense_is_named_and_the_rest_is_queued(stage: Stage) -> None:
    ended = stage.run("crawl", "nonsense", "greenhouse:acme", "https://careers.example.com/jobs")

    assert ended.returncode == 1
    assert ended.stdout == "Queued: 1 boards\n"
    first, second = ended.stderr.splitlines()
    assert "'nonsense'" in first
    assert "careers.example.com" in second
    assert stage.rows("SELECT token FROM boards") == [("acme",)]


def test_boards_are_read_from_a_file(stage: Stage, tmp_path: Path) -> None:
    listed = tmp_path / "boards.txt"
    listed.write_text("greenhouse:acme\n\n  https://jobs.lever.co/coil \n", "utf-8")

    assert stage.run("crawl", "--file", str(listed)).returncode == 0
    assert stage.rows("SELECT token FROM boards ORDER BY token") == [("acme",), ("coil",)]


def test_a_file_that_is_no_text_is_named(stage: Stage, tmp_path: Path) -> None:
    listed = tmp_path / "boards.bin"
    listed.write_bytes(b"\xff\xfe\x00\n")

    ended = stage.run("crawl", "--file", str(listed))

    assert ended.returncode == 2
    assert "boards.bin is not UTF-8 text" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_seeding_takes_as_many_boards_as_it_is_told(stage: Stage) -> None:
    ended = stage.run("seed", "--limit", "3")

    assert ended.returncode == 0
    assert ended.stdout.startswith("Queued: 3 boards")
    assert stage.count("SELECT count(*) FROM boards WHERE queued_at IS NOT NULL") == 3
    with stage.redis() as client:
        pushed = [client.llen(f"{source}:start_urls") for source in SOURCES]
    assert sum(pushed) == 3


# --- looking ------------------------------------------------------------------------------------


class Novel:
    """A world whose boards say something nobody has heard of."""

    def boards(self) -> Sequence[BoardRef]:
        return WORLD.boards()

    def answer(self, ref: BoardRef) -> BoardAnswer | None:
        answer = WORLD.answer(ref)
        if answer is None or ref.ats != "greenhouse":
            return answer
        body = json.loads(answer.body)
        for job in body["jobs"]:
            job["mood"] = "sunny"
        return pack(ref, json.dumps(body).encode())


def test_the_status_is_json_for_programs(stage: Stage) -> None:
    # Given a crawl that met unknown fields, a refused entry, and postings that wait
    with running(Novel()) as sandbox:
        stage.face(sandbox)
        stage.push("greenhouse", "a b", GREENHOUSE.token)
        stage.wait_for(stage.scrapy("crawl", "greenhouse", "-a", "idle=0.5"))
    postings = stage.count("SELECT count(*) FROM job_postings")
    answer = WORLD.answer(GREENHOUSE)
    assert answer is not None
    entries = len(json.loads(answer.body)["jobs"])  # the talent pool's too
    stage.push("lever", "coil")

    # When the status is asked for
    ended = stage.run("status", "--json")

    # Then every part is there
    assert ended.returncode == 0
    assert ended.stderr == ""
    status: dict[str, Any] = json.loads(ended.stdout)
    assert status["funnel"] == {
        "boards": {"total": 1, "queued": 0, "failed": 0, "not_found": 0},
        "postings": {"discovered": 0, "fetched": postings, "extracted": 0, "failed": 0},
        "closed": 0,
        "dead_letters": {"entry": 1},
        "extractors": {},
    }
    assert status["fetched_per_second"] >= 0
    assert status["extracted_per_second"] == 0
    idle = {"ready": 0, "delayed": 0, "in_flight": 0, "dead": 0, "oldest_lease_seconds": 0}
    assert status["crawl"] == dict.fromkeys(SOURCES, idle) | {"lever": idle | {"ready": 1}}
    assert status["extraction"] == idle | {"ready": postings}
    assert status["workers"] == []
    assert status["refused_entries"] == {"greenhouse": 1}
    unknown = {path: n for path, n in status["unknown_fields"].items() if "mood" in path}
    assert unknown == {"greenhouse jobs[].mood": entries}


def test_the_status_for_people_fits_a_terminal(stage: Stage) -> None:
    ended = stage.run("status", COLUMNS="100")

    assert ended.returncode == 0
    assert ended.stderr == ""
    headings = "Boards", "Postings", "Dead letters", "Queues", "crawl greenhouse", "extraction"
    for heading in (*headings, "Nobody is at work"):
        assert heading in ended.stdout
    assert all(len(line) <= 100 for line in ended.stdout.splitlines())


# --- servers of one's own, and everything at once -----------------------------------------------


@pytest.fixture
def own_home() -> Iterator[Path]:
    """A folder of this test alone, short enough for a socket's path."""
    folder = Path(tempfile.mkdtemp(prefix="of-"))
    yield folder
    services.stop(Settings.load(environ={}, home=folder))
    shutil.rmtree(folder)


def processes_of(home: Path) -> list[str]:
    """Command lines of the processes that were started with this home, or work on its data."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended, or is somebody else's
            continue
        if str(home).encode() in told and words != [b""]:
            found.append(b" ".join(words).decode("utf-8", "replace"))
    return found


def test_services_and_demo_in_a_home_of_their_own(stage: Stage, own_home: Path) -> None:
    stage.environment["OPENFUNNEL_HOME"] = str(own_home)
    for name in ("DATABASE_URL", "REDIS_URL", "OPENFUNNEL_EXTRACTOR", "OPENFUNNEL_HOST_RATE"):
        del stage.environment[name]

    # The addresses of the embedded servers, one a line
    shown = stage.run("services", "env")
    assert shown.returncode == 0, shown.stderr
    database, redis = shown.stdout.splitlines()
    assert database.startswith("DATABASE_URL=postgresql://")
    assert redis.startswith("REDIS_URL=unix://")
    assert str(own_home) in database + redis

    # Stopping leaves nothing, twice
    assert stage.run("services", "stop").stdout == "Stopped: PostgreSQL, Redis\n"
    assert processes_of(own_home) == []
    assert stage.run("services", "stop").stdout == "Nothing was running\n"

    # The demo starts everything, shows what it got, and stops what it started
    port = str(_free_port())
    ended = stage.run("demo", "--once", "--boards", "4", "--postings", "40", "--port", port)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stderr == ""
    assert "4 boards crawled, 40 postings extracted" in ended.stdout
    for line in ("Most asked for: ", "Who hires data engineers", "Next"):
        assert line in ended.stdout
    assert processes_of(own_home) == []


def test_given_servers_are_shown_as_they_are(stage: Stage) -> None:
    ended = stage.run("services", "env")

    assert ended.stdout.splitlines() == [
        f"DATABASE_URL={stage.database_url}",
        f"REDIS_URL={stage.redis_url}",
    ]


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
