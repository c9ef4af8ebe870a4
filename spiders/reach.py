"""How far in an address is: what a host may lead the crawler to depends on it."""

from enum import IntEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

THIS_NETWORK = IPv4Network("0.0.0.0/8")
UNICAST = IPv6Network("2000::/3")
"""All public IPv6 addresses are of this block (RFC 4291, IANA)."""
NAT64 = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""


class Reach(IntEnum):
    """How far in an address is."""

    PUBLIC = 0
    PRIVATE = 1
    """Of this network: RFC 1918 and its kind, in IPv6 too."""
    LOOPBACK = 2
    """This machine."""
    NOWHERE = 3
    """No place for a web server: link-local (such as a cloud's metadata), multicast, unspecified,
    reserved."""


def reach_of(address: str) -> Reach:
    """How far in an IP address is; for one that embeds another (mapped, 6to4, NAT64), the further.

    Raises:
        ValueError: no IP address.
    """
    ip = ip_address(address)
    if ip.is_link_local or ip.is_multicast or ip.is_unspecified:
        return Reach.NOWHERE
    if ip.is_loopback:
        return Reach.LOOPBACK
    if isinstance(ip, IPv6Address):
        embedded = _embedded(ip)
        if embedded is not None:
            return max(reach_of(str(one)) for one in embedded)
        if ip not in UNICAST and not ip.is_private:
            return Reach.NOWHERE
    elif ip.is_reserved or ip in THIS_NETWORK:
        return Reach.NOWHERE
    return Reach.PUBLIC if ip.is_global else Reach.PRIVATE


def _embedded(ip: IPv6Address) -> tuple[IPv4Address, ...] | None:
    if ip.teredo is not None:
        return ip.teredo
    inner = ip.ipv4_mapped or ip.sixtofour
    if inner is None and ip in NAT64:
        inner = IPv4Address(int(ip) & 0xFFFFFFFF)
    return None if inner is None else (inner,)
