"""The HTML that people's editors make of the same section."""

import html
from collections.abc import Callable, Sequence

from openfunnel.sandbox.texts import Section

Layout = Callable[[Section], str]


def headings(section: Section) -> str:
    """`<h2>`, paragraphs, a list."""
    return _join(f"<h2>{_text(section.heading)}</h2>", section)


def strong_headings(section: Section) -> str:
    """`<h3>` that is bold once more, as pasted from a word processor."""
    return _join(f"<h3><strong>{_text(section.heading)}&nbsp;</strong></h3>", section)


def bold_paragraphs(section: Section) -> str:
    """Headings that are only bold paragraphs."""
    return _join(f"<p><strong>{_text(section.heading)}:</strong></p>", section)


def line_breaks(section: Section) -> str:
    """One paragraph with line breaks; list items are lines with a bullet sign."""
    lines = [section.heading, *section.paragraphs, *(f"• {item}" for item in section.items)]
    return f"<p>{'<br>'.join(_text(line) for line in lines if line)}</p>"


def styled_blocks(section: Section) -> str:
    """Nested `<div>` and `<span>` with inline styles."""
    style = '<span style="font-size: 16px;">'
    parts = [f"<div><b>{style}{_text(section.heading)}</span></b></div>"] if section.heading else []
    parts += [f"<div>{style}{_text(line)}</span></div>" for line in section.paragraphs]
    if section.items:
        items = "".join(f"<li>{style}{_text(item)}</span></li>" for item in section.items)
        parts.append(f"<ul>{items}</ul>")
    return "\n".join([*parts, "<div>&nbsp;</div>"])


LAYOUTS: Sequence[Layout] = (
    headings,
    strong_headings,
    bold_paragraphs,
    line_breaks,
    styled_blocks,
)


def list_items(section: Section) -> str:
    """Only the items, as Lever's `lists` hold them."""
    return "".join(f"\n<li>{_text(item)}</li>" for item in section.items)


def plain(section: Section) -> str:
    """Write the section as an ATS's plain twin has it."""
    lines = [section.heading, *section.paragraphs, *(f"- {item}" for item in section.items)]
    return "\n".join(line for line in lines if line)


def _join(heading: str, section: Section) -> str:
    parts = [heading] if section.heading else []
    parts += [f"<p>{_text(line)}</p>" for line in section.paragraphs]
    if section.items:
        items = "\n".join(f"<li>{_text(item)}</li>" for item in section.items)
        parts.append(f"<ul>\n{items}\n</ul>")
    return "\n".join(parts)


def _text(text: str) -> str:
    return html.escape(text, quote=False)
