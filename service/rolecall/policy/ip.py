"""Addresses and address ranges, IPv4 and IPv6, as whole numbers.

`::ffff:a.b.c.d` is read as `a.b.c.d`, in documents and in requests. The other IPv6 addresses that contain an IPv4 address
(`64:ff9b::`, `2002:`, `::a.b.c.d`) stay IPv6: they name other hosts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from rolecall.policy.wording import quoted

_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# With or without the prefix of an IPv6 address that contains it: the form in which sockets of both families name IPv4 callers.
_DOTTED = re.compile(rf"(?:::[Ff]{{4}}:)?{_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}", re.ASCII)
_PREFIX_LENGTH = re.compile(r"0|[1-9][0-9]{0,2}")
_MAPPED = 0xFFFF
_BITS = {4: 32, 6: 128}


class IpAddress(NamedTuple):
    """One address."""

    version: int
    number: int


class IpRange(NamedTuple):
    """The addresses from `low` to `high`, both included."""

    version: int
    low: int
    high: int

    @property
    def is_everything(self) -> bool:
        """Return whether every address of the version is in the range."""
        return self.low == 0 and self.high == (1 << _BITS[self.version]) - 1


def read_address(text: str) -> IpAddress:
    """Return the one address that `text` spells; raise `ValueError`."""
    dotted = _DOTTED.fullmatch(text)
    if dotted:
        first, second, third, fourth = dotted.groups()
        return IpAddress(4, int(first) << 24 | int(second) << 16 | int(third) << 8 | int(fourth))
    if "/" in text:
        raise ValueError(f"{quoted(text)} is a range; give one address")
    address = _address(text)
    if address.version == 6 and address.number >> 32 == _MAPPED:
        return IpAddress(4, address.number & 0xFFFF_FFFF)
    return address


def read_range(text: str) -> IpRange:
    """Return the range that an address or a CIDR block spells; raise `ValueError`."""
    spelled, slash, prefix = text.partition("/")
    version, number = _address(spelled)
    length = _prefix_length(text, prefix, _BITS[version]) if slash else _BITS[version]
    if version == 6 and length >= 96 and number >> 32 == _MAPPED:
        version, number, length = 4, number & 0xFFFF_FFFF, length - 96
    host_bits = (1 << (_BITS[version] - length)) - 1
    if number & host_bits:
        network = _spelling(IpAddress(version, number & ~host_bits))
        raise ValueError(
            f"{quoted(text)} has bits set after its prefix; write `{network}/{length}`, or a longer prefix"
        )
    return IpRange(version, number, number | host_bits)


def within_any(ranges: Sequence[IpRange]) -> Callable[[IpAddress], bool]:
    """Return the test whether an address is in one of the ranges."""
    by_version = {version: tuple((r.low, r.high) for r in ranges if r.version == version) for version in _BITS}

    def within(address: IpAddress) -> bool:
        number = address.number
        for low, high in by_version[address.version]:
            if low <= number <= high:
                return True
        return False

    return within


def _address(text: str) -> IpAddress:
    if "%" in text:
        raise ValueError(f"{quoted(text)} has a zone id, which is valid on one host only; leave it out")
    try:
        address = IPv6Address(text) if ":" in text else IPv4Address(text)
    except ValueError:
        raise ValueError(
            f"{quoted(text)} is not an IPv4 or IPv6 address, such as `192.0.2.7` or `2001:db8::7`"
        ) from None
    return IpAddress(address.version, int(address))


def _prefix_length(text: str, prefix: str, bits: int) -> int:
    if not _PREFIX_LENGTH.fullmatch(prefix) or int(prefix) > bits:
        raise ValueError(f"{quoted(text)} needs a prefix length of 0 to {bits} after its `/`, in decimal, not a mask")
    return int(prefix)


def _spelling(address: IpAddress) -> str:
    return str(IPv4Address(address.number) if address.version == 4 else IPv6Address(address.number))
