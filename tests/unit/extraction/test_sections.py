"""Lines and the sections they stand in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.extraction.sections import Section, divide


@pytest.mark.parametrize(
    ("heading", "section"),
    [
        ("## Requirements", Section.REQUIRED),
        ("## What you’ll bring", Section.REQUIRED),
        ("Who you are:", Section.REQUIRED),
        ("Minimum qualifications", Section.REQUIRED),
        ("## Dein Profil", Section.REQUIRED),
        ("## Profil recherché", Section.REQUIRED),
        ("## Requisitos", Section.REQUIRED),
        ("## Nice to have", Section.PREFERRED),
        ("Preferred qualifications:", Section.PREFERRED),
        ("Bonus points if you have:", Section.PREFERRED),
        ("## Les plus", Section.PREFERRED),
        ("## Responsibilities", Section.DUTIES),
        ("What you'll do:", Section.DUTIES),
        ("## Our tech stack", Section.DUTIES),
        ("## Deine Aufgaben", Section.DUTIES),
        ("## Vos missions", Section.DUTIES),
        ("## Benefits", Section.PROCESS),
        ("## Equal opportunity", Section.PROCESS),
        ("How to apply", Section.PROCESS),
        ("## Wir bieten", Section.PROCESS),
        ("Our referral rules:", Section.PROCESS),
        ("## In return", Section.PROCESS),
        ("## Other notices", Section.PROCESS),
        ("## Canada", Section.PROCESS),
        ("## Le process de recrutement", Section.PROCESS),
        ("The position also requires the following:", Section.REQUIRED),
        ("## Does this sound like you?", Section.REQUIRED),
        ("Now, it would be ideal if you have:", Section.PREFERRED),
        ("It would be ideal if you know some of these", Section.PREFERRED),
        ("In addition, the perfect candidate would have:", Section.PREFERRED),
        ("## It will be great if you also know", Section.PREFERRED),
        ("Exceptional candidates will have...", Section.PREFERRED),
        ("## What sets you apart", Section.PREFERRED),
        ("## Additional skills (assets):", Section.PREFERRED),
        ("## Qualifications & Preferred Experience:", Section.REQUIRED),
        ("## Where You'll Be", Section.PROCESS),
        ("You may be a good fit if…", Section.REQUIRED),
        ("✅ You have...", Section.REQUIRED),
        ("## Who may apply", Section.REQUIRED),
        ("## Connaissances", Section.REQUIRED),
        ("## The difference you will make", Section.DUTIES),
        ("## A typical day:", Section.DUTIES),
        ("## As our baker, you will:", Section.DUTIES),
        ("🧠 You will...", Section.DUTIES),
        ("## Description du poste", Section.DUTIES),
        ("## Let’s talk about life @ Acme", Section.PROCESS),
        ("## How we'll take care of you:", Section.PROCESS),
        ("As a member of our crew, you’ll enjoy:", Section.PROCESS),
        ("## About us", Section.COMPANY),
        ("## About Acme", Section.COMPANY),
        ("## How we work", Section.COMPANY),
    ],
)
def test_a_heading_opens_its_section(heading: str, section: Section) -> None:
    lines = divide(f"Opening line.\n{heading}\n- Something in it")
    assert [line.section for line in lines] == [Section.OPENING, section, section]
    assert [line.is_heading for line in lines] == [False, True, False]


@pytest.mark.parametrize(
    "line",
    [
        "We ask for experience with requirements engineering in a regulated trade.",
        "- Requirements engineering",
        "You will define requirements, skills and qualifications for everybody who joins the team, "
        "which is a long sentence with a colon at its end:",
    ],
)
def test_a_sentence_or_list_item_is_no_heading(line: str) -> None:
    assert divide(line)[0].section is Section.OPENING


def test_a_line_may_say_itself_what_it_is() -> None:
    text = "Salary: $10 an hour\nJob Requirements: flour and water\nJob duties: bread\nThe rest."
    assert [line.section for line in divide(text)] == [
        Section.PROCESS,
        Section.REQUIRED,
        Section.DUTIES,
        Section.OPENING,
    ]
    assert not any(line.is_heading for line in divide(text))
    welcome = "## Nice to have\nExperience: yeast"
    assert divide(welcome)[-1].section is Section.PREFERRED


@pytest.mark.parametrize("entry", ["- Bonus:", "- Nice to have:", "- Nice-to-haves"])
def test_an_entry_may_open_what_is_welcome(entry: str) -> None:
    lines = divide(f"## Requirements\n- Flour\n{entry}\n- Sugar")
    assert [line.section for line in lines[1:]] == [
        Section.REQUIRED,
        Section.PREFERRED,
        Section.PREFERRED,
    ]
    assert divide(f"## Requirements\n- Flour\n{entry}")[-1].section is Section.REQUIRED


@pytest.mark.parametrize(
    "heading", ["## Customer experience", "## Support our GDPR compliance", "## Fraud detection"]
)
def test_a_trade_named_like_a_section_goes_on_with_the_duties(heading: str) -> None:
    lines = divide(f"## What you'll do\n{heading}\n- Something in it")
    assert lines[-1].section is Section.DUTIES


def test_only_before_a_list_does_a_bare_line_open_what_is_welcome() -> None:
    line = "It would be ideal if you know some of these"
    assert divide(f"## Requirements\n{line}\nNow the rest.")[-1].section is Section.REQUIRED
    assert divide(f"## Requirements\n{line}.\n- Now a list")[-1].section is Section.REQUIRED


def test_an_unknown_heading_goes_on_with_requirements_and_duties_only() -> None:
    lines = divide("## Requirements\n## Zorp\n- a\n## Benefits\n## Zorp\n- b")
    assert [line.section for line in lines if not line.is_heading] == [
        Section.REQUIRED,
        Section.OPENING,
    ]


@given(st.text(max_size=300))
def test_lines_are_the_text_s_own_without_blank_ones(text: str) -> None:
    lines = divide(text)
    assert [line.text for line in lines] == [raw for raw in text.split("\n") if raw.strip()]
    assert all(text[line.start : line.end] == line.text for line in lines)
