"""The sentence that tells a posting."""

from openfunnel.extraction.sections import divide
from openfunnel.extraction.summary import MOST_WORDS, compose, summarize


def test_the_sentence_that_says_who_is_hired_is_taken_with_its_place() -> None:
    text = "Acme makes kettles. We are looking for an engineer who builds our ordering system. Hi."
    taken = summarize(divide(text))
    assert taken is not None
    sentence, start, end = taken
    assert sentence == "We are looking for an engineer who builds our ordering system."
    assert text[start:end] == sentence


def test_an_abbreviated_title_does_not_cut_the_sentence() -> None:
    text = "As Sr. Analytics Engineer, you will join the team that measures our shop."
    taken = summarize(divide(text))
    assert taken is not None
    assert taken[0] == text


def test_a_list_mark_is_no_part_of_the_sentence() -> None:
    taken = summarize(divide("- You will build the ordering system of the company."))
    assert taken is not None
    assert taken[0].startswith("You will")


def test_headings_small_print_fragments_and_long_sentences_are_not_taken() -> None:
    assert summarize(divide("## We are looking for you")) is None
    assert summarize(divide("You will win.")) is None
    assert summarize(divide("You will " + "build " * MOST_WORDS + "it.")) is None
    small_print = "## Benefits\nYou will be paid well by us every single month."
    assert summarize(divide(small_print)) is None
    assert summarize([]) is None


def test_a_summary_is_composed_of_title_and_company() -> None:
    assert compose("Data  Engineer", "Acme") == "Data Engineer at Acme."
    assert compose("Data Engineer", None) == "Data Engineer."
    assert compose(" ", "Acme") is None
    assert len((compose("word " * 100, "Acme") or "").split()) == MOST_WORDS
