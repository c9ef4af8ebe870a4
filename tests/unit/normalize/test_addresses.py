"""What stands inside an address, and what beside one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.addresses import Addresses


@pytest.mark.parametrize(
    "text",
    [
        "see https://example.com/NAME/jobs",
        "http://localhost/NAME",
        "NAME.example.com",
        "mail NAME@example.com",
        "www.NAME.com",
        "sub.example.io/NAME?x=1",
    ],
)
def test_a_part_of_an_address_is_held(text: str) -> None:
    start = text.index("NAME")
    assert Addresses(text).hold(start, start + 4)


@pytest.mark.parametrize(
    "text",
    [
        "NAME",
        "in NAME. Then",
        "example.com NAME",
        "https://example.com\nNAME",
        "NAME/TCP.",
        "e.g.NAME",
    ],
)
def test_what_stands_beside_an_address_is_not_held(text: str) -> None:
    start = text.index("NAME")
    assert not Addresses(text).hold(start, start + 4)


def test_a_host_name_that_is_the_name_is_not_held() -> None:
    assert not Addresses("boards in monday.com").hold(10, 20)
    assert Addresses("https://monday.com").hold(8, 18)


@given(st.text(max_size=80), st.text(max_size=80))
def test_between_spaces_nothing_but_an_address_is_held(before: str, after: str) -> None:
    start = len(before) + 1

    assert not Addresses(f"{before} Go {after}").hold(start, start + 2)


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_part_of_a_link_is_held_whatever_stands_around(before: str, after: str) -> None:
    start = len(before) + len(" https://x.example/")

    assert Addresses(f"{before} https://x.example/go {after}").hold(start, start + 2)
