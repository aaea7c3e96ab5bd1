"""How the texts of settings are read."""

from __future__ import annotations

from collections.abc import Callable
from grp import getgrgid
from ipaddress import ip_network

import pytest

from rolecall.config.types import (
    ListenAddress,
    OneOf,
    Seconds,
    WholeNumber,
    read_account_ids,
    read_address,
    read_aliases,
    read_boolean,
    read_group,
    read_hosts,
    read_one_worker,
    read_pointers,
    read_severities,
    read_share,
    read_tcp_address,
    read_time,
)
from rolecall.policy.linting.findings import Severity


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:0", ListenAddress("127.0.0.1:0", "127.0.0.1", 0)),
        ("[::1]:65535", ListenAddress("[::1]:65535", "::1", 65_535)),
        ("unix:/run/a.sock", ListenAddress("unix:/run/a.sock", "", 0)),
        ("unix:a", ListenAddress("unix:a", "", 0)),
        ("unix:///run/a.sock", ListenAddress("unix:/run/a.sock", "", 0)),
        ("localhost:1", ListenAddress("localhost:1", "localhost", 1)),
        ("a_b~c:1", ListenAddress("a_b~c:1", "a_b~c", 1)),
    ],
)
def test_an_address_is_a_host_and_a_port_or_a_socket_file(text: str, address: ListenAddress) -> None:
    assert read_address(text) == address


def test_a_group_is_a_name_or_a_number_below_the_one_that_means_none() -> None:
    assert [read_group(text) for text in ("0", "4294967294", getgrgid(0).gr_name)] == [0, 4_294_967_294, 0]


def test_the_port_that_was_chosen_is_shown_as_clients_write_it() -> None:
    assert read_address("127.0.0.1:0").with_port(7) == "127.0.0.1:7"
    assert read_address("[::1]:0").with_port(7) == "[::1]:7"
    assert read_address("unix:/run/a.sock").with_port(7) == "unix:/run/a.sock"


ADDRESS = "must be HOST:PORT; `127.0.0.1:PORT` for this machine only, `0.0.0.0:PORT` for every network"
GROUP = "must be the name of a group of this machine, or the number of a group"
POINTERS = (
    "names nothing that can be masked with `/x`; use `/input/who`, `/requested_by`, `/req_id`, `/input/context`,"
    " `/input/context/KEY`, `/input/context/PREFIX*`"
)
TIME = "is not a time; write `YYYY-MM-DDThh:mm:ssZ`, or with an offset such as `+08:00`, and at most six digits of a second"
ONE = "must be 1 in this version: run several replicas instead of several workers"


@pytest.mark.parametrize(
    ("read", "text", "sentence"),
    [
        (read_tcp_address, "unix:/run/a", ADDRESS),
        (read_address, "unix:", ADDRESS),
        (read_address, "[::1:50051", ADDRESS),
        (read_address, "::1]:50051", ADDRESS),
        (read_address, "[a:50051", ADDRESS),
        (read_address, "[]:50051", ADDRESS),
        (read_address, "unix://", ADDRESS),
        (read_address, ":50051", ADDRESS),
        (read_address, "127.0.0.1:", ADDRESS),
        (read_address, "127.0.0.1:x", ADDRESS),
        (read_address, "127.0.0.1:\u0661", ADDRESS),
        (read_tcp_address, "h:65536", "must have a port up to 65535"),
        (read_boolean, "on", "must be `true` or `false`"),
        (WholeNumber(1, 5_000), "0", "must be a whole number from 1 to 5,000"),
        (WholeNumber(1, 5_000), "5001", "must be a whole number from 1 to 5,000"),
        (WholeNumber(0, 10**30), "1" * 21, f"must be a whole number from 0 to {10**30:,}"),
        (WholeNumber(-5, 5), "-1", "must be a whole number from -5 to 5"),
        (Seconds(0.5, 3), "0.4", "must be from 0.5 to 3 seconds"),
        (Seconds(0.5, 3), "3.1", "must be from 0.5 to 3 seconds"),
        (Seconds(0.05, 31_536_000), "0", "must be from 0.05 to 31,536,000 seconds"),
        (Seconds(0, 3), "soon", "must be from 0 to 3 seconds"),
        (Seconds(0, 3), "inf", "must be from 0 to 3 seconds"),
        (OneOf(("a", "b")), "c", "must be one of `a`, `b`"),
        (read_aliases, "prod", "must be NAME=ID,... with each name once"),
        (read_aliases, "a=1,a=2", "must be NAME=ID,... with each name once"),
        (read_severities, "error,fatal", "`fatal` is not a severity; the severities are `error`, `warning`, `note`"),
        (read_share, "-0.1", "must be a share from 0 to 1"),
        (read_share, "1.01", "must be a share from 0 to 1"),
        (read_share, "half", "must be a share from 0 to 1"),
        (read_pointers, "/input/who,/x", POINTERS),
        (read_one_worker, "2", ONE),
        (read_account_ids, "1,prod", "has `prod`, which is not an account id of 1 to 20 digits"),
        (read_account_ids, "1" * 21, f"has `{'1' * 21}`, which is not an account id of 1 to 20 digits"),
        (read_account_ids, "\u0661", "has `\u0661`, which is not an account id of 1 to 20 digits"),
        (
            read_account_ids,
            ",".join(map(str, range(101))),
            "names 101 accounts, 100 are allowed; leave it out to follow all of them",
        ),
        (read_time, "2026-02-30", "must be a date: `2026-02-30T00:00:00Z` names a day that does not exist"),
        (read_time, "20260230", f"must be a date: `20260230` {TIME}"),
        (read_time, "2026-01-02x", f"must be a date: `2026-01-02x` {TIME}"),
        (read_group, "4294967295", GROUP),
        (read_group, "no-such-group", GROUP),
        (read_group, "\u0660", GROUP),
    ],
)
def test_a_text_that_cannot_be_read_is_refused_with_what_is_right(
    read: Callable[[str], object], text: str, sentence: str
) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read(text)

    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (WholeNumber(1, 5), "1", 1),
        (WholeNumber(1, 5), "5", 5),
        (WholeNumber(0, 10**20), "1" * 20, int("1" * 20)),
        (Seconds(0.5, 3), "0.5", 0.5),
        (Seconds(0.5, 3), "3", 3.0),
        (OneOf(("a", "b")), "b", "b"),
        (read_share, "0", 0.0),
        (read_share, "1", 1.0),
        (read_aliases, " a=1 ,, b=2,", (("a", "1"), ("b", "2"))),
        (read_aliases, "", ()),
        (read_severities, " warning,, error", frozenset({Severity.WARNING, Severity.ERROR})),
        (read_pointers, " /input/who,, /req_id", frozenset({"/input/who", "/req_id"})),
        (read_one_worker, "1", 1),
        (read_account_ids, f" 2,,1 , 2,{'9' * 20}", ("2", "1", "9" * 20)),
        (read_account_ids, ",".join(map(str, range(100))), tuple(map(str, range(100)))),
        (read_account_ids, "", ()),
        (read_time, "1970-01-02", 86_400_000_000),
        (read_time, "1970-01-02T01:00:00Z", 90_000_000_000),
    ],
)
def test_a_text_is_read_up_to_both_bounds(read: Callable[[str], object], text: str, value: object) -> None:
    assert read(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [("true", True), ("1", True), ("YES", True), ("false", False), ("0", False), ("No", False)],
)
def test_a_switch_is_read_in_any_case(text: str, value: bool) -> None:
    assert read_boolean(text) is value


def test_hosts_have_the_private_addresses_that_are_listed_with_them() -> None:
    read = read_hosts("oidc.example, Kubernetes.default.svc=10.96.0.1,kubernetes.default.svc=fd00::/8")

    assert read == (
        ("oidc.example", ()),
        ("kubernetes.default.svc", (ip_network("10.96.0.1/32"), ip_network("fd00::/8"))),
    )


@pytest.mark.parametrize(
    "text", ["https://a", "a=", "=10.0.0.1", "a b", "*.example", "a:443", "-a", "a-", "b, a=", "a,b c"]
)
def test_what_is_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_hosts(text)

    assert str(caught.value) == "must be HOST or HOST=ADDRESS,...; an ADDRESS may be a range such as `10.0.0.0/8`"


@pytest.mark.parametrize("network", ["10.0.0.1/8", "x", "10.0.0.0/33"])
def test_what_is_no_address_of_a_host_is_refused(network: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        read_hosts(f"a={network}")

    assert str(caught.value) == f"has `{network}`, which is not an address or a range such as `10.0.0.0/8`"
