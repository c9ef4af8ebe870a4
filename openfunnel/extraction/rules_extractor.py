"""The rules behind the extractor protocol."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from openfunnel.extraction import rules
from openfunnel.records import ExtractionResult, PostingText


class RulesExtractor:
    """Runs the deterministic rules in one thread of its own.

    They are pure Python: a second thread would not make them faster, and on the event loop's own
    thread a long posting would hold up the heartbeat that keeps the leases.
    """

    name = "rules"
    model: str | None = None

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="rules")

    async def extract(self, posting: PostingText) -> ExtractionResult:
        """Return the fields that the rules find."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, _extract, posting)

    async def check(self) -> None:
        """Rules are always at hand."""

    async def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _extract(posting: PostingText) -> ExtractionResult:
    started = time.perf_counter()
    extraction = rules.extract(posting)
    return ExtractionResult(
        extraction=extraction,
        extractor="rules",
        prompt_version=rules.RULES_VERSION,
        duration_ms=round((time.perf_counter() - started) * 1000),
    )
