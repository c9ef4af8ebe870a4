"""Faults on demand: which request goes wrong, and how; decides, never does it.

A list such as `429:0.1,slow:0.02,cut@acme,404@gone,retry-after=3` holds, separated by commas:

- `NAME:SHARE`: that share of all requests, between 0 and 1;
- `NAME`: every request;
- `NAME@BOARD` or `NAME:SHARE@BOARD`: only requests for that board token (`404:BOARD` as well);
- `NAME@robots.txt`: requests for the hosts' robots.txt, which no other entry befalls;
- `retry-after=SECONDS` (1) and `slow-seconds=SECONDS` (5);
- `validators=off`: no answer has an ETag or Last-Modified, and none is a 304.
"""

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from itertools import count

from openfunnel.errors import InvalidFaults

ROBOTS = "robots.txt"
"""Stands where a board's token does, for the faults of that file."""


class FaultKind(StrEnum):
    """How a request goes wrong."""

    RATE_LIMITED = "429"
    """Too many requests, with Retry-After."""
    SERVER_ERROR = "500"
    """The server failed."""
    NOT_FOUND = "404"
    """No such board."""
    GONE = "gone"
    """410: there was such a board."""
    SLOW = "slow"
    """The right answer, late."""
    CUT = "cut"
    """The connection closes in the middle of the announced body."""
    INVALID = "invalid"
    """A whole answer whose JSON ends too early."""
    EMPTY = "empty"
    """A 200 without a body."""
    SHORT = "short"
    """Valid JSON with half of the jobs that `meta.total` counts; Lever's and Ashby's state no
    count, and are left whole."""
    TOO_LARGE = "too-large"
    """Valid JSON of more than 100 MB, a small body until it is decompressed."""
    REDIRECT = "redirect"
    """302 to another path of the sandbox, which has the right answer."""
    REDIRECT_INSIDE = "redirect-inside"
    """302 to a link-local address: the metadata server of many a cloud."""
    OLLAMA_INVALID = "ollama-invalid"
    """The model answers no JSON."""
    OLLAMA_SCHEMA = "ollama-schema"
    """JSON that breaks the schema, in another way each time."""
    OLLAMA_EVIDENCE = "ollama-evidence"
    """Technologies that nobody knows, and evidence that stands nowhere."""
    OLLAMA_NONSENSE = "ollama-nonsense"
    """Within the schema and beyond sense: numbers, names and characters nobody can store."""
    OLLAMA_UNDONE = "ollama-undone"
    """200 and `done: false`: the model repeated itself and was broken off."""
    OLLAMA_LENGTH = "ollama-length"
    """Half of the JSON, and `done_reason: length`."""
    OLLAMA_THINKING = "ollama-thinking"
    """The right JSON amid the model's thoughts, elsewhere each time."""
    OLLAMA_COUNTS = "ollama-counts"
    """The right answer with counts of tokens that cannot be, or none."""
    OLLAMA_BUSY = "ollama-busy"
    """503, the queue is full."""
    OLLAMA_MISSING = "ollama-missing"
    """404, the model is not pulled."""
    OLLAMA_STALL = "ollama-stall"
    """The request is taken, and nothing is sent until the client goes."""
    OLLAMA_RESET = "ollama-reset"
    """The connection closes in the middle of the answer."""
    OLLAMA_UNREACHABLE = "ollama-unreachable"
    """The connection closes without an answer."""

    @property
    def of_ollama(self) -> bool:
        """Whether it befalls the model server rather than a board."""
        return self.value.startswith("ollama-")


@dataclass(frozen=True)
class FaultRule:
    """One entry of the list."""

    kind: FaultKind
    share: float = 1.0
    token: str | None = None
    """The only board it befalls; None: any."""


class Faults:
    """Decides by seed and running number of the request, so that a run can be repeated.

    Boards, robots.txt and the model server are counted apart: none shifts the others' faults.
    """

    def __init__(
        self,
        rules: Iterable[FaultRule] = (),
        *,
        seed: int = 0,
        retry_after_seconds: int = 1,
        slow_seconds: float = 5.0,
        validators: bool = True,
    ) -> None:
        self.rules = tuple(rules)
        self.retry_after_seconds = retry_after_seconds
        self.slow_seconds = slow_seconds
        self.validators = validators
        self._seed = seed
        self._board_requests = count()
        self._robots_requests = count()
        self._ollama_requests = count()

    def befall_board(self, token: str | None) -> FaultKind | None:
        """Decide about the next request, for board `token`; a named board's own rule goes first."""
        rules = [rule for rule in self.rules if not rule.kind.of_ollama]
        named = [rule for rule in rules if token and rule.token == token]
        general = [rule for rule in rules if rule.token is None]
        number = next(self._board_requests)
        return self._draw(f"{number}:{token}", named) or self._draw(f"{number}", general)

    def befall_robots(self) -> FaultKind | None:
        """Decide about the next request for robots.txt."""
        rules = [rule for rule in self.rules if rule.token == ROBOTS]
        return self._draw(f"robots:{next(self._robots_requests)}", rules)

    def befall_ollama(self) -> FaultKind | None:
        """Decide about the model server's next request."""
        rules = [rule for rule in self.rules if rule.kind.of_ollama]
        return self._draw(f"ollama:{next(self._ollama_requests)}", rules)

    def _draw(self, occasion: str, rules: list[FaultRule]) -> FaultKind | None:
        point = random.Random(f"{self._seed}:{occasion}").random()  # noqa: S311
        for rule in rules:
            if point < rule.share:
                return rule.kind
            point -= rule.share
        return None


def parse_faults(text: str, seed: int = 0) -> Faults:
    """Read a list of faults; an empty one means none.

    Raises:
        InvalidFaults: naming the entry and what is wrong with it.
    """
    rules: list[FaultRule] = []
    seconds = {"retry-after": 1.0, "slow-seconds": 5.0}
    validators = True
    for entry in filter(None, (part.strip() for part in text.split(","))):
        name, is_set, value = entry.partition("=")
        if not is_set:
            rules.append(_rule(entry))
        elif name in seconds:
            seconds[name] = _number(entry, value, highest=3600)
        elif entry == "validators=off":
            validators = False
        else:
            problem = f"only {', '.join(seconds)} take seconds, and validators can be off"
            raise InvalidFaults(entry=entry, problem=problem)
    _check_shares(rules)
    return Faults(
        rules,
        seed=seed,
        retry_after_seconds=round(seconds["retry-after"]),
        slow_seconds=seconds["slow-seconds"],
        validators=validators,
    )


def _rule(entry: str) -> FaultRule:
    spec, _, token = entry.partition("@")
    name, _, value = spec.partition(":")
    try:
        kind = FaultKind(name)
    except ValueError:
        raise InvalidFaults(entry=entry, problem=f"the faults are {', '.join(FaultKind)}") from None
    if kind is FaultKind.NOT_FOUND and value and not token and not value[0].isdigit():
        return FaultRule(kind, token=value)
    if kind.of_ollama and token:
        raise InvalidFaults(entry=entry, problem="the model server has no boards")
    return FaultRule(kind, _number(entry, value or "1", highest=1), token or None)


def _number(entry: str, text: str, highest: float) -> float:
    try:
        number = float(text)
    except ValueError:
        raise InvalidFaults(entry=entry, problem=f"{text!r} is no number") from None
    if not 0 <= number <= highest:
        raise InvalidFaults(entry=entry, problem=f"{text} is not between 0 and {highest}")
    return number


def _check_shares(rules: list[FaultRule]) -> None:
    scopes: defaultdict[str, float] = defaultdict(float)
    for rule in rules:
        scopes["the model server" if rule.kind.of_ollama else rule.token or "all boards"] += (
            rule.share
        )
    for scope, share in scopes.items():
        if share > 1 + 1e-9:
            problem = f"the shares of {scope} add up to more than 1"
            raise InvalidFaults(entry=",".join(rule.kind for rule in rules), problem=problem)
