"""Start entries: which board or posting they name, and where to ask for it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import SplitResult

from openfunnel.errors import AddressRefused
from openfunnel.normalize.url import UrlError, UrlMatch, port, quote_segment, split_url
from openfunnel.records import BoardRef
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.source import Source

_NAMED = re.compile(r"([a-z_]+):(?:([a-z]+):)?([^/:]+)")
_LOGIN = re.compile(r"//[^/]*@")
_LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Address:
    """A board to fetch, or one posting of it."""

    board: BoardRef
    posting_id: str | None = None

    def __str__(self) -> str:
        """The key it is known by wherever work is queued, and in dead letters."""
        return str(self.board) if self.posting_id is None else f"{self.board}/{self.posting_id}"


def locate(
    entry: str, settings: Settings, default_ats: str | None = None, token: str | None = None
) -> Address:
    """Return the board or posting that a start entry names.

    An entry is a board's token (of `default_ats`), the same with its source in front
    (`lever:acme`, `lever:eu:acme`), or a URL: of a public page, of the API, or below the base set
    for it. A posting's URL stands for its board where the source has no request for one posting.
    `token` is the board's token where it is known beside the URL: it makes an address on the
    employer's own domain usable (`https://acme.example/jobs?gh_jid=123`).

    Raises:
        AddressRefused: it names no board of a known source.
    """
    try:
        return _locate(entry.strip(), settings, default_ats, token)
    except UrlError as error:
        shown = _LOGIN.sub("//***@", entry)[:_LONGEST_SHOWN]
        raise AddressRefused(entry=shown, reason=str(error)) from None


def request_url(address: Address, settings: Settings) -> str:
    """Return the URL of the API request that answers for the address."""
    board = address.board
    source = SOURCES[board.ats]
    request = source.posting_request if address.posting_id else None
    return api_base(source, board.region, settings) + (request or source.board_request).format(
        token=quote_segment(board.token), posting_id=quote_segment(address.posting_id or "")
    )


def canonical_url(board: BoardRef, external_id: str) -> str:
    """Return the URL a posting is filed under: built, never copied."""
    return SOURCES[board.ats].forms.canonical_url(board.region, board.token, external_id)


def api_base(source: Source, region: str, settings: Settings) -> str:
    """Return the base of a source's API in a region, as set or as known."""
    name = f"{source.name}_{region}" if region else source.name
    return settings.base_url(name, source.api_bases[region])


def _locate(entry: str, settings: Settings, default_ats: str | None, token: str | None) -> Address:
    if not entry:
        raise UrlError("it is empty")
    if match := _NAMED.fullmatch(entry):
        ats, region, name = match[1], match[2] or "", match[3]
        return _board(ats, region, name)
    if "/" not in entry:
        if default_ats is None:
            raise UrlError("it is no URL, and no source is named")
        return _board(default_ats, "", entry)
    url = split_url(entry if "://" in entry else f"https://{entry}")
    for source, found in _matches(url, settings):
        board = BoardRef(ats=source.name, token=found.token, region=found.region)
        return _address(board, found.posting_id)
    return _on_own_domain(url, default_ats, token)


def _board(ats: str, region: str, token: str) -> Address:
    source = SOURCES.get(ats)
    if source is None or region not in source.api_bases:
        raise UrlError(f"there is no source {':'.join(filter(None, (ats, region)))}")
    clean = source.forms.clean_token(token)
    if clean is None:
        raise UrlError(f"that is no token of a board of {ats}")
    return Address(BoardRef(ats=ats, token=clean, region=region))


def _address(board: BoardRef, posting_id: str | None) -> Address:
    """Return the address of a posting, or of its board where no posting is answered for alone."""
    is_answered = SOURCES[board.ats].posting_request is not None
    return Address(board, posting_id if is_answered else None)


def _matches(url: SplitResult, settings: Settings) -> Iterator[tuple[Source, UrlMatch]]:
    """Yield what the forms of each source make of a URL: the bases that are set come first."""
    for source in SOURCES.values():
        for region, known in source.api_bases.items():
            for base in (api_base(source, region, settings), known):
                if found := source.forms.match_api(url, split_url(base), region):
                    yield source, found
    if "@" in url.netloc:
        raise UrlError("it has a login in it")
    if port(url) not in (80, 443):
        raise UrlError("it has a port of its own")
    for source in SOURCES.values():
        if found := source.forms.match(url):
            yield source, found


def _on_own_domain(url: SplitResult, default_ats: str | None, token: str | None) -> Address:
    """Return the posting that an address on the employer's own domain names, or refuse."""
    for source in SOURCES.values():
        hosts = {host for form in source.forms.public for host in form.hosts}
        if url.hostname in hosts:
            raise UrlError(f"it is no address of a board or posting of {source.name}")
        if posting_id := source.forms.posting_named(url):
            if token is None:
                raise UrlError(f"it names posting {posting_id} of {source.name}, but not the board")
            return _address(_board(source.name, "", token).board, posting_id)
    if token is not None and default_ats is not None:
        return _board(default_ats, "", token)
    raise UrlError(f"{url.hostname} is no host of a known source")
