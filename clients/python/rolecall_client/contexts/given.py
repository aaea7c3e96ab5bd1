"""What the options of a command, or the environment, say about a connection."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rolecall_client.contexts.limits import MAX_TIMEOUT_SECONDS
from rolecall_client.contexts.location import expanded_path
from rolecall_client.contexts.text import quoted


class SourceNames(NamedTuple):
    """What the values of a source are called in messages."""

    address: str
    tls_ca: str
    tls_cert: str
    tls_key: str
    token_file: str
    timeout: str
    context: str
    agent: str = ""


VARIABLES = SourceNames(
    "ROLECALL_ADDRESS",
    "ROLECALL_TLS_CA",
    "ROLECALL_TLS_CERT",
    "ROLECALL_TLS_KEY",
    "ROLECALL_TOKEN_FILE",
    "ROLECALL_TIMEOUT",
    "ROLECALL_CONTEXT",
    "ROLECALL_AGENT",
)
OPTIONS = SourceNames("--address", "--tls-ca", "--tls-cert", "--tls-key", "--token-file", "--timeout", "--context")


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSettings:
    """The settings of one source; what it does not say is None."""

    names: SourceNames
    address: str | None = None
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    token_file: Path | None = None
    timeout: float | None = None
    context: str | None = None
    agent: str | None = None


NOTHING_GIVEN = GivenSettings(names=OPTIONS)


def settings_in(environ: Mapping[str, str]) -> GivenSettings:
    """Return what the environment says; raise `ValueError`. An empty variable is one that is not set.

    A server has settings of the names `ROLECALL_TLS_CERT` and `ROLECALL_TLS_KEY`, too. So they count only beside `ROLECALL_TLS_CA`,
    which only a client has: else a command in the environment of a server would send the certificate of that server.
    """
    paths = {name: expanded_path(text) for name in VARIABLES if (text := environ.get(name, ""))}
    authority = paths.get(VARIABLES.tls_ca)
    return GivenSettings(
        names=VARIABLES,
        address=environ.get(VARIABLES.address) or None,
        tls_ca=authority,
        tls_cert=paths.get(VARIABLES.tls_cert) if authority else None,
        tls_key=paths.get(VARIABLES.tls_key) if authority else None,
        token_file=paths.get(VARIABLES.token_file),
        timeout=_seconds(environ.get(VARIABLES.timeout, "")),
        context=environ.get(VARIABLES.context) or None,
        agent=environ.get(VARIABLES.agent) or None,
    )


def _seconds(text: str) -> float | None:
    if not text:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT_SECONDS:
        raise ValueError(
            f"{VARIABLES.timeout} is {quoted(text)}; write a number of seconds up to {MAX_TIMEOUT_SECONDS:,}"
        )
    return seconds
