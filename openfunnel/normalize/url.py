"""Addresses: which board or posting a URL names, canonical URLs, tracking parameters.

A source declares its addresses as data (`UrlForms`); the machinery here matches them. Nothing is
fetched, and no part of a URL reaches a request without having matched a pattern.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urlencode, urlsplit

URL_CHARS = 2048
"""The longest address taken in."""

_UNSAFE = re.compile("[\x00-\x20\x7f-\xa0\\\\\u200b-\u200f\u2028-\u202e\u2060\ufeff\ud800-\udfff]")
_TRACKING = re.compile(
    r"utm_\w+|gh_src|lever-(?:source|origin|via)(?:\[\])?|_ga|gclid|fbclid|msclkid|mc_[ce]id|trk",
    re.IGNORECASE,
)


class UrlError(ValueError):
    """The text is not a usable URL; the message says why."""


@dataclass(frozen=True)
class UrlForm:
    """One form of a public address.

    `path` holds `{token}` and `{posting_id}` as whole segments, or neither where `query` names
    the parameters that hold them: `{"for": "token"}`.
    """

    hosts: tuple[str, ...]
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    region: str = ""


@dataclass(frozen=True)
class UrlForms:
    """Every address a source is known under; the first form that matches counts.

    `api_paths` are taken below the base of the API of any region. `canonical` gives, by region,
    the URL a posting is filed under, with `{token}` and `{posting_id}`.
    """

    public: tuple[UrlForm, ...]
    api_paths: tuple[str, ...]
    canonical: Mapping[str, str]
    board_pattern: str
    """What a board's token looks like, as a whole."""
    posting_pattern: str
    """What a posting's id looks like, as a whole."""
    posting_parameter: str | None = None
    """Query parameter that names the posting on any page, the employer's own included."""
    token_has_case: bool = True
    """False where tokens that differ in case alone are the same board."""

    def match(self, url: SplitResult) -> "UrlMatch | None":
        """Return what a public address names, or None where no form fits."""
        for form in self.public:
            if url.hostname in form.hosts:
                found = self._match_path(form.path, path_segments(url.path))
                query = query_parameters(url)
                if found is None or not form.query.keys() <= query.keys():
                    continue
                found |= {name: query[parameter] for parameter, name in form.query.items()}
                if matched := self._checked(found, form.region, query):
                    return matched
        return None

    def match_api(self, url: SplitResult, base: SplitResult, region: str) -> "UrlMatch | None":
        """Return what an address below the API's `base` names, or None."""
        if (url.scheme, url.hostname, port(url)) != (base.scheme, base.hostname, port(base)):
            return None
        root, segments = path_segments(base.path), path_segments(url.path)
        if segments[: len(root)] != root:
            return None
        for path in self.api_paths:
            found = self._match_path(path, segments[len(root) :])
            if found is not None and (matched := self._checked(found, region, {})):
                return matched
        return None

    def clean_token(self, token: str) -> str | None:
        """Return `token` as boards are known by, or None if it cannot be one."""
        if not re.fullmatch(self.board_pattern, token):
            return None
        return token if self.token_has_case else token.lower()

    def clean_posting_id(self, posting_id: str) -> str | None:
        """Return `posting_id` in lower case, or None if it cannot be one."""
        return posting_id.lower() if re.fullmatch(self.posting_pattern, posting_id) else None

    def posting_named(self, url: SplitResult) -> str | None:
        """Return the posting that the query of any page names (`?gh_jid=`), or None."""
        if self.posting_parameter is None:
            return None
        return self.clean_posting_id(query_parameters(url).get(self.posting_parameter, ""))

    def canonical_url(self, region: str, token: str, posting_id: str) -> str:
        """Return the URL the posting is filed under: built, never copied."""
        return self.canonical[region].format(
            token=quote_segment(token), posting_id=quote_segment(posting_id)
        )

    @staticmethod
    def _match_path(pattern: str, segments: list[str]) -> dict[str, str] | None:
        expected = path_segments(pattern)
        if len(expected) != len(segments):
            return None
        found = {}
        for name, segment in zip(expected, segments, strict=True):
            if name.startswith("{"):
                found[name.strip("{}")] = segment
            elif name != segment:
                return None
        return found

    def _checked(
        self, found: Mapping[str, str], region: str, query: Mapping[str, str]
    ) -> "UrlMatch | None":
        token = self.clean_token(found["token"])
        if token is None:
            return None
        raw_id = found.get("posting_id") or query.get(self.posting_parameter or "")
        posting_id = self.clean_posting_id(raw_id) if raw_id else None
        if "posting_id" in found and posting_id is None:
            return None
        return UrlMatch(region, token, posting_id)


@dataclass(frozen=True)
class UrlMatch:
    """What an address names: a board, and perhaps one posting of it."""

    region: str
    token: str
    posting_id: str | None


def split_url(text: str) -> SplitResult:
    """Split a web address, host in lower case.

    Raises:
        UrlError: it is too long, not http(s), without a host, or has characters no URL has.
    """
    if len(text) > URL_CHARS:
        raise UrlError(f"it is longer than {URL_CHARS} characters")
    if _UNSAFE.search(text):
        raise UrlError("it has white space, control characters or backslashes in it")
    try:
        url = urlsplit(text)
        _ = url.port
    except ValueError:  # its message may quote a password
        raise UrlError("its host or port is malformed") from None
    if url.scheme not in ("http", "https"):
        raise UrlError("it is neither http nor https")
    if not url.hostname:
        raise UrlError("it has no host")
    return url


def port(url: SplitResult) -> int:
    """Return the port of a URL that went through `split_url`."""
    return url.port or (443 if url.scheme == "https" else 80)


def path_segments(path: str) -> list[str]:
    """Return the segments of a path, decoded; what is not UTF-8 can match no pattern."""
    return [
        unquote_to_bytes(segment).decode("utf-8", "replace")
        for segment in path.split("/")
        if segment
    ]


def query_parameters(url: SplitResult) -> dict[str, str]:
    """Return the first value of each query parameter, decoded."""
    parameters: dict[str, str] = {}
    for name, value in parse_qsl(url.query):
        parameters.setdefault(name, value)
    return parameters


def quote_segment(segment: str) -> str:
    """Return `segment` fit for a path, percent-encoded where it must be."""
    return quote(segment, safe="&+,'!()")


def clean_link(text: str | None) -> str | None:
    """Return a link of a payload without tracking parameters; None if it is no web address."""
    if text is None:
        return None
    try:
        url = split_url(text.strip())
    except UrlError:
        return None
    parameters = parse_qsl(url.query, keep_blank_values=True)
    kept = [pair for pair in parameters if not _TRACKING.fullmatch(pair[0])]
    if len(kept) < len(parameters):
        url = url._replace(query=urlencode(kept))
    return url.geturl()


def url_hash(url: str) -> str:
    """Return the SHA-256 of a URL in hexadecimal."""
    return hashlib.sha256(url.encode("utf-8")).hexdigest()
