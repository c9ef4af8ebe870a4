"""What a model is shown of a posting, and what is on record as left out."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.evaluation.gold import read_gold
from openfunnel.extraction import rules
from openfunnel.extraction.boilerplate import NONE, Boilerplate
from openfunnel.extraction.digest import Digest, digest
from openfunnel.extraction.prompt import TEXT_BYTES, ask, posting_in
from openfunnel.extraction.tokens import TokenEstimate
from openfunnel.records import Omission, PostingText
from openfunnel.settings import Settings

PLENTY = 10_000
WELCOME = "We welcome everybody, and say so below every posting of ours."
TEXT = f"""\
Acme builds maps. You will join the group that draws them.
{WELCOME}
## What you'll do
- Draw rivers
- Maintain our tile server, which is written in Rust
- Drive the launch of our second office
## Requirements
- 5+ years of cartography
- Knows Qwertly, PostGIS and contract negotiation
- A friendly nature
## Benefits
- Fruit on every day of the week, and a yearly stipend for books about rivers
- The salary is $150,000 - $180,000 a year
- A dog named Ptolemy, who likes everybody that brings him something good to eat
"""


def shown(
    text: str, tokens: int = PLENTY, boilerplate: Boilerplate = NONE, company: str = "Acme"
) -> Digest:
    posting = PostingText(title="Cartographer", company_name=company, text=text)
    return digested(posting, tokens, boilerplate)


def digested(posting: PostingText, tokens: int, boilerplate: Boilerplate = NONE) -> Digest:
    read = rules.lines_of(posting)
    stated = rules.extract(posting, read)
    return digest(posting, read, stated, boilerplate, TokenEstimate(), tokens)


def lines(found: Digest) -> list[str]:
    return found.text.split("\n")


# --- what is shown ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "- Maintain our tile server, which is written in Rust",
        "- 5+ years of cartography",
        "- The salary is $150,000 - $180,000 a year",
    ],
)
def test_what_the_rules_have_found_is_shown_whatever_its_section(line: str) -> None:
    assert line in lines(shown(TEXT, 150))


def test_a_name_that_nobody_knows_is_shown() -> None:
    assert "- Knows Qwertly, PostGIS and contract negotiation" in lines(shown(TEXT, 120))


def test_what_an_employer_is_about_to_do_is_shown() -> None:
    assert "- Drive the launch of our second office" in lines(shown(TEXT, 150))


def test_a_heading_comes_with_what_stands_below_it_and_not_alone() -> None:
    text = "## Requirements\n- Rust\n## What you'll do\n" + "- Be kind to all of us, always\n" * 3

    found = lines(shown(text, 10))

    assert found == ["## Requirements", "- Rust"]


def test_benefits_are_left_out_for_their_section() -> None:
    found = shown(TEXT)

    assert "Ptolemy" not in found.text
    assert "Fruit" not in found.text
    why = {TEXT[one.start : one.end]: one.why for one in found.left_out}
    assert Omission.SECTION in [reason for part, reason in why.items() if "Ptolemy" in part]


def test_what_repeats_over_the_board_is_left_out_as_boilerplate() -> None:
    boilerplate = Boilerplate(frozenset([WELCOME.lower()]))

    found = shown(TEXT, boilerplate=boilerplate)

    (left_out,) = [one for one in found.left_out if one.why is Omission.BOILERPLATE]
    assert TEXT[left_out.start : left_out.end] == WELCOME


def test_a_technology_is_shown_even_from_boilerplate() -> None:
    line = "Our maps are drawn with PostgreSQL, every day."

    assert line in lines(shown(f"{line}\n{TEXT}", 200, Boilerplate(frozenset([line.lower()]))))


def test_of_a_long_line_the_sentences_are_shown_that_are_worth_it() -> None:
    idle = "We like long walks along the river, and whoever likes them too is most welcome here."
    text = (
        f"## Who we are\n{idle} {idle} Our maps are written in Rust. {idle}\n## Requirements\n- Go"
    )

    found = shown(text)

    assert "Our maps are written in Rust." in lines(found)
    assert idle not in found.text


def test_lines_are_shown_where_no_heading_is_known() -> None:
    text = "\n".join(
        ["지도를 그리는 일을 합니다", "- 파이썬 경험 3년 이상", "- 강을 좋아하는 분"] * 3
    )

    found = shown(text, 900)

    assert found.text == text
    assert found.left_out == ()


def test_the_employers_own_name_is_no_reason_to_show_a_line() -> None:
    line = "- Be somebody who likes to work with Zentorix and its rivers"
    text = f"## What you'll do\n- Program in Rust on most days of the week\n{line}"

    assert line in lines(shown(text, 60))
    assert line not in lines(shown(text, 60, company="Zentorix"))


def test_what_labellers_found_in_real_postings_is_shown(shared: Path) -> None:
    there: list[bool] = []
    for one in read_gold(shared / "gold").postings:
        assert one.label
        found = digested(one.posting, Settings().prompt_tokens)
        seen = " ".join([*one.posting.title.split(), *found.text.split()])
        labels = (*one.label.technologies, *one.label.initiatives)
        there += [" ".join(label.evidence.split()) in seen for label in labels]

    assert sum(there) >= 0.99 * len(there) > 0


# --- what is left out ---------------------------------------------------------------------------

_LINE = st.text() | st.sampled_from(TEXT.split("\n")) | st.sampled_from(["- Rust\r", " ", WELCOME])


@given(st.lists(_LINE).map("\n".join), st.integers(1, 200))
def test_shown_and_left_out_together_are_the_text(text: str, tokens: int) -> None:
    found = shown(text, tokens, Boilerplate(frozenset([WELCOME.lower()])))

    gaps = [(one.start, one.end) for one in found.left_out]
    assert all(start < end for start, end in gaps)
    assert all(end <= start for (_, end), (start, _) in pairwise(gaps))
    edges = [0, *(edge for gap in gaps for edge in gap), len(text)]
    rest = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    assert "".join("".join(rest).split()) == "".join(found.text.split())
    assert all(part.strip() in found.text for part in rest)


@given(st.lists(_LINE).map("\n".join), st.integers(1, 200))
def test_no_more_is_shown_than_the_budget_allows(text: str, tokens: int) -> None:
    found = shown(text, tokens)

    assert TokenEstimate()(found.text) <= tokens


def test_neighbours_of_one_reason_are_left_out_as_one() -> None:
    reasons = [one.why for one in shown(TEXT, 60).left_out]

    assert reasons
    for one, other in pairwise(shown(TEXT, 60).left_out):
        assert one.why is not other.why or TEXT[one.end : other.start].strip()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "word " * 400_000,
        "x" * 2_000_000,
        "a\n" * 100_000,
        "## Requirements\n" * 100_000,
        "- Rust (Foo), Python and Go.  \n" * 65_000,
        "- Draw with" + " " * 30 + "Qwertly, and " * 20_000,
        "\x01" * 500_000,
        '"\\' * 500_000,
        "데이터 엔지니어를 찾습니다 " * 100_000,
        "\U0001f600" * 300_000,
    ],
)
def test_of_a_text_of_any_kind_and_length_a_piece_is_shown_that_fits(text: str) -> None:
    found = shown(text, PLENTY)

    message = ask(PostingText(title="t", text=text), found.text)[1].content
    read = posting_in(message)
    assert read is not None
    assert read.text == found.text, "nothing was cut that is not on record as left out"
    assert len(message.encode()) < TEXT_BYTES + 100
    if text:
        assert found.left_out[-1].end >= len(text.rstrip())
