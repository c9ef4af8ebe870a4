"""Labels for tests: of one's own making, and any that hypothesis comes up with."""

from decimal import Decimal
from pathlib import Path

from hypothesis import strategies as st

from openfunnel.evaluation.labels import (
    InitiativeLabel,
    Label,
    MentionLabel,
    PayLabel,
    PlaceLabel,
)
from openfunnel.records import (
    EmploymentType,
    InitiativeType,
    PayPeriod,
    RoleFunction,
    Seniority,
    Stance,
    Workplace,
)

GOLD = Path(__file__).parents[2] / "fixtures" / "gold"


def mention(name: str, stance: Stance = Stance.REQUIRED, evidence: str = "") -> MentionLabel:
    """A technology or skill; its evidence is its name if nothing else is given."""
    return MentionLabel(name=name, stance=stance, evidence=evidence or name)


_NAMES = st.one_of(
    st.sampled_from(
        ("Python", "python", "Postgres", "PostgreSQL", "C", "C++", "k8s", "Kubernetes", "R", "SEO")
    ),
    st.sampled_from(
        ("financial modeling", "modeling", "data modeling", "machine learning", "ML", "learning")
    ),
    st.text(min_size=1, max_size=12).filter(str.strip),
)
_MENTIONS = st.lists(
    st.builds(mention, _NAMES, st.sampled_from(Stance)), max_size=8, unique_by=lambda one: one.name
)
_PLACES = st.builds(
    PlaceLabel,
    city=st.none() | st.sampled_from(["Zürich", "Zurich", "Paris"]) | st.text(max_size=5),
    country=st.none() | st.sampled_from(["CH", "FR", "US"]),
    region=st.none() | st.sampled_from(["EMEA", "Europe"]),
)
_PAY = st.builds(
    PayLabel,
    min=st.none() | st.decimals(1, 10**7, places=2),
    max=st.none() | st.decimals(1, 10**7, places=2),
    currency=st.sampled_from(["USD", "EUR"]),
    period=st.sampled_from(PayPeriod),
    ote=st.booleans(),
)
labels = st.builds(
    Label,
    id=st.just("one"),
    role_function=st.none() | st.sampled_from(RoleFunction),
    seniority=st.none() | st.sampled_from(Seniority),
    employment_type=st.none() | st.sampled_from(EmploymentType),
    workplace=st.none() | st.sampled_from(Workplace),
    locations=st.lists(_PLACES, max_size=5),
    compensation=st.none() | _PAY,
    years_experience_min=st.none() | st.integers(0, 50),
    technologies=_MENTIONS,
    skills=_MENTIONS,
    initiatives=st.lists(
        st.builds(
            InitiativeLabel, type=st.sampled_from(InitiativeType), evidence=st.text(max_size=9)
        ),
        max_size=5,
    ),
)
"""Anybody's labels, names that mean the same and the same place twice among them."""

PAY = PayLabel(
    min=Decimal(50_000), max=Decimal(60_000), currency="EUR", period=PayPeriod.YEAR, ote=False
)
