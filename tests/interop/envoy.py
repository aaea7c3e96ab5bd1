"""Envoy in front of a server: it takes calls on a Unix socket, and connects with a client certificate. `make tools` installs it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.missing import missing

ENVOY = Path(sys.prefix) / "interop" / "envoy" / "envoy" / "_bin" / "envoy"
PATIENCE_SECONDS = 60
ONE_PROCESS = ["--disable-hot-restart", "--concurrency", "1", "--log-level", "warning"]

_TYPE = "type.googleapis.com/envoy.extensions"


@asynccontextmanager
async def envoy(folder: Path, port: int, *, certificate: Mapping[str, str] | None) -> AsyncIterator[str]:
    """Give the address of an Envoy in front of a server with TLS; `certificate` has the files `cert` and `key` of Envoy itself."""
    if not ENVOY.exists():
        missing("Envoy is not there: `make tools`")
    config, socket = folder / "envoy.json", folder / "envoy.sock"
    config.write_text(json.dumps(_bootstrap(socket, _upstream(folder, port, certificate))))
    with (folder / "envoy.log").open("w") as log:
        process = await asyncio.create_subprocess_exec(
            str(ENVOY), *ONE_PROCESS, "--config-path", str(config), stdout=log, stderr=log
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not socket.exists():
                    assert process.returncode is None, (folder / "envoy.log").read_text()
                    await asyncio.sleep(0.02)
            yield f"unix:{socket}"
        finally:
            process.kill()
            await process.wait()


def _bootstrap(socket: Path, upstream: Mapping[str, Any]) -> dict[str, Any]:
    manager = {
        "@type": f"{_TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "codec_type": "HTTP2",
        "stat_prefix": "rolecall",
        "stream_idle_timeout": "0s",
        "route_config": {"virtual_hosts": [{"name": "rolecall", "domains": ["*"], "routes": [_route()]}]},
        "http_filters": [
            {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{_TYPE}.filters.http.router.v3.Router"}}
        ],
    }
    chain = {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
    listener = {"name": "calls", "address": {"pipe": {"path": str(socket)}}, "filter_chains": [chain]}
    return {"static_resources": {"listeners": [listener], "clusters": [upstream]}}


def _route() -> dict[str, Any]:
    # Streams have no time limit here, and the deadline of a call is that of its client.
    limits = {"timeout": "0s", "max_stream_duration": {"grpc_timeout_header_max": "0s"}}
    return {"match": {"prefix": "/"}, "route": {"cluster": "rolecall", **limits}}


def _upstream(folder: Path, port: int, certificate: Mapping[str, str] | None) -> dict[str, Any]:
    address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
    http2 = {
        "@type": f"{_TYPE}.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}},
    }
    return {
        "name": "rolecall",
        "type": "STATIC",
        "connect_timeout": "10s",
        "typed_extension_protocol_options": {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": http2},
        "load_assignment": {
            "cluster_name": "rolecall",
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
        "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": _tls(folder, certificate)},
    }


def _tls(folder: Path, certificate: Mapping[str, str] | None) -> dict[str, Any]:
    common: dict[str, Any] = {"validation_context": {"trusted_ca": {"filename": str(folder / "ca.pem")}}}
    if certificate:
        files = {"certificate_chain": certificate["cert"], "private_key": certificate["key"]}
        common["tls_certificates"] = [{field: {"filename": file} for field, file in files.items()}]
    return {
        "@type": f"{_TYPE}.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": "localhost",
        "common_tls_context": common,
    }
