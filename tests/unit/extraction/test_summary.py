"""The sentence that tells a posting."""

import pytest

from openfunnel.extraction.sections import divide
from openfunnel.extraction.summary import MOST_WORDS, compose, summarize


def told(text: str, title: str = "") -> str | None:
    taken = summarize(divide(text), title)
    return taken[0] if taken else None


def test_the_sentence_that_says_who_is_hired_is_taken_with_its_place() -> None:
    text = "Acme makes kettles. We are looking for an engineer who builds our ordering system. Hi."
    taken = summarize(divide(text), "")
    assert taken is not None
    sentence, start, end = taken
    assert sentence == "We are looking for an engineer who builds our ordering system."
    assert text[start:end] == sentence


def test_an_abbreviated_title_does_not_cut_the_sentence() -> None:
    text = "As Sr. Analytics Engineer, you will join the team that measures our shop."
    taken = summarize(divide(text), "")
    assert taken is not None
    assert taken[0] == text


def test_a_list_mark_is_no_part_of_the_sentence() -> None:
    taken = summarize(divide("- You will build the ordering system of the company."), "")
    assert taken is not None
    assert taken[0].startswith("You will")


def test_who_is_hired_comes_before_what_is_done_and_the_title_before_others() -> None:
    does = "You will build the ordering system of the company."
    hires = "We are looking for makers in love with kettles of any kind."
    named = "We are looking for a Kettle Tester who boils water all day."
    assert told(f"{does}\n{hires}\n{named}", "Kettle Tester") == named
    assert told(f"{does}\n{hires}", "Kettle Tester") == hires
    assert told(does, "Kettle Tester") == does


@pytest.mark.parametrize(
    "sentence",
    [
        "This role is based in Lisbon, near the river and the sea.",
        "This role requires two days a week in our office in Lisbon.",
        "We're looking for someone who meets the minimum requirements of the role.",
        "If you are being referred for the role, please contact that person.",
        "Additionally, you will build good relations with all of the others.",
        "You will need to know a lot about the making of kettles.",
    ],
)
def test_places_conditions_and_asides_tell_no_job(sentence: str) -> None:
    assert told(sentence) is None


def test_what_is_asked_of_the_person_tells_no_job() -> None:
    text = "## Requirements\nWe are looking for an engineer who builds ordering systems."
    assert told(text, "Engineer") is None


def test_headings_small_print_fragments_and_long_sentences_are_not_taken() -> None:
    assert summarize(divide("## We are looking for you"), "") is None
    assert summarize(divide("You will win."), "") is None
    assert summarize(divide("You will " + "build " * MOST_WORDS + "it."), "") is None
    small_print = "## Benefits\nYou will be paid well by us every single month."
    assert summarize(divide(small_print), "") is None
    assert summarize([], "") is None


def test_a_summary_is_composed_of_title_and_company() -> None:
    assert compose("Data  Engineer", "Acme") == "Data Engineer at Acme."
    assert compose("Data Engineer", None) == "Data Engineer."
    assert compose(" ", "Acme") is None
    assert len((compose("word " * 100, "Acme") or "").split()) == MOST_WORDS
