"""What an extractor finds, in the form of `labels.json`."""

import json
from decimal import Decimal

import pytest
from hypothesis import given

from openfunnel.evaluation.labels import Label, PlaceLabel, as_json, label_of
from openfunnel.extraction import rules
from openfunnel.records import AtsFields, Compensation, PayPeriod, PostingText

from .samples import GOLD, PAY, labels

GOLD_LABELS = json.loads((GOLD / "labels.json").read_text("utf-8"))


@given(labels)
def test_a_label_reads_what_it_writes(label: Label) -> None:
    written = json.loads(json.dumps(as_json(label)))

    again = Label.model_validate(written)

    assert as_json(again) == written
    assert again.technologies == label.technologies


@pytest.mark.parametrize("label", GOLD_LABELS, ids=[label["id"] for label in GOLD_LABELS])
def test_a_label_of_a_person_is_written_as_it_was(label: dict[str, object]) -> None:
    assert as_json(Label.model_validate(label)) == label


def test_a_null_is_an_empty_list_and_remarks_are_no_mistake() -> None:
    label = Label.model_validate({"id": "one", "skills": None, "remark": "hard to tell"})

    assert label.skills == ()


def test_amounts_are_plain_numbers() -> None:
    pay = PAY.model_copy(update={"min": Decimal("17.50"), "max": Decimal("2E+1")})

    written = as_json(Label(id="one", compensation=pay))["compensation"]

    assert written == {"min": 17.5, "max": 20, "currency": "EUR", "period": "year"}


def test_an_extraction_becomes_a_label() -> None:
    pay = Compensation(
        min=Decimal(900), max=Decimal(900), currency="GBP", period=PayPeriod.DAY, ote=True
    )
    posting = PostingText(
        title="Senior Data Engineer",
        text="## Requirements\n- 5+ years of experience with Python\n- Machine learning",
        fields=AtsFields(locations=("EMEA", "Paris, France"), compensation=pay),
    )

    label = as_json(label_of("one", rules.extract(posting)))

    assert label["id"] == "one"
    assert (label["role_function"], label["seniority"]) == ("data", "senior")
    assert label["compensation"]["ote"] is True
    assert label["years_experience_min"] == 5
    assert label["workplace"] is None
    assert [(one["name"], one["stance"]) for one in label["technologies"]] == [
        ("Python", "required")
    ]
    assert "Python" in label["technologies"][0]["evidence"]
    assert {"city": "Paris", "country": "FR"} in label["locations"]
    assert {"city": None, "country": None, "region": "EMEA"} in label["locations"]


def test_a_region_is_kept_only_without_city_and_country() -> None:
    label = Label(id="one", locations=(PlaceLabel(country="US"), PlaceLabel(region="EMEA")))

    assert as_json(label)["locations"] == [
        {"city": None, "country": "US"},
        {"city": None, "country": None, "region": "EMEA"},
    ]
