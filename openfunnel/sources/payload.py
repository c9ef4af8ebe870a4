"""Reading payloads strictly: every field is used, ignored by name, or counted as unknown.

`Entry` hands out the fields of one object, each of its own type, and keeps account of those nobody
asked for.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from openfunnel.normalize.text import one_line

DEEPEST_NESTING = 50
"""Levels of lists and objects in one posting; real ones have five."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class FieldError(ValueError):
    """A field holds something of the wrong kind; the message names it."""


def is_too_deep(value: object) -> bool:
    """Whether lists and objects are nested beyond `DEEPEST_NESTING`: no writer is to meet those."""
    level: list[Any] = [value] if isinstance(value, dict | list) else []
    for _ in range(DEEPEST_NESTING):
        level = [
            item
            for outer in level
            for item in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(item, (dict, list))  # twice as fast as a union
        ]
        if not level:
            return False
    return True


def kind(value: object) -> str:
    """Return what JSON calls the type of `value`."""
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a text"}
    return names.get(type(value), "a list" if isinstance(value, list) else "an object")


class Entry:
    """One JSON object, whose fields are taken one by one.

    A field that is absent or null is None (or empty); one of the wrong type raises `FieldError`.
    `unknown` counts, by path, the fields left when `close` is called. An object that a whole list
    of entries shares the shape of goes by the path of the list: `jobs[].offices[]`.
    """

    def __init__(self, value: object, path: str, unknown: Counter[str]) -> None:
        if not isinstance(value, dict):
            raise FieldError(f"{path or 'the answer'} is {kind(value)}, not an object")
        self.raw: Mapping[str, Any] = value
        self._path = path
        self._unknown = unknown
        self._used: set[str] = set()

    def is_null(self, name: str) -> bool:
        """Whether the field is there and null; uses it."""
        return name in self.raw and self._take(name) is None

    def text(self, name: str) -> str | None:
        """Take a text as it is; None where it is blank."""
        value = self._typed(name, str, "a text")
        return value if value is not None and value.strip() else None

    def line(self, name: str) -> str | None:
        """Take a text as one clean line; None where it is blank."""
        return one_line(self.text(name) or "") or None

    def number(self, name: str) -> int | float | None:
        """Take a number."""
        value: int | float | None = self._typed(name, (int, float), "a number")
        return value

    def time(self, name: str) -> datetime | None:
        """Take an ISO 8601 time with an offset, as UTC."""
        text = self.text(name)
        if text is None:
            return None
        try:
            time = datetime.fromisoformat(text)
            if time.tzinfo is None:
                raise ValueError("no offset")
            return time.astimezone(UTC)
        except (ValueError, OverflowError):
            raise FieldError(f"{self._at(name)} is no time with an offset") from None

    def epoch_ms(self, name: str) -> datetime | None:
        """Take milliseconds since 1970 (UTC)."""
        number = self.number(name)
        if number is None:
            return None
        try:
            return _EPOCH + timedelta(milliseconds=number)
        except OverflowError:
            raise FieldError(f"{self._at(name)} is no time of this era") from None

    def entry(self, name: str) -> "Entry | None":
        """Take an object."""
        value = self._take(name)
        return None if value is None else Entry(value, self._at(name), self._unknown)

    def entries(self, name: str) -> list["Entry"]:
        """Take a list of objects; each of them is to be closed."""
        values = self._typed(name, list, "a list") or []
        return [Entry(value, f"{self._at(name)}[]", self._unknown) for value in values]

    def lines(self, name: str) -> list[str]:
        """Take a list of texts, each as one clean line, blanks left out."""
        values = self._typed(name, list, "a list") or []
        for value in values:
            if not isinstance(value, str):
                raise FieldError(f"{self._at(name)}[] is {kind(value)}, not a text")
        return [line for line in map(one_line, values) if line]

    def values(self, name: str) -> list[Any]:
        """Take a list of anything."""
        return self._typed(name, list, "a list") or []

    def any(self, name: str) -> Any:
        """Take whatever is there."""
        return self._take(name)

    def close(self, ignored: Collection[str] = ()) -> None:
        """Count every field that was neither taken nor is ignored by name."""
        for name in self.raw.keys() - self._used:
            if name not in ignored:
                self._unknown[self._at(one_line(name)[:100])] += 1

    def _take(self, name: str) -> Any:
        self._used.add(name)
        return self.raw.get(name)

    def _typed(self, name: str, types: type | tuple[type, ...], wanted: str) -> Any:
        value = self._take(name)
        if value is None:
            return None
        if not isinstance(value, types) or isinstance(value, bool):
            raise FieldError(f"{self._at(name)} is {kind(value)}, not {wanted}")
        return value

    def _at(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name
