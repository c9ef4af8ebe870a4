"""Content encodings: Scrapy's own, with a name for a body that is too large or none of them."""

import zlib

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from spiders.outcome import AnswerGarbled, AnswerTooLarge

GZIP = (b"gzip", b"x-gzip")


class Decompress(HttpCompressionMiddleware):
    """Decodes bodies up to DOWNLOAD_MAXSIZE, which counts decompressed bytes too."""

    @staticmethod
    def _decode(body: bytes, encoding: bytes, max_size: int) -> bytes:
        """Decode at one go what is gzip and whole, as nearly all is; Scrapy sees to the rest.

        It reads gzip in pieces of 8 KB, after each of which another thread may take over.
        """
        if encoding in GZIP:
            decoder = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
            try:
                decoded = decoder.decompress(body, max_size)
            except zlib.error:
                decoded = b""
            if decoder.eof and not decoder.unused_data:
                return decoded
        return HttpCompressionMiddleware._decode(body, encoding, max_size)

    def process_response(  # type: ignore[override]  # the argument left out is deprecated
        self, request: Request, response: Response
    ) -> Request | Response:
        """Decode the body, whatever it is."""
        try:
            return super().process_response(request, response)
        except IgnoreRequest as error:  # Scrapy raises it for nothing else
            raise AnswerTooLarge("the body is larger than the limit, decompressed") from error
        except Exception as error:  # each decoder has errors of its own
            encoding = b", ".join(response.headers.getlist("Content-Encoding")).decode("latin-1")
            raise AnswerGarbled(f"the body is no {encoding}: {error}") from error
