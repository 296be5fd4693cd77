"""Which addresses may be asked: only those of the public internet, and what is allowed.

A feed, a redirect or a link can name any host. A name is checked by what it resolves
to, and the address is checked again at the moment of connecting, so that a name which
changes its mind in between gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_V4 = ipaddress.IPv4Address
_V6 = ipaddress.IPv6Address

_REFUSED_4 = {
    ipaddress.IPv4Network(net): name
    for net, name in {
        "0.0.0.0/8": "this network",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-grade NAT",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "cloud metadata",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "reserved",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmarking",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
_REFUSED_6 = {
    ipaddress.IPv6Network(net): name
    for net, name in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "64:ff9b:1::/48": "local NAT64",
        "100::/64": "discard",
        "2001:db8::/32": "documentation",
        "2001:10::/28": "reserved",
        "2001:20::/28": "reserved",
        "3fff::/20": "documentation",
        "5f00::/16": "reserved",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "fec0::/10": "site-local",
        "ff00::/8": "multicast",
    }.items()
}
_GLOBAL_6 = ipaddress.IPv6Network("2000::/3")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_COMPATIBLE = ipaddress.IPv6Network("::/96")
_TRANSLATED = ipaddress.IPv6Network("::ffff:0:0:0/96")
_ISATAP = 0x5EFE
_NUMBERS = re.compile(r"(?:0x[0-9a-f]*|\d+)(?:\.(?:0x[0-9a-f]*|\d+))*")

PORTS = {"http": 80, "https": 443}


class RefusedAddressError(OSError):
    """The guard's no. An OSError, so that it passes through a connector unharmed."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


def inside(address: str) -> str | None:
    """What kind of inside address this is; None for one of the public internet."""
    if "%" in address:
        return "zoned"
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "not an address"
    if isinstance(parsed, _V4):
        return _inside_4(parsed)
    return _inside_6(parsed)


def _inside_4(address: _V4) -> str | None:
    for network, name in _REFUSED_4.items():
        if address in network:
            return name
    return None


def _inside_6(address: _V6) -> str | None:
    for network, name in _REFUSED_6.items():
        if address in network:
            return name
    within = _embedded(address)
    if within is not None:
        return next(filter(None, map(_inside_4, within)), None)
    if address not in _GLOBAL_6:
        return "reserved"
    return None


def _embedded(address: _V6) -> tuple[_V4, ...] | None:
    """The IPv4 addresses that an IPv6 address stands for."""
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    low = int(address) & 0xFFFFFFFF
    if any(address in net for net in (_NAT64, _COMPATIBLE, _TRANSLATED)):
        return (_V4(low),)
    if (int(address) >> 32) & 0xFFFF == _ISATAP:
        return (_V4(low),)
    return None


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one run: ``allow`` holds exact ``host:port`` pairs of our own.

    ``hosts`` maps a fixed name to the ``address:port`` that answers for it; this opens
    that address to that name only.
    """

    allow: frozenset[str] = frozenset()
    hosts: Mapping[str, str] = field(default_factory=dict)

    def check(self, url: str) -> None:
        """RefusedAddressError where a URL's scheme or literal address may not be asked."""
        host, port = place(url)
        if self.ours(host, port):
            return
        if host == "localhost" or host.endswith(".localhost"):
            raise RefusedAddressError(f"{host} is not public (loopback)")
        address = _literal(host)
        if address is not None:
            self.admit(host, port, address, port)

    def ours(self, host: str, port: int) -> bool:
        """Whether a person opened this very host and port."""
        return host in self.hosts or join(host, port) in self.allow

    def admit(self, host: str, port: int, address: str, at: int) -> None:
        """RefusedAddressError where ``host:port`` may not be reached at this address."""
        if self.ours(host, port) or join(address, at) in self.allow:
            return
        kind = inside(address)
        if kind is not None:
            name = host if host == address else f"{host} ({address})"
            raise RefusedAddressError(f"{name} is not public ({kind})")

    def mapped(self, host: str) -> tuple[str, int] | None:
        """Where a fixed name is answered."""
        place = self.hosts.get(host)
        if place is None:
            return None
        address, _, port = place.rpartition(":")
        return address.strip("[]"), int(port)


def place(url: str) -> tuple[str, int]:
    """Host and port of an http(s) URL; RefusedAddressError for anything else."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise RefusedAddressError(f"not a URL: {error}") from error
    scheme = parts.scheme.lower()
    if scheme not in PORTS:
        raise RefusedAddressError(
            f"the scheme {scheme[:20] or 'of a relative link'!r} is not http"
        )
    host = (parts.hostname or "").rstrip(".").lower()
    if not host:
        raise RefusedAddressError("a URL without a host")
    return host, port if port is not None else PORTS[scheme]


def _literal(host: str) -> str | None:
    """The address that a host is, also in forms such as 2130706433 and 0x7f.1."""
    if ":" in host:
        return host
    if not _NUMBERS.fullmatch(host):
        return None
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return host


def join(host: str, port: int) -> str:
    """``host:port``, with the brackets of an IPv6 address."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
