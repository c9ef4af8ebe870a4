"""Looks up what a model quotes in a posting's title and text: verbatim, in whole words.

White space is folded on both sides. All look-ups together are linear in the length of the text and
of the quotes, whatever both hold.
"""

import re
from bisect import bisect_right
from functools import cached_property, lru_cache
from itertools import accumulate

from openfunnel.normalize.text import fold
from openfunnel.records import Evidence, PostingText

MOST_PLACES = 100
"""How many places are tried for what stands inside longer words."""
STEM_CHARACTERS = 4
"""What two words must begin with to be forms of one: `analyse`, `analysis`."""
WORDS_CHARACTERS = 200_000
"""What is read of a text for its words; quotes are looked up in the whole."""

LONGEST_WORD = 30
"""Characters of a word, in scripts with spaces between them."""

_WORD = re.compile(r"[^\W_]+")
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_SIGNED = re.compile(r"\w[^\w\s-]|\d")
"""A digit or sign within a name: `S3`, `C++`."""
_SPACED = "\u0e00"
"""Scripts below it put spaces between words; Thai, those of East Asia and so on do not."""


class Source:
    """A posting, made ready for looking up quotes and words."""

    def __init__(self, posting: PostingText) -> None:
        self.posting = posting

    def find(self, quote: str) -> Evidence | None:
        """Return where `quote` stands in the posting's text, else its title; None where neither."""
        words = quote.split()
        if not words:
            return None
        folded = " ".join(words)
        if (span := self._find_in_text(folded)) is not None:
            start, end = span
            return Evidence(text=self.posting.text[start:end], start=start, end=end)
        title = " ".join(self.posting.title.split())
        at = _find(folded, title)
        return None if at is None else Evidence(text=title[at : at + len(folded)])

    def share_of_words(self, text: str) -> float:
        """Return the share of the longer words of `text` that the posting has, in some form.

        A word that is too long to be one counts as several that it does not have.
        """
        asked = _stems(text)
        known = sum(map(self._has_stem, asked))
        longest = max(map(len, _ASCII_WORD.findall(text)), default=0)
        return known / max(len(asked), longest / LONGEST_WORD) if asked else 0.0

    def names(self, name: str) -> bool:
        """Return whether title or text hold `name`, whatever its case and accents."""
        folded = fold(name)
        return bool(folded) and _find(folded, self._folded) is not None

    def names_properly(self, name: str) -> bool:
        """Return whether title or text hold `name` and write it as no common word is written."""
        return self.names(name) and _is_among(name, self._proper_words)

    def _find_in_text(self, quote: str) -> tuple[int, int] | None:
        text = self.posting.text
        if (start := _find(quote, text)) is not None:  # within one line, as nearly always
            return start, start + len(quote)
        if (at := _find(quote, self._flat)) is None:
            return None
        return self._position(at), self._position(at + len(quote) - 1) + 1

    @cached_property
    def _flat(self) -> str:
        """The text on one line, white space folded."""
        return " ".join(self.posting.text.split())

    @cached_property
    def _word_starts(self) -> tuple[list[int], list[int]]:
        """Where each word begins, in the text and in its folded form."""
        spans = [word.span() for word in re.finditer(r"\S+", self.posting.text)]
        lengths = (end - start + 1 for start, end in spans)
        return [start for start, _ in spans], [0, *accumulate(lengths)]

    def _position(self, at: int) -> int:
        """Return where in the text the character stands that is at `at` in its folded form."""
        in_text, in_flat = self._word_starts
        word = bisect_right(in_flat, at) - 1
        return in_text[word] + at - in_flat[word]

    def _has_stem(self, stem: str) -> bool:
        """Return whether a word begins with `stem`; in scripts without spaces, whether it is there.

        Quicker than all stems of the text, of which a handful is asked for.
        """
        text = self._lowered
        at = text.find(stem)
        if not stem.isascii():
            return at >= 0
        for _ in range(MOST_PLACES):
            if at <= 0 or not text[at - 1].isalnum():
                return at >= 0
            at = text.find(stem, at + 1)
        return False

    @cached_property
    def _lowered(self) -> str:
        return self._said.casefold()

    @cached_property
    def _proper_words(self) -> frozenset[str]:
        return _proper_words_of(self._said)

    @cached_property
    def _folded(self) -> str:
        return fold(self._said)

    @property
    def _said(self) -> str:
        """Title, employer and text."""
        posting = self.posting
        said = (posting.title, posting.company_name or "", posting.text[:WORDS_CHARACTERS])
        return "\n".join(said)


def is_named(evidence: str, spelling: str) -> bool:
    """Return whether every word of a name stands in its evidence: `S3` in `on S3 and EC2`."""
    name = _words(spelling)
    if not name:
        return False
    if _find(spelling, evidence) is not None:  # as nearly always, and quicker to see
        return True
    return name <= _words(evidence) or (
        not spelling.isascii() and fold(spelling) in fold(evidence)  # words without spaces
    )


def is_touched(evidence: str, spelling: str) -> bool:
    """Return whether any longer word of a name stands in its evidence, in some form."""
    return not _stems(spelling).isdisjoint(_stems(evidence))


def is_proper_name(evidence: str, name: str) -> bool:
    """Return whether the evidence writes any word of `name` as no common word is written.

    That is with a capital, a digit or a sign, or in a script without capitals.
    """
    return _is_among(name, _proper_words_of(evidence))


def _is_among(name: str, proper_words: frozenset[str]) -> bool:
    return _SIGNED.search(name) is not None or not proper_words.isdisjoint(_words(name))


def _proper_words_of(text: str) -> frozenset[str]:
    """Return the words, folded, that are written as no common word is."""
    written = (
        word
        for word in _WORD.findall(text)
        if word != word.lower() or (len(word) > 1 and not word.isascii())
    )
    return frozenset().union(*map(_words, written))


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    """Return the words of a name or quote, folded; names come again and again."""
    return frozenset(_WORD.findall(fold(text)))


@lru_cache(maxsize=4096)
def _stems(text: str) -> frozenset[str]:
    """Return what the words of `text` begin with, shorter words left out."""
    words = _WORD.findall(text.casefold())
    return frozenset(word[:STEM_CHARACTERS] for word in words if len(word) >= STEM_CHARACTERS)


def _find(quote: str, text: str) -> int | None:
    """Return where `quote` first stands in `text` without cutting a word."""
    at = text.find(quote)
    for _ in range(MOST_PLACES):
        if at < 0:
            return None
        end = at + len(quote)
        if not (_joined(text, at) or _joined(text, end)):
            return at
        at = text.find(quote, at + 1)
    return None


def _joined(text: str, at: int) -> bool:
    """Return whether the characters before and behind `at` belong to one word."""
    if not 0 < at < len(text):
        return False
    left, right = text[at - 1], text[at]
    return left.isalnum() and right.isalnum() and max(left, right) < _SPACED
