"""Requests as JSON, for scrapy-redis: a module with `dumps` and `loads`.

`Request.to_dict` holds bytes in two places: the body, and names and values of headers.
"""

import base64
import json
from typing import Any

WEB = ("http://", "https://")
"""Scrapy would read `file:` too, and anybody who can write to Redis can write any address."""


def dumps(request: dict[str, Any]) -> str:
    """Serialize `Request.to_dict()`.

    Raises:
        TypeError: `meta` or `cb_kwargs` hold something JSON cannot express.
    """
    headers = {
        name.decode("latin-1"): [value.decode("latin-1") for value in values]
        for name, values in request["headers"].items()
    }
    body = base64.b64encode(request["body"]).decode("ascii")
    return json.dumps({**request, "headers": headers, "body": body})


def loads(data: bytes | str) -> dict[str, Any]:
    """Read what `dumps` wrote, always as a plain `Request`: no class is loaded by its name.

    Raises:
        ValueError: not such a serialized request.
    """
    try:
        request = json.loads(data)
        if not request["url"].startswith(WEB):
            raise ValueError("its url is no web address")
        headers = {
            name.encode("latin-1"): [value.encode("latin-1") for value in values]
            for name, values in request.get("headers", {}).items()
        }
        body = base64.b64decode(request.get("body", ""), validate=True)
    except (TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a serialized request ({type(error).__name__})") from None
    request.pop("_class", None)
    return {**request, "headers": headers, "body": body}
