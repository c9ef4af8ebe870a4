"""Confidence: what can be compared decides, not what the model says of itself."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from openfunnel.extraction import rules
from openfunnel.extraction.answer import read_answer
from openfunnel.extraction.confidence import confidence
from openfunnel.extraction.verification import verify
from openfunnel.records import AtsFields, PostingText, RoleFunction, Seniority
from tests.unit.extraction.scripted_model import POSTING, an_answer

TRUSTED, DOUBTED = 0.85, 0.5


def trust(posting: PostingText = POSTING, left_out: int = 0, **changes: Any) -> float:
    answer, stated = read_answer(json.dumps(an_answer(**changes))), rules.extract(posting)
    return confidence(answer, verify(answer, posting, stated), stated, left_out)


def test_an_answer_that_agrees_and_quotes_is_trusted() -> None:
    assert trust() >= TRUSTED


def test_naming_nothing_where_the_rules_name_much_is_doubted() -> None:
    assert trust(technologies=[], years_experience_min=None, pay_min=None, pay_max=None) < DOUBTED


def test_evidence_from_nowhere_is_doubted() -> None:
    made_up = [
        {"evidence": f"you know {name} well", "name": name, "stance": "required"}
        for name in ("Rust", "Go", "Java", "Scala")
    ]

    assert trust(technologies=made_up) < DOUBTED < trust(technologies=made_up[:1])


def test_each_disagreement_costs() -> None:
    whole = trust()
    other_role = trust(role_function="legal")
    other_level = trust(role_function="legal", seniority="intern")

    assert whole > other_role > other_level
    assert trust(role_function="legal", seniority="intern", pay_min=1, pay_max=2) < DOUBTED


def test_a_field_that_the_model_does_not_see_is_no_disagreement() -> None:
    fields = AtsFields(commitment="Full-time", workplace="remote")
    posting = POSTING.model_copy(update={"fields": fields})

    assert trust(posting) == trust()
    assert trust(posting, workplace="onsite") < trust()


NOTHING: dict[str, Any] = {
    "technologies": [],
    "pay_min": None,
    "pay_max": None,
    "years_experience_min": None,
}


def test_nothing_speaks_for_an_answer_that_can_be_compared_with_nothing() -> None:
    assert trust(PostingText(title="Zzyzx", text="Hello."), **NOTHING) < DOUBTED


def test_one_thing_that_an_answer_is_right_about_speaks_for_it() -> None:
    posting = PostingText(title="Accountant", text="Hello.")

    assert trust(posting, role_function="legal", **NOTHING) < DOUBTED
    assert trust(posting, role_function="finance", **NOTHING) > DOUBTED


def test_what_had_to_be_left_out_speaks_against_an_answer() -> None:
    assert trust() > trust(left_out=5) > trust(left_out=50)
    assert trust(left_out=50) < TRUSTED


@given(
    role=st.sampled_from(RoleFunction),
    level=st.sampled_from(Seniority),
    quotes=st.lists(st.sampled_from(["Kafka is a plus", "Python", "nowhere"]), max_size=4),
)
def test_it_is_a_share(role: RoleFunction, level: Seniority, quotes: list[str]) -> None:
    named = [{"evidence": quote, "name": "Kafka", "stance": "used"} for quote in quotes]

    assert 0 <= trust(role_function=role, seniority=level, technologies=named) <= 1
