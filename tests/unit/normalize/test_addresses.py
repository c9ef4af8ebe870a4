"""What stands inside an address, and what beside one."""

import pytest

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
