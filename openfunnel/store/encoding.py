"""What PostgreSQL refuses is mended here, at the one edge every value passes.

`text` knows no NUL and no lone surrogate, `jsonb` neither of these nor NaN nor endless nesting.
Boards send all of them. `adapt` is applied to each new connection, so that no statement can forget.
"""

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.types.json import set_json_dumps
from psycopg.types.string import StrDumperUnknown

MAX_DEPTH = 100
"""Levels of JSON kept; what lies deeper becomes null (the raw answer still has it)."""
MAX_INT_DIGITS = 1000
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_SURROGATE = re.compile("[\ud800-\udfff]")
_ESCAPED_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")


def storable_text(text: str) -> str:
    """Return `text` without NUL characters, and with U+FFFD for each lone surrogate."""
    if "\0" in text:
        text = text.replace("\0", "")
    if text.isascii():  # known without looking
        return text
    try:
        text.encode()
    except UnicodeEncodeError:
        return _SURROGATE.sub("\ufffd", text)
    return text


def storable_time(moment: datetime | None) -> datetime | None:
    """Return `moment` in UTC (naive ones are taken for UTC); None where no calendar means it."""
    if moment is None:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(UTC) if EARLIEST <= moment <= LATEST else None


def to_json(value: object) -> str:
    """Serialise `value` to JSON that `jsonb` takes, whatever it holds."""
    try:
        document = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (ValueError, RecursionError):
        document = json.dumps(_bounded(value, MAX_DEPTH), ensure_ascii=False)
    if "\\u0000" in document:
        document = _ESCAPED_NUL.sub(r"\1", document)
    return storable_text(document)


def to_array(values: Iterable[object]) -> str:
    """Write `values` as an array literal of PostgreSQL, to be cast to the array's type.

    The driver's own dumper looks at each value by regular expressions, at several times the cost.
    https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO
    """
    return "{" + ",".join([_element(value) for value in values]) + "}"


def adapt(connection: "psycopg.Connection[Any]") -> None:
    """Make every string and JSON value sent over `connection` storable."""
    connection.adapters.register_dumper(str, _StorableDumper)
    set_json_dumps(to_json, connection)


class _StorableDumper(StrDumperUnknown):
    def dump(self, obj: str) -> bytes:
        try:
            encoded = obj.encode()
        except UnicodeEncodeError:
            encoded = storable_text(obj).encode()
        return encoded.replace(b"\0", b"") if b"\0" in encoded else encoded


def _element(value: object) -> str:
    if value is None:
        return "NULL"
    written = str(value)
    if "\\" in written or '"' in written:
        written = written.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{written}"'


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, int):
        return value if abs(value) < 10**MAX_INT_DIGITS else None
    if isinstance(value, dict | list | tuple) and depth == 0:
        return None
    if isinstance(value, dict):
        return {key: _bounded(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_bounded(item, depth - 1) for item in value]
    return value
