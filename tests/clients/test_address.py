"""The addresses that a client accepts."""

from __future__ import annotations

import pytest
from hypothesis import example, given, strategies as st

from rolecall_client import RolecallClient
from rolecall_client.channel import open_channel
from rolecall_client.connection.address import target_of


@pytest.mark.parametrize(
    ("address", "target"),
    [
        ("rolecall:7", "rolecall:7"),
        ("rolecall", "rolecall:50051"),
        ("rolecall.example.com", "rolecall.example.com:50051"),
        ("10.0.0.1", "10.0.0.1:50051"),
        ("[::1]", "[::1]:50051"),
        ("[::1]:7", "[::1]:7"),
        ("::1", "[::1]:50051"),
        ("fe80::1%eth0", "[fe80::1%eth0]:50051"),
        ("dns:///rolecall:7", "dns:///rolecall:7"),
        ("dns:///rolecall", "dns:///rolecall:50051"),
        ("dns:rolecall", "dns:rolecall:50051"),
        ("dns://10.0.0.53/rolecall", "dns://10.0.0.53/rolecall:50051"),
        ("unix:/run/rolecall.sock", "unix:/run/rolecall.sock"),
        ("ipv4:10.0.0.1:1,10.0.0.2:1", "ipv4:10.0.0.1:1,10.0.0.2:1"),
        ("dns", "dns:///dns:50051"),
        ("unix", "dns:///unix:50051"),
        ("IPv6", "dns:///IPv6:50051"),
        ("xds:7", "dns:///xds:7"),
        ("dns.example:7", "dns.example:7"),
    ],
)
def test_an_address_may_lack_its_port(address: str, target: str) -> None:
    assert target_of(address) == target


@pytest.mark.parametrize("scheme", ["http", "https", "grpc", "grpcs", "HTTP", "tcp"])
def test_a_scheme_is_refused_with_what_to_write(scheme: str) -> None:
    with pytest.raises(ValueError, match=rf"no scheme `{scheme}://`; write `rolecall:7`"):
        target_of(f"{scheme}://rolecall:7/path")


@pytest.mark.parametrize("address", ["", " ", "a b:1", "user@a:1", "a?b", ":7", "[::1"])
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match=r"is not an address; write HOST:PORT"):
        target_of(address)


@pytest.mark.parametrize("port", ["", "0", "65536", "x", "1/x", "1:2", "-1", "٣"])
def test_a_port_is_a_number_in_its_range(port: str) -> None:
    with pytest.raises(ValueError, match=r"the port of `a:.*` is not a number from 1 to 65535"):
        target_of(f"a:{port}")


def test_a_client_refuses_such_an_address() -> None:
    with pytest.raises(ValueError, match="no scheme"):
        RolecallClient("https://rolecall")


@given(st.text(st.sampled_from("a1.:[]/%-@?# dnsunixipv46")) | st.text(max_size=30))
@example("dns")
@example("unix")
def test_every_text_is_a_target_that_stays_the_same_or_no_address(text: str) -> None:
    try:
        target = target_of(text)
    except ValueError:
        return

    assert target_of(target) == target


def test_a_channel_takes_the_same_addresses() -> None:
    with pytest.raises(ValueError, match="no scheme"):
        open_channel("https://rolecall")
