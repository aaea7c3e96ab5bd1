"""An application of ASGI behind a real server, in the event loop of a test."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

import uvicorn
from cryptography import x509
from uvicorn.protocols.http.h11_impl import H11Protocol

from tests.security.certificates import Authority

TLS_OF_CONNECTION = "tls of the connection"


class Answer(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def problem(self) -> Any:
        return json.loads(self.body)


class Application:
    """Answers every request with its path, and notes which reached it."""

    def __init__(self) -> None:
        self.reached: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.reached.append(f"{scope.get('method', scope['type'])} {scope['path']}")
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": scope["path"].encode()})


class WithCertificates(H11Protocol):
    """A connection that knows its client's certificate, for the extension `tls`, which uvicorn itself does not have."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        encoded = transport.get_extra_info("ssl_object").getpeercert(binary_form=True)
        chain = [ssl.DER_cert_to_PEM_cert(encoded)] if encoded else []
        self.app_state = {**self.app_state, TLS_OF_CONNECTION: {"client_cert_chain": chain, "client_cert_error": None}}


def with_extension(app: Any) -> Any:
    """Return an application whose requests have the extension `tls`."""

    async def extended(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            scope["extensions"] = {"tls": scope["state"].pop(TLS_OF_CONNECTION)}
        await app(scope, receive, send)

    return extended


@asynccontextmanager
async def http_service(app: Any, **options: Any) -> AsyncIterator[int]:
    """Serve an application; give the port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", **options))
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


@asynccontextmanager
async def https_service(app: Any, authority: Authority) -> AsyncIterator[int]:
    """Serve an application over TLS with client certificates, which the server passes on; give the port."""
    files = {name: str(authority.folder / f"{file}.pem") for name, file in FILES.items()}
    async with http_service(
        with_extension(app), http=WithCertificates, ssl_cert_reqs=ssl.CERT_REQUIRED, **files
    ) as port:
        yield port


FILES = {"ssl_certfile": "cert", "ssl_keyfile": "key", "ssl_ca_certs": "ca"}


async def get(port: int, path: str, headers: Mapping[str, str] | None = None, method: str = "GET") -> Answer:
    """Send one request in plain text."""
    return await asyncio.to_thread(
        _answered, HTTPConnection("127.0.0.1", port, timeout=30), method, path, headers or {}
    )


async def get_with_certificate(
    port: int, path: str, authority: Authority, folder: Path, *names: x509.GeneralName, method: str = "GET"
) -> Answer:
    """Send one request over TLS, with a new certificate that has these names."""
    certificate, key = authority.issue(*names)
    (folder / "client.pem").write_bytes(certificate + key)
    context = ssl.create_default_context(cafile=str(authority.folder / "ca.pem"))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.load_cert_chain(folder / "client.pem")
    connect = partial(HTTPSConnection, "localhost", port, context=context, timeout=30)
    return await asyncio.to_thread(lambda: _answered(connect(), method, path, {}))


def _answered(connection: HTTPConnection, method: str, path: str, headers: Mapping[str, str]) -> Answer:
    try:
        connection.putrequest(method, path)
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read().decode())
    finally:
        connection.close()
