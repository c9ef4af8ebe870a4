"""The requests in the hands of one crawler process, and how each of them ended.

Scrapy says neither when a request is over nor how: a request that was handed out and is no longer
among the engine's requests in progress is over, on every path. Its outcome is what was noted about
it meanwhile; nothing noted is no success.
"""

from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass

from scrapy import Request

from openfunnel.queue.leases import Job, Lease

LEASE = "lease"
"""In `request.meta`: the key of the lease."""
COUNTED = ("redirect_times", "retry_times")
"""What Scrapy counts in `request.meta`."""
OWN_META = (LEASE, "fence", "attempts")
"""What the frontier puts into `request.meta` of a request it hands out."""


@dataclass
class Hand:
    """A leased request."""

    lease: Lease
    request: Request
    sent: bool = False
    """Handed to Scrapy."""
    done: bool = False
    """Its outcome is committed."""
    error: str = ""
    """Why it has none."""
    ours: bool = False
    """The trouble is our own: PostgreSQL or Redis is away, which says nothing about the request."""
    successor: Job | None = None
    """What it redirects to, or is retried as: under the same lease."""
    is_retried: bool = False
    """Its successor asks for the same again."""

    def is_followed_by(self, request: Request) -> bool:
        """Whether `request` is its redirect or retry.

        Spiders pass `meta` on to other requests too: only these two count up in it.
        """
        return any(_counts_up(self.request, request, times) for times in COUNTED)

    def follow(self, request: Request, job: Job) -> None:
        """Let its redirect or retry, written as `job`, take its place."""
        self.successor = job
        self.is_retried = _counts_up(self.request, request, "retry_times")


class Hands:
    """Leased requests by the key of their lease; those not yet sent stand in line."""

    def __init__(self) -> None:
        self._hands: dict[str, Hand] = {}
        self._line: deque[Hand] = deque()

    def __len__(self) -> int:
        return len(self._hands)

    @property
    def unsent(self) -> int:
        """How many stand in line."""
        return len(self._line)

    @property
    def leases(self) -> list[Lease]:
        """All leases held."""
        return [hand.lease for hand in self._hands.values()]

    @property
    def unsent_leases(self) -> list[Lease]:
        """Leases of those in line."""
        return [hand.lease for hand in self._line]

    def add(self, lease: Lease, request: Request) -> None:
        """Put a request in line."""
        request.meta.update(
            {LEASE: lease.job.key, "fence": lease.token, "attempts": lease.attempts}
        )
        hand = Hand(lease, request)
        self._hands[lease.job.key] = hand
        self._line.append(hand)

    def send(self) -> Request | None:
        """Hand out the next request in line."""
        if not self._line:
            return None
        hand = self._line.popleft()
        hand.sent = True
        return hand.request

    def confirm(self, key: str, fence: int) -> None:
        """Note that the outcome of a request is committed."""
        if (hand := self._find(key, fence)) is not None:
            hand.done = True

    def blame(self, key: str, fence: int, error: str, *, ours: bool = False) -> None:
        """Note why a request has no outcome, or none yet."""
        if (hand := self._find(key, fence)) is not None:
            hand.error, hand.ours = error, ours

    def by_host(self, in_the_air: Collection[Request]) -> Mapping[str, int]:
        """How many of each host are asked for, or about to be."""
        return Counter(
            hand.lease.job.host or ""
            for hand in self._hands.values()
            if not hand.sent or hand.request in in_the_air
        )

    def parent_of(self, request: Request) -> Hand | None:
        """The leased request whose `meta` this one was given; None where none is in hand."""
        return self._find(request.meta.get(LEASE), request.meta.get("fence"))

    def finished(self, in_progress: Callable[[Request], bool]) -> list[Hand]:
        """Requests that are over. They stay until `forget` is told that their lease is ended."""
        return [
            hand for hand in self._hands.values() if hand.sent and not in_progress(hand.request)
        ]

    def forget(self, leases: Iterable[Lease]) -> None:
        """Drop these; what is noted about them from now on is nobody's."""
        for lease in leases:
            if self._find(lease.job.key, lease.token) is not None:
                del self._hands[lease.job.key]

    def lose(self, leases: Iterable[Lease]) -> None:
        """Drop leases somebody else may hold by now, and do not send what stands in line."""
        lost = list(leases)
        self.forget(lost)
        gone = {(lease.job.key, lease.token) for lease in lost}
        self._line = deque(
            hand for hand in self._line if (hand.lease.job.key, hand.lease.token) not in gone
        )

    def _find(self, key: object, fence: object) -> Hand | None:
        hand = self._hands.get(key) if isinstance(key, str) else None
        return hand if hand is not None and hand.lease.token == fence else None


def is_successor(request: Request) -> bool:
    """Whether a request is a redirect or a retry of one that was leased."""
    return LEASE in request.meta and any(request.meta.get(one) for one in COUNTED)


def _counts_up(before: Request, after: Request, times: str) -> bool:
    return int(after.meta.get(times, 0)) > int(before.meta.get(times, 0))
