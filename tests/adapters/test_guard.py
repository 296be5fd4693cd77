"""Only addresses of the public internet may be asked, in whatever form they come."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.adapters.guard import Guard, RefusedAddressError, inside

INSIDE = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "10.1.2.3", "100.64.0.1",
    "100.100.100.200", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.168.1.1",
    "192.0.0.192", "168.63.129.16", "198.18.0.1", "224.0.0.1", "255.255.255.255",
    "240.0.0.1", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::169.254.169.254", "64:ff9b:1::1", "2002:7f00:1::",
    "2002:a9fe:a9fe::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254",
    "fec0::1", "ff02::1", "2001:db8::1", "2001:0:7f00:1::", "2606:4700::5efe:127.0.0.1",
    "::ffff:0:127.0.0.1", "4000::1", "not an address", "",
]  # fmt: skip
OUTSIDE = [
    "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "::ffff:1.1.1.1",
    "64:ff9b::1.1.1.1", "2002:101:101::1",
]  # fmt: skip
REFUSED = [
    "http://127.0.0.1/", "http://localhost/", "http://a.localhost:8080/", "http://[::1]/",
    "http://2130706433/", "http://0x7f000001/", "http://0x7f.1/", "http://017700000001/",
    "http://127.1/", "http://0/", "http://169.254.169.254/latest/", "http://[fe80::1%25eth0]/",
    "http://[::ffff:169.254.169.254]/", "file:///etc/passwd", "ftp://e.org/", "gopher://e.org/",
    "javascript:alert(1)", "data:text/plain,x", "//e.org/", "http:///x", "", "http://[::1/",
    "http://user@127.0.0.1/", "HTTP://LOCALHOST./", "http://e.org:99999/",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_inside_address_is_known(address: str) -> None:
    assert inside(address)


@pytest.mark.parametrize("address", OUTSIDE)
def test_a_public_address_is_let_through(address: str) -> None:
    assert inside(address) is None


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_to_the_inside_is_refused(url: str) -> None:
    with pytest.raises(RefusedAddressError):
        Guard().check(url)


@pytest.mark.parametrize(
    "url", ["http://e.org/", "https://1.1.1.1/x", "http://e.org:8080/"]
)
def test_a_url_to_the_outside_is_let_through(url: str) -> None:
    Guard().check(url)


def test_only_the_exact_pair_is_opened() -> None:
    guard = Guard(frozenset({"127.0.0.1:8123"}))

    guard.check("http://127.0.0.1:8123/feed")
    guard.admit("herald.example", 80, "127.0.0.1", 8123)
    for url in (
        "http://127.0.0.1:8124/",
        "http://127.0.0.1/",
        "http://127.0.0.2:8123/",
    ):
        with pytest.raises(RefusedAddressError):
            guard.check(url)


def test_a_mapped_name_opens_its_address_to_that_name_only() -> None:
    guard = Guard(hosts={"herald.example": "127.0.0.1:8123"})

    guard.check("http://herald.example/feed")
    assert guard.mapped("herald.example") == ("127.0.0.1", 8123)
    with pytest.raises(RefusedAddressError):
        guard.check("http://127.0.0.1:8123/")
    with pytest.raises(RefusedAddressError):
        guard.admit("evil.example", 8123, "127.0.0.1", 8123)


def test_a_name_that_resolves_to_the_inside_is_refused() -> None:
    with pytest.raises(RefusedAddressError, match=r"evil\.example \(10\.0\.0\.1\)"):
        Guard().admit("evil.example", 80, "10.0.0.1", 80)


@given(st.ip_addresses(v=4))
def test_no_ipv6_form_of_an_inside_address_gets_through(
    address: ipaddress.IPv4Address,
) -> None:
    if inside(str(address)) is None:
        return
    number = int(address)
    forms = [
        f"::ffff:{address}",
        f"::{address}",
        f"64:ff9b::{address}",
        str(ipaddress.IPv6Address((0x2002 << 112) | (number << 80) | 1)),
    ]

    assert all(inside(form) for form in forms)
