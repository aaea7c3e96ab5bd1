"""How condition values are read, and what is said of those that cannot be."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from rolecall.policy.ip import read_address, read_range
from rolecall.policy.readers import read_bool, read_date, read_number
from rolecall.policy.request_values import RESTRICTED_TEXTS
from rolecall.policy.wording import advised, listed, printable, quoted, rfc3339

_TEXTS: dict[Callable[[str], object], list[str]] = {
    read_number: ["0", "-1.50", "+7", "1e3", "", "x\n", "9" * 513, "1.", "-"],
    read_bool: ["true", "FALSE", "yes", ""],
    read_date: [
        "1970-01-01T00:00:00Z", "1970-01-02T03:04:05.6Z", "1970-01-01T00:00:00.000001+01:02", "1969-12-31T23:59:59.999999-23:59",
        "2026-02-29T00:00:00Z", "2026-01-01", "0000-01-01T00:00:00Z", "2024-02-29T12:00:00+08:00",
    ],
    read_address: [
        "192.0.2.7", "255.255.255.255", "1.2.3.4", "::ffff:1.2.3.4", "::FFFF:102:304", "::fffe:1.2.3.4", "::1:ffff:102:304", "2001:db8::7", "10.0.0.0/8",
        "::1/128", "256.1.1.1", "1.2.3", "01.2.3.4", "fe80::1%eth0", "x", "", "::1::",
    ],
    read_range: [
        "192.0.2.7", "192.0.2.7/32", "10.0.0.0/8", "10.1.2.3/8", "0.0.0.0/0", "0.0.0.0/1", "128.0.0.0/1", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/",
        "1.2.3.4/255.0.0.0", "1.2.3.4/-1", "::/0", "2001:db8::/32", "2001:db8::1/32", "::1/129", "::1", "::ffff:10.0.0.0/104", "::ffff:10.0.0.1/104",
        "::ffff:10.0.0.1", "::ffff:0.0.0.0/96", "::ffff:0.0.0.0/95", "::fffe:0.0.0.0/96", "fe80::1%1/64", "/8", "x/8",
    ],
}  # fmt: skip


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_read(), *_restricted(), *_wording(), ""])


def _read() -> Iterator[str]:
    for read, texts in _TEXTS.items():
        yield f"# {read.__name__}"
        for text in texts:
            try:
                found = f"is {read(text)!r}"
            except ValueError as error:
                found = str(error)
            yield f"{printable(text[:40])}: {found}"


def _restricted() -> Iterator[str]:
    for key, rule in RESTRICTED_TEXTS.items():
        allowed = "".join(c for c in map(chr, range(300)) if rule.allows(c * 2))
        lengths = [n for n in range(1_300) if rule.allows("a" * n)]
        yield f"# {key}: {rule.words}"
        yield f"{lengths[0]} to {lengths[-1]} of {allowed}"
        yield f"any number of {''.join(c for c in map(chr, range(300)) if rule.has_characters(c))}, none: {bool(rule.has_characters(''))}"


def _wording() -> Iterator[str]:
    yield "# words"
    for text in ("a\u202eb\n", "\ud800", "x" * 96, "x" * 50 + "y" * 47, "\u00e9\u4e16"):
        yield quoted(text)
    yield listed(["a"])
    yield listed(["a", "b", "c"])
    yield listed(["a", "b"], last="and")
    for suggestion in ("", "b", "c"):
        yield advised("write `b`", suggestion)
    for micros in (0, -1, 1_500_000, 253_402_300_799_999_999):
        yield f"{rfc3339(micros)} {rfc3339(micros, timespec='microseconds')}"
