"""JSON read piece by piece: the memory of one entry, however long the answer is.

Decoding a 45 MB answer at once makes ten times as much of Python objects. Here the body is decoded
in windows, and its list is handed out entry by entry. What PostgreSQL cannot store is left out on
the way: NUL characters and lone surrogates are dropped from texts; numbers that are infinite, not a
number, or longer than `LONGEST_NUMBER` become None; bytes that are not UTF-8 become U+FFFD.
"""

import json
import math
import re
from codecs import getincrementaldecoder
from collections.abc import Iterator
from typing import Any

from openfunnel.errors import ChangedSchema, TruncatedAnswer, UnparsableAnswer
from openfunnel.records import BoardRef
from openfunnel.sources.payload import kind

WINDOW_BYTES = 1 << 18
"""Bytes decoded at a time; real entries have 5 to 50 thousand."""

LONGEST_VALUE = 8_000_000
"""Characters of one entry: what bounds the memory that an answer made to exhaust it takes."""

LONGEST_NUMBER = 40
"""Digits of a number worth keeping; PostgreSQL and Python both refuse much longer ones."""

_NO_SPACE = re.compile(r"[^ \t\n\r]")
_AFTER = (",", "]", "}", " ", "\t", "\n", "\r")
"""What may stand behind a number or a literal."""
_UNSTORABLE_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE_CHARACTERS = re.compile("[\x00\ud800-\udfff]")
_LITERALS = ("true", "false", "null", "NaN", "Infinity", "-Infinity")
_REST_OF_A_TOKEN = re.compile(r"u[0-9a-fA-F]{0,4}|\.|[eE][+-]?")
"""What the decoder leaves of an escape or a number that the end of the text cuts in two."""


class AnswerStream:
    """The body of an answer, whose values are taken one after the other.

    Every method raises `TruncatedAnswer` where the text ends although more must follow,
    `UnparsableAnswer` where it is no JSON, and `ChangedSchema` where it is JSON of another type.
    """

    def __init__(self, body: bytes, board: BoardRef) -> None:
        self._body = body
        self._board = board
        self._decode = getincrementaldecoder("utf-8-sig")("replace").decode
        self._read_bytes = 0
        self._passed = 0
        """Characters before the window."""
        self._window = ""
        self._at = 0

    def items(self, name: str) -> Iterator[Any]:
        """Take a list, value by value; `name` says in errors which one."""
        self._enter("[", f"{name} is {{}}, not a list")
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield self.value()
            if self._ends("]"):
                return

    def members(self, name: str) -> Iterator[str]:
        """Take an object, name by name: whoever iterates takes the value before the next name."""
        self._enter("{", f"{name} is {{}}, not an object")
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            if self._peek() != '"':
                raise self._missing("name")
            key = self.value()
            if self._peek() != ":":
                raise self._missing("':'")
            self._at += 1
            yield key
            if self._ends("}"):
                return

    def value(self) -> Any:
        """Take the next value, whatever it is."""
        self._peek()
        while True:
            try:
                value, end = _DECODER.raw_decode(self._window, self._at)
            except RecursionError:
                raise self.unparsable("the JSON is nested too deeply") from None
            except json.JSONDecodeError as error:
                if not self._widen():
                    raise self._refusal(error.msg, error.pos) from None
                continue
            # A number at the end of the window may go on behind it.
            is_closed = (
                isinstance(value, str | list | dict) or self._window[end : end + 1] in _AFTER
            )
            if is_closed or not self._widen():
                break
        begin, self._at = self._at, end
        return _storable(value) if self._has_unstorable(begin, end) else value

    def end(self) -> None:
        """Make sure that nothing follows."""
        if self._peek():
            raise self.unparsable(f"it is no JSON: it goes on at character {self._place:,}")

    def unparsable(self, reason: str) -> UnparsableAnswer:
        """Return the error of an answer that is no JSON, or contradicts itself."""
        return UnparsableAnswer(**self._named, reason=reason)

    def truncated(self, reason: str) -> TruncatedAnswer:
        """Return the error of an answer that ends early."""
        return TruncatedAnswer(**self._named, reason=reason)

    def changed(self, reason: str) -> ChangedSchema:
        """Return the error of an answer in a shape that nobody documented."""
        return ChangedSchema(**self._named, reason=reason)

    @property
    def _place(self) -> int:
        return self._passed + self._at

    @property
    def _named(self) -> dict[str, object]:
        return {"ats": self._board.ats, "token": self._board.token}

    def _enter(self, bracket: str, otherwise: str) -> None:
        if self._peek() != bracket:
            found = kind(self.value())
            raise self.changed(otherwise.format(found))
        self._at += 1

    def _ends(self, bracket: str) -> bool:
        found = self._peek()
        if found not in (",", bracket):
            raise self._missing(f"',' or '{bracket}'")
        self._at += 1
        return found == bracket

    def _peek(self) -> str:
        """Pass white space; return the next character, or nothing at the end of the text."""
        while True:
            if found := _NO_SPACE.search(self._window, self._at):
                self._at = found.start()
                return found[0]
            self._at = len(self._window)
            if not self._widen():
                return ""

    def _widen(self) -> bool:
        """Decode at least as much again as is left of the window; False at the end of the body."""
        if self._read_bytes == len(self._body):
            return False
        left = len(self._window) - self._at
        if left > LONGEST_VALUE:
            size = f"{LONGEST_VALUE:,} characters"
            raise self.unparsable(f"the value at character {self._place:,} has more than {size}")
        upto = min(len(self._body), self._read_bytes + max(WINDOW_BYTES, left))
        more = self._decode(self._body[self._read_bytes : upto], upto == len(self._body))
        self._passed += self._at
        self._window, self._at, self._read_bytes = self._window[self._at :] + more, 0, upto
        return True

    def _has_unstorable(self, begin: int, end: int) -> bool:
        # Looking for one literal is ten times as fast as looking for either of two.
        return (
            self._window.find("\x00", begin, end) >= 0
            or _UNSTORABLE_ESCAPE.search(self._window, begin, end) is not None
        )

    def _missing(self, wanted: str) -> UnparsableAnswer:
        return self._refusal(f"no {wanted}", self._at)

    def _refusal(self, problem: str, position: int) -> UnparsableAnswer:
        """Return what is wrong at a position of the last window: cut off there, or no JSON."""
        rest = self._window[position : position + 10]
        reason = f"{problem} at character {self._passed + position:,}"
        if (
            problem.startswith("Unterminated string")
            or any(literal.startswith(rest) for literal in _LITERALS)
            or _REST_OF_A_TOKEN.fullmatch(rest)
        ):
            return self.truncated(reason)
        return self.unparsable(f"it is no JSON: {reason}")


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_NUMBER else None


def _real(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


_DECODER = json.JSONDecoder(
    strict=False,  # raw control characters are common, and harmless once cleaned
    parse_int=_integer,
    parse_float=_real,
    parse_constant=lambda _: None,
)


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _UNSTORABLE_CHARACTERS.sub("", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(name): _storable(item) for name, item in value.items()}
    return value
