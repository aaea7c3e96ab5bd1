"""The settings of one agent: those of every process that answers calls, and the server that it follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rolecall.config.serving_settings import ServingSettings
from rolecall.config.setting import setting
from rolecall.config.types import read_account_ids, read_boolean, read_group, read_text
from rolecall.transport.endpoint import SocketAccess


@dataclass(frozen=True, kw_only=True)
class UpstreamSettings:
    """The server that an agent follows, how it is trusted, and what is followed."""

    upstream: str = setting("", read_text, "Address of the server to follow: HOST:PORT, HOST or unix:PATH.")
    upstream_tls_ca: str = setting(
        "", read_text, "CA certificates (PEM file) that verify that server; turns on TLS to it."
    )
    upstream_tls_cert: str = setting("", read_text, "Certificate (PEM file) with which the agent identifies itself.")
    upstream_tls_key: str = setting(
        "", read_text, "Private key of --upstream-tls-cert (PEM file); only its owner and its group may have access."
    )
    upstream_tls_server_name: str = setting(
        "", read_text, "Name in the certificate of that server, if the address does not have it."
    )
    upstream_token_file: str = setting(
        "", read_text, "File with the token with which the agent identifies itself; read again when it changes."
    )
    upstream_insecure: bool = setting(
        default=False,
        read=read_boolean,
        text="Follow a server on another machine in plain text, for example because a service mesh encrypts.",
    )
    account: tuple[str, ...] = setting(
        (), read_account_ids, "Accounts to follow, by their ids, 100 at most (default: every account)."
    )
    source_identity_needs_allow: bool | None = setting(
        None,
        read_boolean,
        "What the server has for this setting (default: not known; it is asked about requests with a source identity).",
    )


# Fields of the last base come first.
@dataclass(frozen=True, kw_only=True)
class AgentConfig(ServingSettings, UpstreamSettings):
    """The settings of one agent."""

    socket_group: int | None = setting(
        None,
        read_group,
        "Group, by its name or number, whose members may call on the Unix socket (default: only the user of the agent).",
    )

    @property
    def socket_access(self) -> SocketAccess | None:
        """Return who may connect to a Unix socket: the user of the agent, and the group of `--socket-group`."""
        return None if self.listen.host else SocketAccess(self.socket_group)

    def contradictions(self) -> Iterator[str]:
        """Yield what is wrong with settings that depend on each other."""
        if not self.upstream:
            yield "give --upstream (ROLECALL_UPSTREAM), the address of the server to follow"
        if bool(self.upstream_tls_cert) != bool(self.upstream_tls_key):
            yield "give --upstream-tls-cert and --upstream-tls-key together, or neither"
        if (self.upstream_tls_cert or self.upstream_tls_server_name) and not self.upstream_tls_ca:
            yield "--upstream-tls-cert and --upstream-tls-server-name need --upstream-tls-ca, which turns on TLS"
        if self.upstream_insecure and self.upstream_tls_ca:
            yield "--upstream-insecure is plain text, and --upstream-tls-ca turns on TLS; give one of them"
        if self.socket_group is not None and self.listen.host:
            yield "--socket-group needs a Unix socket: give --listen unix:PATH"
        yield from super().contradictions()
