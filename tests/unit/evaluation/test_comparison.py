"""What counts as right, field by field, and what a miss says."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.evaluation.comparison import SETS, SINGLES, Miss, MissKind, compare
from openfunnel.evaluation.labels import InitiativeLabel, Label, PlaceLabel
from openfunnel.evaluation.scores import Overlap, Score, Share
from openfunnel.records import InitiativeType, Seniority, Stance, Workplace

from .samples import PAY, labels, mention

NOTHING = Label(id="one")


def score(wanted: Label, found: Label, *texts: str) -> Score:
    return compare(wanted, found, texts).score


def misses(wanted: Label, found: Label, *texts: str) -> tuple[Miss, ...]:
    return compare(wanted, found, texts).misses


# --- of any labels --------------------------------------------------------------------------------


@given(labels)
def test_perfect_predictions_score_1_everywhere(label: Label) -> None:
    quotes = [one.evidence for one in (*label.technologies, *label.skills)]
    quotes += [one.evidence for one in label.initiatives if one.evidence.strip()]
    whole = label.model_copy(
        update={"initiatives": tuple(one for one in label.initiatives if one.evidence.strip())}
    )
    compared = compare(whole, whole, quotes)

    assert compared.misses == ()
    assert all(share.value in (1.0, None) for share in compared.score.shares.values())
    for overlap in compared.score.overlaps.values():
        assert {overlap.precision, overlap.recall, overlap.f1} <= {1.0, None}


@given(labels)
def test_empty_predictions_score_no_recall(label: Label) -> None:
    overlaps = score(label, NOTHING).overlaps

    assert {*overlaps} == {*SINGLES, *SETS}
    for overlap in overlaps.values():
        assert overlap.recall in (0.0, None)
        assert overlap.precision is None


@given(labels, labels, st.data())
def test_the_order_of_lists_does_not_matter(
    wanted: Label, found: Label, data: st.DataObject
) -> None:
    def shuffled(label: Label) -> Label:
        names = ("locations", "technologies", "skills", "initiatives")
        lists = {name: tuple(data.draw(st.permutations(getattr(label, name)))) for name in names}
        return label.model_copy(update=lists)

    before, after = compare(wanted, found, ()), compare(shuffled(wanted), shuffled(found), ())

    assert before.score == after.score
    assert sorted(before.misses, key=repr) == sorted(after.misses, key=repr)


@given(labels, labels)
def test_to_swap_the_sides_swaps_precision_and_recall(one: Label, other: Label) -> None:
    there, back = score(one, other), score(other, one)

    for name in {*SINGLES, *SETS} - {"skills_by_overlap"}:
        assert there.overlaps[name].precision == back.overlaps[name].recall
        assert there.overlaps[name].f1 == back.overlaps[name].f1


@given(labels, labels)
def test_every_difference_is_a_miss(wanted: Label, found: Label) -> None:
    compared = compare(wanted, found, ())
    listed = [one.field for one in compared.misses]

    for name in SINGLES:
        assert listed.count(name) == 1 - compared.score.shares[name].right
    for name in ("locations", "technologies", "initiatives"):
        overlap = compared.score.overlaps[name]
        assert listed.count(name) == overlap.found + overlap.wanted - 2 * overlap.matched


@given(labels, labels)
def test_overlap_finds_all_that_is_found_exactly(wanted: Label, found: Label) -> None:
    overlaps = score(wanted, found).overlaps

    assert overlaps["skills"].matched <= overlaps["skills_by_overlap"].matched


# --- single values --------------------------------------------------------------------------------


def test_to_say_nothing_where_nothing_is_said_is_right() -> None:
    same = score(NOTHING, NOTHING)

    assert same.shares["workplace"] == Share(1, 1)
    assert same.overlaps["workplace"] == Overlap(0, 0, 0)


@pytest.mark.parametrize(
    ("wanted", "found", "overlap"),
    [
        (Workplace.REMOTE, Workplace.REMOTE, Overlap(1, 1, 1)),
        (Workplace.REMOTE, Workplace.HYBRID, Overlap(0, 1, 1)),
        (Workplace.REMOTE, None, Overlap(0, 0, 1)),
        (None, Workplace.HYBRID, Overlap(0, 1, 0)),
    ],
)
def test_a_single_value_is_right_if_it_is_the_same(
    wanted: Workplace | None, found: Workplace | None, overlap: Overlap
) -> None:
    compared = score(Label(id="one", workplace=wanted), Label(id="one", workplace=found))

    assert compared.overlaps["workplace"] == overlap
    assert compared.shares["workplace"].right == int(wanted == found)


def test_no_years_and_zero_years_are_two_things() -> None:
    zero = Label(id="one", years_experience_min=0)

    assert score(zero, NOTHING).shares["years_experience_min"] == Share(0, 1)
    assert score(zero, zero).overlaps["years_experience_min"] == Overlap(1, 1, 1)


@pytest.mark.parametrize(
    ("changes", "right"),
    [
        ({}, 1),
        ({"min": Decimal("50000.00")}, 1),
        ({"ote": True}, 1),
        ({"min": Decimal(50_001)}, 0),
        ({"max": Decimal(60_001)}, 0),
        ({"currency": "USD"}, 0),
        ({"period": "month"}, 0),
        ({"max": None}, 0),
    ],
)
def test_pay_is_right_if_ends_currency_and_period_are(
    changes: dict[str, object], right: int
) -> None:
    wanted = Label(id="one", compensation=PAY)
    found = Label(id="one", compensation=PAY.model_copy(update=changes))

    assert score(wanted, found).shares["compensation"] == Share(right, 1)


# --- lists ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "found", "matched"),
    [
        ({"city": "Zurich", "country": "CH"}, {"city": "Zürich", "country": "CH"}, 1),
        ({"city": "Paris", "country": "FR"}, {"city": "Paris", "country": "US"}, 0),
        ({"city": "Paris", "country": "FR"}, {"country": "FR"}, 0),
        ({"country": "US"}, {"country": "US", "region": "Texas"}, 1),
        ({"region": "EMEA"}, {"region": "emea"}, 1),
        ({"region": "EMEA"}, {"region": "Europe"}, 0),
    ],
)
def test_places_are_the_same_by_city_and_country(
    wanted: dict[str, str], found: dict[str, str], matched: int
) -> None:
    one = Label(id="one", locations=(PlaceLabel(**wanted),))
    other = Label(id="one", locations=(PlaceLabel(**found),))

    assert score(one, other).overlaps["locations"] == Overlap(matched, 1, 1)


def test_technologies_are_the_same_under_any_of_their_names() -> None:
    wanted = Label(id="one", technologies=(mention("PostgreSQL"), mention("Go")))
    found = Label(id="one", technologies=(mention("postgres"), mention("Rust")))

    assert score(wanted, found).overlaps["technologies"] == Overlap(1, 2, 2)


def test_stance_is_compared_where_both_name_the_technology() -> None:
    wanted = Label(
        id="one", technologies=(mention("Go"), mention("R", Stance.USED), mention("Rust"))
    )
    found = Label(id="one", technologies=(mention("golang"), mention("R"), mention("C")))

    assert score(wanted, found).shares["stance"] == Share(1, 2)
    (miss,) = (one for one in misses(wanted, found) if one.field == "stance")
    assert (miss.wanted, miss.found) == ("R used", "R required")


def test_of_a_technology_named_twice_the_strongest_stance_counts() -> None:
    twice = Label(id="one", technologies=(mention("Go", Stance.USED), mention("golang")))
    once = Label(id="one", technologies=(mention("Go"),))

    assert score(once, twice).shares["stance"] == Share(1, 1)
    assert score(once, twice).overlaps["technologies"] == Overlap(1, 1, 1)


def test_skills_count_exactly_and_by_overlap() -> None:
    wanted = Label(id="one", skills=(mention("industrial archery"), mention("beekeeping")))
    found = Label(id="one", skills=(mention("archery"), mention("falconry")))

    compared = score(wanted, found)

    assert compared.overlaps["skills"] == Overlap(0, 2, 2)
    assert compared.overlaps["skills_by_overlap"] == Overlap(1, 2, 2)


def test_initiatives_count_once_a_type() -> None:
    kinds = (InitiativeType.SCALING, InitiativeType.SCALING, InitiativeType.FUNDING)
    wanted = Label(id="one", initiatives=tuple(InitiativeLabel(type=kind) for kind in kinds))
    found = Label(id="one", initiatives=(InitiativeLabel(type=InitiativeType.SCALING),))

    assert score(wanted, found).overlaps["initiatives"] == Overlap(1, 1, 2)


@pytest.mark.parametrize(
    ("evidence", "right"),
    [
        ("you know Go", 1),
        ("you  know\nGo", 1),
        ("Go developer", 1),
        ("You know Go", 0),
        ("developer you know", 0),
        (" ", 0),
    ],
)
def test_evidence_is_to_stand_in_one_of_the_texts(evidence: str, right: int) -> None:
    found = Label(id="one", technologies=(mention("Go", evidence=evidence),))

    compared = compare(NOTHING, found, ("Go developer", "So you know\tGo."))

    assert compared.score.shares["evidence"] == Share(right, 1)
    assert [one.field for one in compared.misses].count("evidence") == 1 - right


# --- misses ---------------------------------------------------------------------------------------


def test_a_miss_says_what_was_wanted_and_found_and_shows_the_words() -> None:
    wanted = Label(
        id="one",
        seniority=Seniority.LEAD,
        compensation=PAY,
        technologies=(mention("Go", evidence="you know Go"),),
    )
    found = Label(id="one", seniority=Seniority.MID, technologies=(mention("C", evidence="and C"),))

    said = compare(wanted, found, ("and C",), {"seniority": "Lead, if you like"}).misses

    pay = "50,000 to 60,000 EUR a year"
    assert [tuple(one.model_dump().values()) for one in said] == [
        ("seniority", MissKind.WRONG, "lead", "mid", "Lead, if you like"),
        ("compensation", MissKind.MISSED, pay, None, ""),
        ("technologies", MissKind.MISSED, "Go", None, "you know Go"),
        ("technologies", MissKind.EXTRA, None, "C", "and C"),
    ]


def test_skills_that_overlap_are_one_miss() -> None:
    wanted = Label(id="one", skills=(mention("industrial archery"),))
    found = Label(id="one", skills=(mention("archery", evidence="a bow"),))

    assert misses(wanted, found, "a bow") == (
        Miss(
            field="skills",
            kind=MissKind.WRONG,
            wanted="industrial archery",
            found="archery",
            text="a bow",
        ),
    )
