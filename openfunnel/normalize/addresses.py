"""URLs, host names and e-mail addresses in a text: what stands inside them is no word of it."""

import re
from bisect import bisect_left
from functools import cached_property

from openfunnel.normalize.text import holds_any

_ENDING = r"\.(?:com|org|net|io|ai|co|dev|app|eu|fr|de|uk|us|ly|me|so|tv|gg|sh|xyz)(?![\w.])"
_HOST = re.compile(rf"www\.|@[\w-]+\.\w|\w{_ENDING}", re.IGNORECASE)
_HOST_ENDING = re.compile(_ENDING, re.IGNORECASE)
_SIGNS = ("://", "@", "www.", "WWW.", "Www.")
"""A text without one, and without a host's ending, has no address: quicker to look for."""
_HOST_CHARACTERS = 70
_URL_CHARACTERS = 500


class Addresses:
    """The addresses of one text; a question takes no longer where the text is longer."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._may_be_any = holds_any(text, _SIGNS) or _HOST_ENDING.search(text) is not None

    def hold(self, start: int, end: int) -> bool:
        """Return whether `start` to `end` is a part of an address, and not the whole of a host."""
        if not self._may_be_any:
            return False
        text = self._text
        low = max(0, start - _URL_CHARACTERS)
        low = max(low, text.rfind(" ", low, start) + 1, text.rfind("\n", low, start) + 1)
        high = min(len(text), end + _URL_CHARACTERS)
        for space in (" ", "\n"):
            found = text.find(space, end, high)
            high = found if found >= 0 else high
        if high - low == end - start:
            return False
        if text.find("://", low, high) >= 0:
            return True
        if text.find(".", low, high - 1) < 0:  # spares most words what follows
            return False
        low, high = max(low, start - _HOST_CHARACTERS), min(high, end + _HOST_CHARACTERS)
        hosts = self._hosts
        near = hosts[bisect_left(hosts, (low, low)) : bisect_left(hosts, (high, high))]
        return any(not (start <= host[0] and host[1] <= end) for host in near)

    @cached_property
    def _hosts(self) -> list[tuple[int, int]]:
        return [host.span() for host in _HOST.finditer(self._text)]
