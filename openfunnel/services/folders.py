"""Folders of the embedded servers: who may enter them, where their sockets are, who starts them."""

import hashlib
import os
import pwd
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from openfunnel.errors import SetupError

SOCKET_BYTES: Final = 100
"""Longest socket path to rely on; Linux takes 107 bytes, macOS 103."""

TEMPORARY: Final = Path("/tmp")  # noqa: S108
"""Not `tempfile.gettempdir()`: every process has to find the same one, whatever its TMPDIR."""

ACCOUNT: Final = "pgserver"
"""System user PostgreSQL runs as where we are root, which it refuses."""


@contextmanager
def only_process(home: Path, service: str) -> Iterator[None]:
    """Hold the folder's lock of `service`; it goes with its holder, however that ends.

    Raises:
        SetupError: the folder cannot be made or written to.
    """
    from filelock import FileLock  # seldom needed, and slow to import

    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with FileLock(home / f"{service}.lock"):
            yield
    except OSError as error:
        raise SetupError(detail=f"the folder {home} cannot be used ({error})") from error


def socket_folder(folder: Path) -> Path:
    """Where the sockets of a server are: its own folder, or where that is too long a path or has
    characters that would need quoting in a URL, one named after it in the temporary folder.

    Raises:
        SetupError: somebody else made the latter before us, and could listen there in our place.
    """
    longest = folder / ".s.PGSQL.5432.lock"
    if len(os.fsencode(longest)) <= SOCKET_BYTES and re.fullmatch(r"[\w./+-]+", str(folder), re.A):
        return folder
    name = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    elsewhere = TEMPORARY / f"openfunnel-{os.geteuid()}-{name}"
    if elsewhere.is_symlink() or (elsewhere.exists() and not _is_ours(elsewhere)):
        raise SetupError(detail=f"the folder {elsewhere} belongs to somebody else")
    return elsewhere


def forget_sockets(folder: Path) -> None:
    """Remove what a server that has stopped leaves behind in the temporary folder."""
    elsewhere = socket_folder(folder)
    if elsewhere != folder and elsewhere.exists():
        shutil.rmtree(elsewhere)


def _is_ours(path: Path) -> bool:
    owner = path.stat().st_uid
    return owner == os.geteuid() or (os.geteuid() == 0 and path.owner() == ACCOUNT)


def make_private(folder: Path, account: pwd.struct_passwd | None) -> None:
    """Make a folder that nobody but its owner can enter."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    give(folder, account)


def give(path: Path, account: pwd.struct_passwd | None) -> None:
    """Make `account` the owner; None changes nothing."""
    if account is not None:
        os.chown(path, account.pw_uid, account.pw_gid)


def let_pass(path: Path) -> None:
    """Let other users pass through (not list) the parents of `path`, as PostgreSQL has to."""
    for parent in path.parents:
        mode = parent.stat().st_mode
        if not mode & stat.S_IXOTH:
            parent.chmod(mode | stat.S_IXOTH)


def let_read(tree: Path) -> None:
    """Let other users read programs that were installed under a strict umask."""
    if tree.stat().st_mode & stat.S_IXOTH:
        return
    for path in (tree, *tree.rglob("*")):
        mode = path.stat().st_mode
        run = stat.S_IXOTH if mode & stat.S_IXUSR else 0
        path.chmod(mode | stat.S_IROTH | run)


def last_line(log: Path) -> str:
    """Return the last thing a server said, for an error."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    except FileNotFoundError:
        return "it wrote no log"
    return next((line.strip() for line in reversed(lines) if line.strip()), "it wrote no reason")
