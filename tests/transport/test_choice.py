"""Which transport a value of `--transport` stands for, and what is said of it."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import pytest

from rolecall.transport import choice
from rolecall.transport.choice import MissingTransportError, transport_named
from rolecall.transport.grpcio_server import GrpcioServer
from rolecall.transport.http2.server import Http2Server
from rolecall.transport.options import AUTO, GRPCIO, H2, TRANSPORTS, ServerOptions


class Methods:
    """The methods of a server that none calls."""

    def __init__(self) -> None:
        self.named, self.at_once = None, dict[str, object]()


def without_the_binding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "find_spec", lambda name: None if name == "ngh2" else find_spec(name))


def prefer(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "AUTO_PREFERS", name)


def test_a_transport_is_named_on_the_command_line_as_in_the_log() -> None:
    assert TRANSPORTS == (AUTO, H2, GRPCIO) == ("auto", "h2", "grpcio")


@pytest.mark.parametrize(("name", "kind"), [(H2, Http2Server), (GRPCIO, GrpcioServer)])
async def test_a_transport_that_is_named_is_used(name: str, kind: type) -> None:
    chosen, methods = transport_named(name), Methods()
    made: Any = chosen.make(methods, ServerOptions())  # type: ignore[arg-type]

    assert type(made) is kind
    assert (chosen.name, chosen.why) == (name, f"--transport is `{name}`")


@pytest.mark.parametrize("preferred", [H2, GRPCIO])
def test_auto_is_the_preferred_transport_where_it_is_available(preferred: str, monkeypatch: pytest.MonkeyPatch) -> None:
    prefer(preferred, monkeypatch)

    chosen = transport_named(AUTO)

    assert (chosen.name, chosen.why) == (preferred, f"--transport is `auto`, which prefers `{preferred}`")
    assert (chosen.make is GrpcioServer) is (preferred == GRPCIO)


def test_auto_is_grpcio_without_the_binding_of_h2(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_binding(monkeypatch)
    prefer(GRPCIO, monkeypatch)
    plain = transport_named(AUTO)
    prefer(H2, monkeypatch)
    instead = transport_named(AUTO)

    assert (plain.name, plain.why) == (GRPCIO, "--transport is `auto`, which prefers `grpcio`")
    assert (instead.name, instead.why, instead.make) == (
        GRPCIO,
        "--transport is `auto`, and the package `ngh2` is not installed",
        GrpcioServer,
    )


def test_without_its_binding_h2_is_refused_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without_the_binding(monkeypatch)

    with pytest.raises(MissingTransportError) as refused:
        transport_named(H2)

    assert transport_named(GRPCIO).make is GrpcioServer
    assert str(refused.value) == (
        "--transport h2 needs the package `ngh2`: install rolecall with its extra `h2`, or use --transport grpcio"
    )
