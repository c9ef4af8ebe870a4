"""The crawl, measured from outside: by the log of the server that is crawled.

- `uneven`: how fast answers of very different latency are fetched, beside plain Scrapy and stock
  scrapy-redis.
- `bulk`: how fast a whole world reaches the store, and what the same world costs the second time.
- `rate`: whether several crawlers together keep to one host's rate, and leave other hosts alone.

Each part's own docstring says what is timed. The boards are invented by the sandbox's generator and
served by `benchmarks.crawl.server`, a process of its own that costs little and keeps the log.
"""

from collections.abc import Callable

from benchmarks.crawl import bulk, rate, uneven

PARTS: dict[str, Callable[[int], None]] = {
    "uneven": uneven.run,
    "bulk": bulk.run,
    "rate": rate.run,
}


def run(runs: int, only: str | None) -> None:
    """Measure all parts, or one, and print."""
    for name in (only,) if only else PARTS:
        PARTS[name](runs)
