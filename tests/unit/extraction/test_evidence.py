"""Looking up quotes: verbatim, in whole words, where they stand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.extraction.evidence import Source, is_named, is_proper_name, is_touched
from openfunnel.records import PostingText

TEXT = "You know   JavaScript\nand Go.\n- Java is a plus"


def source(text: str = TEXT, title: str = "Cook  in  chief") -> Source:
    return Source(PostingText(title=title, text=text, company_name="Acme"))


@pytest.mark.parametrize(
    ("quote", "found"),
    [
        ("JavaScript and Go", "JavaScript\nand Go"),
        ("You know JavaScript", "You know   JavaScript"),
        ("know \n JavaScript", "know   JavaScript"),
        ("Go.", "Go."),
        ("Java", "Java"),
        ("Java is a plus", "Java is a plus"),
    ],
)
def test_a_quote_is_found_as_it_stands_with_its_place(quote: str, found: str) -> None:
    evidence = source().find(quote)

    assert evidence is not None
    assert evidence.text == found
    assert TEXT[evidence.start : evidence.end] == found


@pytest.mark.parametrize("quote", ["", " ", "\n", "Jav", "avaScript", "java is", "Go and Rust"])
def test_what_does_not_stand_there_in_whole_words_is_not_found(quote: str) -> None:
    assert source().find(quote) is None


def test_a_quote_from_the_title_has_no_place() -> None:
    evidence = source().find("Cook in chief")

    assert evidence is not None
    assert (evidence.text, evidence.start, evidence.end) == ("Cook in chief", None, None)


def test_scripts_without_spaces_are_quoted_from_the_middle() -> None:
    assert source("精通Python和数据分析").find("数据分析") is not None


@given(before=st.text(), quote=st.text(), after=st.text())
def test_what_is_found_reads_as_it_was_quoted(before: str, quote: str, after: str) -> None:
    text = f"{before}\n{quote}\n{after}"

    evidence = source(text, title="").find(quote)

    assert (evidence is not None) == bool(quote.split())
    if evidence is not None:
        assert evidence.text == text[evidence.start : evidence.end]
        assert evidence.text.split() == quote.split()


def test_names_are_read_whatever_their_case_and_accents() -> None:
    assert is_named("Experience with POSTGRES or React.js", "postgres")
    assert is_named("Experience with POSTGRES or React.js", "React.js")
    assert is_named("Kenntnisse in Qualität", "qualitat")
    assert is_named("精通数据分析", "数据分析")
    assert not is_named("Experience with Google Docs", "Google Cloud")
    assert not is_named("anything", "!")


def test_a_skill_may_stand_in_another_form() -> None:
    assert is_touched("you build financial models", "financial modelling")
    assert not is_touched("You cook.", "machine learning")


@pytest.mark.parametrize(
    ("evidence", "name"),
    [
        ("experience with Quuxbase", "quuxbase"),
        ("we run s3ql", "s3ql"),
        ("written in quux.js", "quux.js"),
        ("精通数据分析", "精通数据分析"),
    ],
)
def test_a_name_is_written_as_one(evidence: str, name: str) -> None:
    assert is_proper_name(evidence, name)


@pytest.mark.parametrize("name", ["a", "the", "to build", "Team"])
def test_a_common_word_is_no_name(name: str) -> None:
    assert not is_proper_name("You join the team to build a thing.", name)


def test_the_share_of_words_counts_the_longer_ones() -> None:
    assert source("You build pipelines").share_of_words("A builder of a pipeline") == 1.0
    assert source("You build pipelines").share_of_words("Hacked your planet, build it") == 0.25
    assert source().share_of_words("a b c") == 0.0
