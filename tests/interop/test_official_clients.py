"""The interop clients of gRPC for Go and Java against the HTTP/2 transport. `make tools` builds and fetches them."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path

import pytest

from tests.interop.service import running_test_service
from tests.missing import missing

pytestmark = pytest.mark.long

INSTALLED = Path(sys.prefix) / "interop"
GO, JARS = INSTALLED / "client", INSTALLED / "jars"
SECONDS = 60

CASES = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "timeout_on_sleeping_server",
    "cancel_after_begin",
    "cancel_after_first_response",
    "status_code_and_message",
    "special_status_message",
    "custom_metadata",
    "unimplemented_method",
    "unimplemented_service",
    "rpc_soak",
    "channel_soak",
]
COMPRESSION = [
    "client_compressed_unary",
    "server_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_streaming",
]
SOAK = ["--soak_iterations=100", "--soak_per_iteration_max_acceptable_latency_ms=30000"]
# The Java client compares latencies with limits of its own; a machine that is busy is not a failure.


def go_client() -> list[str]:
    if not GO.exists():
        missing("the Go client is not there: install Go, then `make tools`")
    return [str(GO)]


def java_client() -> list[str]:
    java = shutil.which("java")
    if java is None or not JARS.exists():
        missing("the Java client is not there: install a JDK and Maven, then `make tools`")
    quick = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
    return [java, *quick, "-cp", f"{JARS}/*", "io.grpc.testing.integration.TestServiceClient", "--use_tls=false"]


@pytest.mark.parametrize("case", CASES)
async def test_the_go_client_passes(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    await passes(monkeypatch, go_client(), case)


@pytest.mark.parametrize("case", [*CASES, *COMPRESSION])
async def test_the_java_client_passes(monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    await passes(monkeypatch, java_client(), case)


async def passes(monkeypatch: pytest.MonkeyPatch, client: list[str], case: str) -> None:
    async with running_test_service(monkeypatch) as port:
        code, output = await run(
            [*client, "--server_host=127.0.0.1", f"--server_port={port}", f"--test_case={case}", *SOAK]
        )

    assert code == 0, output


async def run(command: list[str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    try:
        async with asyncio.timeout(SECONDS):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")
