"""Lines that repeat over a board."""

from openfunnel.extraction.boilerplate import LEAST_TEXTS, NONE, find_boilerplate

WELCOME = "We welcome everybody."


def test_a_line_of_three_texts_is_boilerplate_whatever_its_case_and_white_space() -> None:
    found = find_boilerplate(f"{own}\n{WELCOME}" for own in ("one", "two", "three"))

    assert "WE  welcome everybody. " in found
    assert "one" not in found


def test_a_line_of_two_texts_is_none() -> None:
    assert find_boilerplate([f"one\n{WELCOME}", f"two\n{WELCOME}"]) == NONE


def test_the_same_text_again_does_not_make_its_lines_repeat() -> None:
    assert find_boilerplate(["You cook.\nYou serve."] * 10) == NONE


def test_what_few_of_many_texts_share_is_not_boilerplate() -> None:
    team = [f"posting {number}\nAbout the team" for number in range(LEAST_TEXTS)]
    others = [f"posting {number}\n{WELCOME}" for number in range(10, 40)]

    found = find_boilerplate([*team, *others])

    assert WELCOME in found
    assert "About the team" not in found


def test_a_line_that_stands_twice_in_one_text_counts_once() -> None:
    assert find_boilerplate(["a\nb\nb\nb", "c\nb", "d"]) == NONE
