"""A world of recorded answers: `<ats>/<token>.json.gz` below one folder, served byte for byte."""

import gzip
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from openfunnel.errors import InvalidReplay
from openfunnel.records import BoardRef
from openfunnel.sandbox.world import BoardAnswer, entity_tag

SUFFIX = ".json.gz"


class ReplayWorld:
    """The recorded boards of a folder; `lever_eu/` holds those of Lever's EU host.

    Raises:
        InvalidReplay: the folder holds no recorded board.
    """

    def __init__(self, folder: Path) -> None:
        self._files = {_ref(file): file for file in sorted(folder.glob(f"*/*{SUFFIX}"))}
        if not self._files:
            raise InvalidReplay(folder=folder)
        self._read = lru_cache(maxsize=64)(self._read_file)

    def boards(self) -> tuple[BoardRef, ...]:
        """Every recorded board, by ATS and token."""
        return tuple(self._files)

    def answer(self, ref: BoardRef) -> BoardAnswer | None:
        """Return the recorded answer as it is, or None."""
        return self._read(ref) if ref in self._files else None

    def _read_file(self, ref: BoardRef) -> BoardAnswer:
        file = self._files[ref]
        gzipped = file.read_bytes()
        modified = datetime.fromtimestamp(int(file.stat().st_mtime), UTC)
        return BoardAnswer(ref, gzipped, entity_tag(gzip.decompress(gzipped)), modified)


def _ref(file: Path) -> BoardRef:
    ats, _, region = file.parent.name.partition("_")
    return BoardRef(ats=ats, region=region, token=file.name.removesuffix(SUFFIX))
