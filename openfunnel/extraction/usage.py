"""What models cost, counted in memory until the worker stores it."""

from dataclasses import dataclass

from openfunnel.records import ModelUse, Origin, PostingText

NOWHERE = Origin(ats="", board_id=0)
"""Of postings that no store knows."""


@dataclass(frozen=True)
class Account:
    """Whose use of a model is added up."""

    ats: str
    run_id: int | None
    model: str


class Meter:
    """Adds up what is asked of models; one a process, used by one event loop."""

    def __init__(self) -> None:
        self._uses: dict[Account, ModelUse] = {}

    def note(self, posting: PostingText, use: ModelUse) -> None:
        """Add what a posting made a model do."""
        origin = posting.origin or NOWHERE
        account = Account(origin.ats, origin.run_id, use.model)
        self._uses[account] = _sum(self._uses.get(account, ModelUse(model=use.model)), use)

    def take(self) -> dict[Account, ModelUse]:
        """Return what was added up since the last time, and begin anew."""
        uses, self._uses = self._uses, {}
        return uses

    def put_back(self, uses: dict[Account, ModelUse]) -> None:
        """Add what could not be stored."""
        for account, use in uses.items():
            self._uses[account] = _sum(self._uses.get(account, ModelUse(model=use.model)), use)


def _sum(one: ModelUse, other: ModelUse) -> ModelUse:
    return ModelUse(
        model=one.model,
        calls=one.calls + other.calls,
        cache_hits=one.cache_hits + other.cache_hits,
        tokens_in=one.tokens_in + other.tokens_in,
        tokens_out=one.tokens_out + other.tokens_out,
        seconds=one.seconds + other.seconds,
    )
