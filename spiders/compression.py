"""Content encodings: Scrapy's own, with a name for a body that is too large or none of them."""

from scrapy import Request
from scrapy.downloadermiddlewares.httpcompression import HttpCompressionMiddleware
from scrapy.exceptions import IgnoreRequest
from scrapy.http import Response

from spiders.outcome import AnswerGarbled, AnswerTooLarge


class Decompress(HttpCompressionMiddleware):
    """Decodes bodies up to DOWNLOAD_MAXSIZE, which counts decompressed bytes too."""

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
