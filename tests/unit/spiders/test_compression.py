"""Bodies are decoded as Scrapy decodes them, sooner."""

import gzip
import zlib

import pytest
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware

from spiders.compression import Decompress

TEXT = b"a board and its postings, " * 5000
WHOLE = gzip.compress(TEXT)
BODIES = {
    "whole": WHOLE,
    "nothing": gzip.compress(b""),
    "cut short": WHOLE[:-40],
    "without its checksum": WHOLE[:-8],
    "with a wrong checksum": WHOLE[:-8] + bytes(8),
    "in two members": WHOLE + gzip.compress(b"more"),
    "with zeros behind": WHOLE + bytes(20),
    "with junk behind": WHOLE + b"junk",
    "no gzip": TEXT,
    "empty": b"",
}


def decoded(kind: type[HttpCompressionMiddleware], body: bytes, limit: int) -> bytes | str:
    """What comes of a body, or the name of what it raises."""
    try:
        return kind._decode(body, b"gzip", limit)
    except Exception as error:  # noqa: BLE001 - whatever Scrapy raises
        return type(error).__name__


@pytest.mark.parametrize("limit", [0, len(TEXT) - 1, len(TEXT), 10 * len(TEXT)])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_gzip_comes_out_as_from_scrapy(body: bytes, limit: int) -> None:
    expected = decoded(HttpCompressionMiddleware, body, limit)

    assert decoded(Decompress, body, limit) == expected


def test_what_is_whole_is_not_decoded_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HttpCompressionMiddleware, "_decode", lambda *_: pytest.fail("in pieces"))

    assert Decompress._decode(WHOLE, b"gzip", len(TEXT)) == TEXT


def test_other_encodings_are_left_to_scrapy() -> None:
    assert Decompress._decode(zlib.compress(TEXT), b"deflate", 0) == TEXT
