"""What an extraction by models will cost: a projection from what was measured so far.

Pure arithmetic over assumptions that a person can read and change: nothing here asks anybody.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from openfunnel.extraction.prompt import SYSTEM_PROMPT
from openfunnel.extraction.tokens import TokenEstimate
from openfunnel.store.progress import ModelShare
from openfunnel.store.usage import UsageRow

SLOTS = 4
"""Postings that `openfunnel extract` keeps in work at a time, unless told otherwise."""

POSTING_TOKENS = 400
"""Of a prompt, what is shown of a posting, on average over 1,096 recorded ones."""
ANSWER_TOKENS = 650
"""Of an answer that says what the rules find, on average over the same."""
TOKENS_A_SECOND = 50
"""That a small model writes for one of several slots of a consumer's GPU."""
CACHED_SHARE = 0.03
"""Of the same, so many repeat the title, company and text of another."""

_SECONDS_AN_HOUR = 3600
_PRICED_TOKENS = 1_000_000


@dataclass(frozen=True)
class Assumptions:
    """What a projection rests on; all of it is an average."""

    tokens_in: float
    """Of the prompt of one call."""
    tokens_out: float
    """Of the answer of one call."""
    seconds: float
    """From sending a call to its answer."""
    calls: float
    """For one posting whose answer is not known: repairs and larger models ask again."""
    cached: float
    """Share of the postings worth a model whose answer is known already; 0 to 1."""
    triaged: float
    """Share of all postings about which no model is asked; 0 to 1."""
    slots: int
    """Calls that are answered at a time."""


@dataclass(frozen=True)
class Prices:
    """Of a million tokens each, in whatever currency."""

    tokens_in: Decimal
    tokens_out: Decimal


@dataclass(frozen=True)
class Projection:
    """What so many postings will take."""

    calls: float
    tokens_in: float
    tokens_out: float
    model_hours: float
    """Time of all calls, added up."""
    hours: float
    """On the clock, with all slots at work."""
    money: Decimal | None
    """None without prices."""


def assume(prompt_tokens: int) -> Assumptions:
    """Return what is assumed where nothing was measured, for prompts with so many tokens of a
    posting (`Settings.prompt_tokens`).
    """
    return Assumptions(
        tokens_in=TokenEstimate()(SYSTEM_PROMPT) + min(POSTING_TOKENS, prompt_tokens),
        tokens_out=ANSWER_TOKENS,
        seconds=ANSWER_TOKENS / TOKENS_A_SECOND,
        calls=1.0,
        cached=CACHED_SHARE,
        triaged=0.0,
        slots=SLOTS,
    )


def measure(
    uses: Sequence[UsageRow], of_runs: Sequence[UsageRow], share: ModelShare
) -> Assumptions | None:
    """Return the averages of these uses and of the stored extractions; None without any call.

    How many calls a posting takes is told by the tokens: those of a posting over those of a call.
    How many answers are known is told by the uses `of_runs`, if there are any: a replay knows all
    of its answers, and says nothing about new postings.
    """
    calls = sum(use.calls for use in uses)
    if not calls:
        return None
    fresh = of_runs if any(use.calls for use in of_runs) else uses
    hits, asked = (sum(getattr(use, what) for use in fresh) for what in ("cache_hits", "calls"))
    tokens_in = sum(use.tokens_in for use in uses) / calls
    judged = share.asked + share.triaged
    return Assumptions(
        tokens_in=tokens_in,
        tokens_out=sum(use.tokens_out for use in uses) / calls,
        seconds=sum(use.seconds for use in uses) / calls,
        calls=max(1.0, (share.tokens_in or 0.0) / tokens_in) if tokens_in else 1.0,
        cached=hits / (hits + asked),
        triaged=share.triaged / judged if judged else 0.0,
        slots=SLOTS,
    )


def project(postings: int, assumed: Assumptions, prices: Prices | None = None) -> Projection:
    """Return what `postings` take, if everything is as assumed."""
    calls = postings * (1 - assumed.triaged) * (1 - assumed.cached) * assumed.calls
    tokens_in, tokens_out = calls * assumed.tokens_in, calls * assumed.tokens_out
    model_hours = calls * assumed.seconds / _SECONDS_AN_HOUR
    return Projection(
        calls=calls,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        model_hours=model_hours,
        hours=model_hours / assumed.slots,
        money=_money(tokens_in, tokens_out, prices) if prices else None,
    )


def _money(tokens_in: float, tokens_out: float, prices: Prices) -> Decimal:
    priced = Decimal(tokens_in) * prices.tokens_in + Decimal(tokens_out) * prices.tokens_out
    return priced / _PRICED_TOKENS
