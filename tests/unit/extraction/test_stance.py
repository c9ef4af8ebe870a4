"""How a line relates to what it names."""

import pytest

from openfunnel.extraction.sections import Section, divide
from openfunnel.extraction.stance import sentence_span, stance_of
from openfunnel.records import Stance


def stance(text: str, name: str) -> Stance:
    line = next(line for line in divide(text) if name in line.text)
    start = line.text.index(name)
    end = start + len(name)
    return stance_of(line.text, line.section, sentence_span(line.text, start, end), start, end)


@pytest.mark.parametrize(
    ("heading", "expected"),
    [
        ("## Requirements", Stance.REQUIRED),
        ("## Nice to have", Stance.PREFERRED),
        ("## What you'll do", Stance.USED),
        ("## Benefits", Stance.MENTIONED),
    ],
)
def test_the_section_decides_where_the_words_do_not(heading: str, expected: Stance) -> None:
    assert stance(f"{heading}\n- Python", "Python") is expected


@pytest.mark.parametrize(
    "item", ["- Mastery required (Python)", "- Python is a must", "- Be proficient in Python"]
)
def test_what_is_demanded_among_the_duties_is_required(item: str) -> None:
    assert stance(f"## What you'll do\n{item}", "Python") is Stance.REQUIRED


@pytest.mark.parametrize(
    "item",
    [
        "- 5+ years of work with Python",
        "- At least 3 years of Python",
        "- Solid experience with Python",
        "- 3+ Experience with Python",
        "- Strong working knowledge of Python",
        "- The ability to write Python",
        "- Proficient with Python",
    ],
)
def test_lines_that_begin_like_a_requirement_are_one_whatever_their_heading(item: str) -> None:
    assert stance(f"## Responsibilities\n{item}", "Python") is Stance.REQUIRED
    assert stance(f"## Responsibilities\n{item} is a plus", "Python") is Stance.PREFERRED


def test_a_duty_that_speaks_of_experience_is_none() -> None:
    item = "- Build the customer experience in Python"
    assert stance(f"## Responsibilities\n{item}", "Python") is Stance.USED


@pytest.mark.parametrize("heading", ["## Requirements", "## Benefits", "## About us"])
@pytest.mark.parametrize("line", ["- Tech stack (today): Python", "Our stack – Python and Rust"])
def test_what_a_stack_lists_is_used(heading: str, line: str) -> None:
    assert stance(f"{heading}\n{line}", "Python") is Stance.USED


@pytest.mark.parametrize(
    "item",
    [
        "- Python is a plus",
        "- Ideally, some Python",
        "- Rust (Python preferred)",
        "- Bonus points for Python",
        "- Python von Vorteil",
        "- Python serait un plus",
        "- Nice to have: Python",
        "- Two years of Python and Rust (advantageous)",
    ],
)
def test_words_of_welcome_soften_a_requirement(item: str) -> None:
    assert stance(f"## Requirements\n{item}", "Python") is Stance.PREFERRED


@pytest.mark.parametrize(
    "item",
    [
        "- Python, and cloud platforms (GCP preferred)",
        "- Python. Rust is a plus",
        "- Fluent in Python, bonus points for Rust",
    ],
)
def test_a_welcome_meant_for_another_name_does_not_count(item: str) -> None:
    assert stance(f"## Requirements\n{item}", "Python") is Stance.REQUIRED


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("We use Python for everything.", Stance.USED),
        ("You need experience with Python.", Stance.REQUIRED),
        ("- Python on the backend", Stance.USED),
        ("Python is named after a comedy group.", Stance.MENTIONED),
        ("We are migrating from Python to something else.", Stance.MIGRATING_FROM),
        ("You help us replace Python", Stance.MIGRATING_FROM),
        ("You will be replacing our Python", Stance.MIGRATING_FROM),
    ],
)
def test_prose_is_read_by_its_words(text: str, expected: Stance) -> None:
    assert stance(text, "Python") is expected


def test_a_sentence_ends_at_its_stop_but_not_at_an_abbreviation() -> None:
    text = "Use tools (e.g. Python). Then rest."
    assert sentence_span(text, text.index("Python"), text.index("Python") + 6) == (0, 24)
    assert sentence_span(text, text.index("rest"), text.index("rest") + 4) == (25, len(text))


@pytest.mark.parametrize(
    "word",
    ["Sr.", "Jr.", "Dr.", "Mr.", "Mrs.", "Ms.", "St.", "No.", "vs.", "Inc.", "Ltd."],
)
def test_the_stop_of_an_abbreviation_ends_no_sentence(word: str) -> None:
    text = f"As {word} Analytics Engineer, you use Python. Then rest."
    start = text.index("Python")
    assert sentence_span(text, start, start + 6) == (0, text.index(" Then"))


def test_a_word_that_ends_like_an_abbreviation_ends_a_sentence() -> None:
    text = "GoSt. Python rules."
    assert sentence_span(text, 6, 12) == (6, len(text))


def test_an_endless_sentence_is_read_around_the_name_only() -> None:
    text = "word " * 10_000
    low, high = sentence_span(text, 20_000, 20_004)
    assert low < 20_000 < 20_004 < high
    assert high - low < 2_000


def test_the_opening_is_prose() -> None:
    assert divide("Python")[0].section is Section.OPENING
