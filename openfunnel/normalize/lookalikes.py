"""Letters of other alphabets that look like Latin ones, as copied titles and filter dodgers have.

The pairs are those of Unicode's table of confusable characters (UTS 39) that read as a single
Latin letter in ordinary type; mathematical and full-width letters are left to NFKC.
"""

import re

_CYRILLIC = ("АВЕКМНОРСТУХІЈЅаеорсухіјѕһԁԛԝ", "ABEKMHOPCTYXIJSaeopcyxijshdqw")
_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧονρι", "ABEZHIKMNOPTYXovpi")
_LETTERS = str.maketrans(_CYRILLIC[0] + _GREEK[0], _CYRILLIC[1] + _GREEK[1])
_LATIN = re.compile("[A-Za-z]")
_WORD = re.compile(r"[^\W\d_]+")


def fold_lookalikes(text: str) -> str:
    """Return `text` with look-alikes as the Latin letters they are taken for.

    Only in a text that has Latin letters, and in words that are wholly Latin once it is done:
    Russian and Greek words stay what they are.
    """
    if text.isascii() or not _LATIN.search(text):
        return text
    return _WORD.sub(_folded, text)


def _folded(match: re.Match[str]) -> str:
    word = match[0]
    latin = word.translate(_LETTERS)
    return latin if latin.isascii() else word
