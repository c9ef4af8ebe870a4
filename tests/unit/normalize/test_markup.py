"""HTML to lines, whatever it is."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.markup import HEADING_CHARS, html_to_text, unescape
from openfunnel.normalize.text import one_line

TAGS = ["<p>", "</p>", "<b>", "</b>", "<li>", "<ul>", "<h2>", "</h2>", "<br/>", "<pre>", "</pre>"]
TRAPS = ["<!--", "<script>", "<span style='font-weight:600'>", "</span>", '<a b="', "&lt;", "&#0;"]
WORDS = ["word", " ", "\n", "•", "- ", "é", "\x00", "\ud800"]
MARKUP = st.lists(st.sampled_from(TAGS + TRAPS + WORDS)).map("".join)


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<p>One</p><p>Two</p>", "One\nTwo"),
        ("<div>One<div>Two</div>Three</div>", "One\nTwo\nThree"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<p>a <em>b</em>\n  c&nbsp;d</p>", "a b c d"),
        ("<ul><li>One</li><li>Two</li></ul>", "- One\n- Two"),
        ("<ul><li>One<li>Two<ul><li>Three</ul></ul>", "- One\n- Two\n- Three"),
        ("<ul><li><p>One</p><p>more</p></li></ul><p>After</p>", "- One\nmore\nAfter"),
        ("<ul><li><ul><li>Inner</li></ul></li></ul>", "- Inner"),
        ("<p>• One</p><p>– Two</p>", "- One\n- Two"),
        ("<h3>Title</h3>Text", "## Title\nText"),
        ("<p><strong>Title:</strong></p><p>Text</p>", "## Title:\nText"),
        ("<p><strong>Tit</strong><b>le</b> :</p>", "## Title :"),
        ("<p><strong>Title</strong><br>Text</p>", "## Title\nText"),
        ("<p><strong>Not</strong> wholly</p>", "Not wholly"),
        ('<p><span style="font-weight: bold">Title</span></p>', "## Title"),
        ('<p><strong><span style="font-weight: 400">Text</span></strong></p>', "Text"),
        ("<ul><li><b>Item</b></li></ul>", "- Item"),
        ("<p><b>---</b></p>", "---"),
        ("<p><b>A sentence.</b></p>", "A sentence."),
        ("<h2></h2><p>Text</p>", "Text"),
        ("<h2>Title<ul><li>One</li></ul>", "## Title\n- One"),
        ("<p>C++ &lt;templates&gt; &amp;amp; R&amp;D</p>", "C++ <templates> &amp; R&D"),
        ("<p>4 < 5 and 6 > 5</p>", "4 < 5 and 6 > 5"),
        ("<p>a</p><script>if (a<b) {}</script><style>p{}</style><p>b</p>", "a\nb"),
        ("<p>a<!-- <b>hidden</b> -->b</p>", "ab"),
        ("<a href=\"x>y\" title='>'>link</a>", "link"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>c</td></tr></table>", "a b\nc"),
        ("<pre>one\n  two</pre>", "one\ntwo"),
        ("no tags\n\n  at   all &amp; so on", "no tags\nat all & so on"),
        ("<p>zero\u200bwidth soft\u00adhyphen \x00\x07\ud800</p>", "zerowidth softhyphen"),
        ("<p>&#0;&#xD800;&#1114112;x</p>", "\ufffd\ufffd\ufffdx"),
        ("<P>Upper<BR>case</P>", "Upper\ncase"),
        ("", ""),
    ],
)
def test_html_becomes_lines(markup: str, text: str) -> None:
    assert html_to_text(markup) == text


def test_a_bold_paragraph_is_no_heading() -> None:
    words = "word " * HEADING_CHARS

    assert html_to_text(f"<p><b>{words}</b></p>") == words.strip()


def test_a_reference_of_ten_thousand_digits_is_left_out() -> None:
    assert html_to_text(f"<p>a&#{'9' * 10_000};b</p>") == "ab"


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Stop what takes far longer than it may: quadratic work on these inputs takes minutes."""

    def give_up(*_: object) -> None:
        raise AssertionError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.mark.parametrize(
    "bomb",
    [
        pytest.param("<div>" * 400_000, id="nested divs"),
        pytest.param("<ul><li>x" * 220_000, id="nested lists"),
        pytest.param("<b>x" * 500_000, id="nested bold"),
        pytest.param("<span>" * 200_000 + "</b>" * 200_000, id="closing tags of nothing"),
        pytest.param("<div " + " ".join(f"a{n}=1" for n in range(200_000)) + ">", id="attributes"),
        pytest.param("<a " * 700_000, id="tags without end"),
        pytest.param('<a b="' * 350_000, id="quotes without end"),
        pytest.param("<!--" * 500_000, id="comments without end"),
        pytest.param("<script>" * 250_000, id="scripts without end"),
        pytest.param("<" * 2_000_000, id="angle brackets"),
        pytest.param("&#" * 500_000 + "9" * 1_000_000, id="references"),
        pytest.param("<p>" + " \n" * 1_000_000, id="white space"),
    ],
)
def test_html_made_to_stall_a_parser_does_not(bomb: str) -> None:
    with at_most(seconds=60):
        html_to_text(bomb)


@given(MARKUP | st.text(st.characters(exclude_categories=())))
def test_whatever_comes_becomes_clean_lines(markup: str) -> None:
    text = html_to_text(markup)

    text.encode()
    assert "\x00" not in text
    for line in text.split("\n") if text else ():
        assert line == one_line(line) != ""


def test_escaped_content_is_unescaped_once() -> None:
    assert unescape("&lt;p&gt;R&amp;amp;D&lt;/p&gt;") == "<p>R&amp;D</p>"


def test_content_with_real_tags_stays() -> None:
    assert unescape("<p>R&amp;D &lt;i&gt;</p>") == "<p>R&amp;D &lt;i&gt;</p>"
