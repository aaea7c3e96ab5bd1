"""Readers of settings: from text to a value. A reader raises `ValueError`, whose message completes "FLAG ..."."""

from __future__ import annotations

import re
from dataclasses import dataclass
from grp import getgrnam
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from math import nan

from rolecall.observability.decision_log.masking import read_pointer
from rolecall.policy.linting.findings import Severity
from rolecall.policy.readers import read_date

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


_ACCOUNT_ID = re.compile(r"[0-9]{1,20}", re.ASCII)
MAX_ACCOUNTS = 100
"""The most accounts that one watch may name; it may also follow all of them."""

_MAX_GROUPS = 2**32 - 1
_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """An address to listen on: a host and a port, or a socket file, whose `host` is empty."""

    text: str
    host: str = ""
    port: int = 0

    @property
    def loopback(self) -> bool:
        """Return whether only this machine can reach it."""
        if not self.host or self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    def with_port(self, port: int) -> str:
        """Return the address as clients write it, with the port that was bound."""
        if not self.host:
            return self.text
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


def read_text(text: str) -> str:
    """Return the text itself."""
    return text


def read_address(text: str) -> ListenAddress:
    """address = tcp_address | "unix:" PATH | "unix://" PATH."""
    path = text.removeprefix("unix:")
    if path not in {text, "", "//"}:
        # One spelling: the transports do not read the second one alike.
        return ListenAddress(f"unix:{path.removeprefix('//')}")
    return read_tcp_address(text)


def read_tcp_address(text: str) -> ListenAddress:
    """address = HOST ":" PORT | "[" IPV6 "]" ":" PORT."""
    host, _, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    bare = host[1:-1] if bracketed else host
    if not bare or (not bracketed and set(host) & set(":[]")) or not (port.isascii() and port.isdigit()):
        raise ValueError("must be HOST:PORT; `127.0.0.1:PORT` for this machine only, `0.0.0.0:PORT` for every network")
    if int(port) > 65_535:
        raise ValueError("must have a port up to 65535")
    return ListenAddress(text, bare, int(port))


def read_hosts(text: str) -> tuple[tuple[str, tuple[IPv4Network | IPv6Network, ...]], ...]:
    """Hosts = HOST ["=" NETWORK] ("," HOST ["=" NETWORK])*; a NETWORK is an address, or a range in CIDR notation."""
    hosts: dict[str, tuple[IPv4Network | IPv6Network, ...]] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        host, equals, network = part.partition("=")
        if not _HOST.fullmatch(host.lower()) or bool(equals) != bool(network):
            raise ValueError("must be HOST or HOST=ADDRESS,...; an ADDRESS may be a range such as `10.0.0.0/8`")
        networks = (_network(network),) if network else ()
        hosts[host.lower()] = (*hosts.get(host.lower(), ()), *networks)
    return tuple(hosts.items())


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except ValueError:
        raise ValueError(f"has `{text}`, which is not an address or a range such as `10.0.0.0/8`") from None


def read_boolean(text: str) -> bool:
    """Return a Boolean."""
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if text.lower() not in words:
        raise ValueError("must be `true` or `false`")
    return words[text.lower()]


def _number(text: str) -> float:
    """Return a number; NaN, which is within no bounds, if the text is none."""
    try:
        return float(text)
    except ValueError:
        return nan


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """Reads a whole number from `low` to `high`."""

    low: int
    high: int

    def __call__(self, text: str) -> int:
        """Return the number."""
        if not (text.isascii() and text.isdigit()) or len(text) > 20 or not self.low <= int(text) <= self.high:
            raise ValueError(f"must be a whole number from {self.low:,} to {self.high:,}")
        return int(text)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Reads a number of seconds from `low` to `high`."""

    low: float
    high: float

    def __call__(self, text: str) -> float:
        """Return the seconds."""
        seconds = _number(text)
        if not self.low <= seconds <= self.high:
            raise ValueError(f"must be from {self.low:,.10g} to {self.high:,.10g} seconds")
        return seconds


@dataclass(frozen=True, slots=True)
class Rate:
    """Reads a number for each second, from 0 to `high`."""

    high: float

    def __call__(self, text: str) -> float:
        """Return the rate."""
        rate = _number(text)
        # So small a rate would make waits that no duration can express.
        if rate and not 0.001 <= rate <= self.high:
            raise ValueError(f"must be 0, or from 0.001 to {self.high:,.0f} a second")
        return rate


@dataclass(frozen=True, slots=True)
class OneOf:
    """Reads one of these words."""

    names: tuple[str, ...]

    def __call__(self, text: str) -> str:
        """Return the word."""
        if text not in self.names:
            raise ValueError(f"must be one of {', '.join(f'`{name}`' for name in self.names)}")
        return text


def read_aliases(text: str) -> tuple[tuple[str, str], ...]:
    """Aliases = NAME "=" ID ("," NAME "=" ID)*."""
    aliases: dict[str, str] = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, equals, account_id = part.partition("=")
        if not equals or name in aliases:
            raise ValueError("must be NAME=ID,... with each name once")
        aliases[name] = account_id
    return tuple(aliases.items())


def read_account_ids(text: str) -> tuple[str, ...]:
    """Return ids of accounts: ID ("," ID)*."""
    ids = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    # Not an alias: only the server knows which account that is.
    if unknown := [account_id for account_id in ids if not _ACCOUNT_ID.fullmatch(account_id)]:
        raise ValueError(f"has `{unknown[0]}`, which is not an account id of 1 to 20 digits")
    if len(ids) > MAX_ACCOUNTS:
        raise ValueError(f"names {len(ids)} accounts, {MAX_ACCOUNTS} are allowed; leave it out to follow all of them")
    return ids


def read_group(text: str) -> int:
    """Return the number of a group of this machine, which is given by its name or its number."""
    if text.isascii() and text.isdigit() and int(text) < _MAX_GROUPS:
        return int(text)
    try:
        return getgrnam(text).gr_gid
    except KeyError:
        raise ValueError("must be the name of a group of this machine, or the number of a group") from None


def read_severities(text: str) -> frozenset[Severity]:
    """Return severities of findings: SEVERITY ("," SEVERITY)*."""
    names = [part.strip() for part in text.split(",") if part.strip()]
    if unknown := [name for name in names if name not in {severity.value for severity in Severity}]:
        known = ", ".join(f"`{severity.value}`" for severity in Severity)
        raise ValueError(f"`{unknown[0]}` is not a severity; the severities are {known}")
    return frozenset(map(Severity, names))


def read_time(text: str) -> int:
    """Return a time in microseconds since the epoch: a date, at its start in UTC, or a date and a time."""
    try:
        return read_date(f"{text}T00:00:00Z" if _DAY.fullmatch(text) else text)
    except ValueError as error:
        raise ValueError(f"must be a date: {error}") from None


def read_share(text: str) -> float:
    """Return a share, from 0 to 1."""
    share = _number(text)
    if not 0.0 <= share <= 1.0:
        raise ValueError("must be a share from 0 to 1")
    return share


def read_pointers(text: str) -> frozenset[str]:
    """Return JSON pointers to what a decision log can mask: POINTER ("," POINTER)*."""
    return frozenset(read_pointer(part.strip()) for part in text.split(",") if part.strip())


def read_one_worker(text: str) -> int:
    """Return the number of workers, which is 1."""
    if text != "1":
        raise ValueError("must be 1 in this version: run several replicas instead of several workers")
    return 1
