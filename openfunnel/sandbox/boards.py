"""A generated world: invented boards, the same for the same seed, made when they are asked for."""

import random
from datetime import UTC, datetime, timedelta

from openfunnel.records import BoardRef
from openfunnel.sandbox import ashby, greenhouse, lever, words
from openfunnel.sandbox.changes import evolve
from openfunnel.sandbox.companies import Company, found_companies
from openfunnel.sandbox.openings import draw_opening
from openfunnel.sandbox.words import Pinned
from openfunnel.sandbox.world import BoardAnswer, pack

AS_OF = datetime(2026, 11, 2, tzinfo=UTC)
RENDERERS = {"greenhouse": greenhouse.render, "lever": lever.render, "ashby": ashby.render}


class GeneratedWorld:
    """`boards` boards with `postings` postings in all, talent-pool entries not counted.

    A board is made when it is first asked for, and kept compressed (about 1 kB a posting).
    `company_name` names the first board's employer; `as_of` is the day the world is seen, which
    no posting is younger than. Each `revision` after the first, 0, changes some of the boards and
    leaves the others as they were, byte for byte; it can be set while the world is being served.
    """

    def __init__(
        self,
        boards: int = 40,
        postings: int = 1500,
        *,
        seed: int = 0,
        company_name: str | None = None,
        as_of: datetime = AS_OF,
        revision: int = 0,
    ) -> None:
        self.revision = revision
        self._seed = seed
        self._as_of = as_of
        rng = random.Random(seed)  # noqa: S311
        companies = found_companies(rng, boards, postings, company_name)
        self._companies = {company.ref: company for company in companies}
        self._pinned = _pin(self._companies)
        self._answers: dict[BoardRef, tuple[int, BoardAnswer]] = {}

    def boards(self) -> tuple[BoardRef, ...]:
        """Every board, in a fixed order: Greenhouse, Lever, Lever's EU host and Ashby mixed."""
        return tuple(self._companies)

    def answer(self, ref: BoardRef) -> BoardAnswer | None:
        """Make or return the whole board; None where nobody has that token on that host."""
        if (company := self._companies.get(ref)) is None:
            return None
        revision = self.revision
        made_for, answer = self._answers.get(ref, (None, None))
        if answer is None or made_for != revision:
            answer = self._generate(company, revision)
            self._answers[ref] = revision, answer
        return answer

    def company_name(self, ref: BoardRef) -> str:
        """Name of the employer whose board it is, which Greenhouse's answers alone state."""
        return self._companies[ref].name

    def _generate(self, company: Company, revision: int) -> BoardAnswer:
        seed, render = f"{self._seed}:{company.ref}", RENDERERS[company.ref.ats]
        rng = random.Random(seed)  # noqa: S311
        pinned = self._pinned.get(company.ref, [])
        openings = [
            draw_opening(
                rng, company, number, self._as_of, pinned[number] if number < len(pinned) else None
            )
            for number in range(company.openings)
        ]

        def draw(rng: random.Random, revision: int) -> bytes:
            # Numbers beyond those of the first openings, and of a talent pool, are free.
            number = company.openings + revision
            return render(rng, company, [draw_opening(rng, company, number, self._as_of, None)])

        body = render(rng, company, openings)
        body, changed = evolve(company.ref.ats, body, draw, seed, revision)
        return pack(company.ref, body, self._as_of + timedelta(days=changed))


def _pin(companies: dict[BoardRef, Company]) -> dict[BoardRef, list[Pinned]]:
    """Spread the openings that every world has over its first Greenhouse boards."""
    refs = [ref for ref in companies if ref.ats == "greenhouse"]
    pinned: dict[BoardRef, list[Pinned]] = {}
    for number, opening in enumerate(words.load().pay.pinned):
        if refs:
            pinned.setdefault(refs[number % len(refs)], []).append(opening)
    return pinned
