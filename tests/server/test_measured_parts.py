"""Every metric of a server is read from the part that it is about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rolecall.observability.metrics import make_registry
from rolecall.server import server as module
from rolecall.transport.rpc.stats import LATENCY_BOUNDS
from tests.security.certificates import Authority
from tests.server.serving import idle_server


@pytest.fixture
def sources(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return a list of what the metrics of each server are read from."""
    noted: list[Any] = []

    def making(given: Any) -> Any:
        noted.append(given)
        return make_registry(given)

    monkeypatch.setattr(module, "make_registry", making)
    return noted


async def test_the_metrics_of_a_server_are_those_of_its_parts(sources: list[Any], tmp_path: Path) -> None:
    folder = Authority(tmp_path / "authority").folder
    files = {"tls_cert": str(folder / "cert.pem"), "tls_key": str(folder / "key.pem")}
    path = tmp_path / "callers.yaml"
    path.write_text("callers: [{name: laptop, match: {local: true}, policies: [RolecallDecider]}]")

    async with idle_server(**files, callers=str(path), decision_log=str(tmp_path / "log")) as server:
        (read,) = sources
        grpc, security = server.grpc_server, server._listener_security
        assert server.decision_log is not None
        server.decision_log.start()
        await server.decision_log.close()

        assert security.certificate is not None
        assert read.certificate is security.certificate
        assert read.decision_log is server.decision_log
        assert read.writer is server.replica.writer
        assert read.point is server.replica.point
        assert read.requests is server.decoder.cache
        assert read.callers.file is server.callers.reloading
        assert (read.method_stats, read.latency_bounds) == (grpc.methods.method_stats, LATENCY_BOUNDS)
        assert (read.refusals, read.connections) == (grpc.refusals, grpc.wire.connection_counts)
        assert read.callers.observed_denials() == {}
        server.refusals.note("EXPIRED", "the token has expired")
        assert read.credentials.refused() == server.refusals.counts
        expiry = server.registry.get_sample_value("rolecall_tls_cert_expiry_timestamp_seconds")
        assert expiry == security.certificate.expires_at


async def test_what_a_server_does_not_have_is_not_measured(sources: list[Any]) -> None:
    async with idle_server() as server:
        (read,) = sources

        assert (read.certificate, read.decision_log, read.callers) == (None, None, None)
        assert server.decision_log is None
