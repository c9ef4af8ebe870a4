"""The same section as different editors write it."""

import pytest

from openfunnel.normalize.markup import html_to_text
from openfunnel.sandbox.layouts import LAYOUTS, list_items, plain
from openfunnel.sandbox.texts import Section

SECTION = Section(
    kind="duties",
    heading="R&D at <Acme>",
    paragraphs=("Grüße aus 東京 & elsewhere.",),
    items=("Use C++ & <vector>", "Rest"),
)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_says_the_same(layout):
    text = html_to_text(layout(SECTION))

    for said in (SECTION.heading, *SECTION.paragraphs, *SECTION.items):
        assert said in text


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_section_without_a_heading_has_only_its_text(layout):
    text = html_to_text(layout(Section("closing", "", ("Goodbye.",))))

    assert text.strip("-• \n") == "Goodbye."


def test_layouts_differ():
    assert len({layout(SECTION) for layout in LAYOUTS}) == len(LAYOUTS)


def test_levers_lists_hold_items_alone():
    assert list_items(SECTION) == "\n<li>Use C++ &amp; &lt;vector&gt;</li>\n<li>Rest</li>"


def test_the_plain_twin_has_a_line_for_each():
    assert plain(SECTION).splitlines() == [
        "R&D at <Acme>",
        "Grüße aus 東京 & elsewhere.",
        "- Use C++ & <vector>",
        "- Rest",
    ]
