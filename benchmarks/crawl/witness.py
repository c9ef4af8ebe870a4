"""The server that is crawled, as the benchmark sees it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx

from benchmarks.crawl.server import ADDRESS, Exchange


class Witness:
    """Gives the server orders, and asks what it saw."""

    def __init__(self, port_file: Path) -> None:
        ports = json.loads(port_file.read_text("ascii"))
        self.hosts = tuple(f"{ADDRESS}:{port}" for port in ports)
        self._client = httpx.Client(base_url=f"http://{self.hosts[0]}/control")

    def exchanges(self) -> list[Exchange]:
        """Requests answered since the last clearing, in the order in which they came."""
        rows = sorted(self._order("log"))
        return [Exchange(*row) for row in rows]

    def answered(self, host: int) -> int:
        """How many of them this host answered."""
        return int(self._order("count")[host])

    def clear(self) -> None:
        """Forget the requests up to now."""
        self._order("clear")

    def send_validators(self, on: bool) -> None:
        """Send ETags from now on, or none."""
        self._order("validators", on=int(on))

    def refuse_next(self, host: int, retry_after_seconds: int) -> None:
        """Answer the next request to this host with 429."""
        self._order("refuse", host=host, seconds=retry_after_seconds)

    def _order(self, name: str, **parameters: int) -> Any:
        return self._client.get(f"/{name}", params=parameters).raise_for_status().json()


def span_seconds(exchanges: Sequence[Exchange]) -> float:
    """From the first request to the last answer."""
    return max(one.answered for one in exchanges) - exchanges[0].received
