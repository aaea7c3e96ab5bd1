"""The settings of an agent that depend on each other, and who may call on its socket."""

from __future__ import annotations

from dataclasses import fields
from grp import getgrgid

import pytest

from rolecall.config.agent_settings import AgentConfig
from rolecall.config.options import decision_options
from rolecall.config.sources import ConfigError
from rolecall.transport.endpoint import SocketAccess

UPSTREAM = "127.0.0.1:1"
TOGETHER = "give --upstream-tls-cert and --upstream-tls-key together, or neither"
NEED_TLS = "--upstream-tls-cert and --upstream-tls-server-name need --upstream-tls-ca, which turns on TLS"
PLAIN = "--upstream-insecure is plain text, and --upstream-tls-ca turns on TLS; give one of them"

REFUSED: dict[str, tuple[dict[str, object], tuple[str, ...]]] = {
    "no server": ({"upstream": ""}, ("give --upstream (ROLECALL_UPSTREAM), the address of the server to follow",)),
    "a certificate without a key": ({"upstream_tls_ca": "a", "upstream_tls_cert": "b"}, (TOGETHER,)),
    "a key without a certificate": ({"upstream_tls_ca": "a", "upstream_tls_key": "b"}, (TOGETHER,)),
    "a certificate without TLS": ({"upstream_tls_cert": "b", "upstream_tls_key": "c"}, (NEED_TLS,)),
    "a name without TLS": ({"upstream_tls_server_name": "b"}, (NEED_TLS,)),
    "TLS and plain text": ({"upstream_tls_ca": "a", "upstream_insecure": "true"}, (PLAIN,)),
    "two at once": (
        {"upstream_tls_cert": "a", "upstream_tls_server_name": "b"},
        (TOGETHER, NEED_TLS),
    ),
    "a group without a socket": (
        {"socket_group": "0"},
        ("--socket-group needs a Unix socket: give --listen unix:PATH",),
    ),
    "a snapshot without a key": (
        {"snapshot_file": "a"},
        ("give --snapshot-file and --snapshot-key-file together, or neither",),
    ),
    "an alias": (
        {"account": "prod"},
        ("--account (ROLECALL_ACCOUNT) has `prod`, which is not an account id of 1 to 20 digits",),
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_settings_that_contradict_each_other_are_refused(kind: str) -> None:
    flags, problems = REFUSED[kind]

    with pytest.raises(ConfigError) as caught:
        AgentConfig.from_mapping({"upstream": UPSTREAM, **flags}, {})

    assert caught.value.problems == problems


@pytest.mark.parametrize(
    "flags",
    [
        {},
        {"upstream_tls_ca": "a"},
        {"upstream_tls_ca": "a", "upstream_tls_cert": "b", "upstream_tls_key": "c"},
        {"upstream_tls_ca": "a", "upstream_tls_server_name": "b"},
        {"upstream_insecure": "true"},
        {"listen": "unix:agent.sock", "socket_group": "0"},
        {"snapshot_file": "a", "snapshot_key_file": "b"},
    ],
    ids=" ".join,
)
def test_settings_that_agree_are_accepted(flags: dict[str, object]) -> None:
    config = AgentConfig.from_mapping({"upstream": UPSTREAM, **flags}, {})

    assert {name for name in ["upstream", *flags] if getattr(config, name) == getattr(AgentConfig(), name)} == set()


def test_an_agent_follows_every_account_and_nobody_in_plain_text_unless_asked_to() -> None:
    given = {field.name: getattr(AgentConfig(), field.name) for field in fields(AgentConfig)}

    assert (given["account"], given["source_identity_needs_allow"], given["socket_group"]) == ((), None, None)
    assert (given["upstream"], given["upstream_insecure"], given["insecure"]) == ("", False, False)


def test_only_a_socket_says_who_may_connect() -> None:
    network = AgentConfig.from_mapping({"upstream": UPSTREAM}, {})
    alone = AgentConfig.from_mapping({"upstream": UPSTREAM, "listen": "unix:a"}, {})
    group = getgrgid(0).gr_name
    shared = AgentConfig.from_mapping({"upstream": UPSTREAM, "listen": "unix:a", "socket_group": group}, {})

    assert network.socket_access is None
    assert alone.socket_access == SocketAccess(None)
    assert shared.socket_access == SocketAccess(0)


@pytest.mark.parametrize(("text", "needed"), [("true", True), ("false", False), (None, False)])
def test_an_agent_decides_about_source_identities_as_its_server_does(text: str | None, needed: bool) -> None:
    config = AgentConfig.from_mapping({"upstream": UPSTREAM, "source_identity_needs_allow": text}, {})

    assert decision_options(config).source_identity_needs_allow is needed
