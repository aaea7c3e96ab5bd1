"""A compared system: a running server, how to send it a question, and how to parse its response."""

from __future__ import annotations

import socket
import subprocess
import time
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TypeVar

import grpc

from bench.missing import missing
from bench.peers import tools
from bench.peers.question import Question

START_SECONDS = 60
_GRPC_HEADERS = (("content-type", "application/grpc"), ("te", "trailers"))

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: its path, its body as in the HTTP/2 stream, and its headers."""

    path: str
    body: bytes
    headers: tuple[tuple[str, str], ...]
    items: int = 1

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """Return the headers that a gRPC client does not set by itself."""
        return tuple(header for header in self.headers if header not in _GRPC_HEADERS)


class System(ABC):
    """A running server. `max_batch` is the maximum number of questions in one call; 1: it has no batches."""

    def __init__(self, name: str, pid: int, address: str, max_batch: int) -> None:
        self.name = name
        self.pid = pid
        self.address = address
        self.max_batch = max_batch

    @abstractmethod
    def check(self, question: Question) -> Call:
        """Return the call for one question."""

    @abstractmethod
    def batch(self, questions: Sequence[Question]) -> Call:
        """Return the call for several questions."""

    @abstractmethod
    def ask(self, call: Call) -> bytes:
        """Make a call once; return the body of the response as in the stream."""

    @abstractmethod
    def answers(self, call: Call, body: bytes) -> list[bool]:
        """Return the answers in the response to a call."""


class GrpcSystem(System):
    """A server with a gRPC API."""

    def __init__(self, name: str, pid: int, channel: grpc.Channel, address: str, max_batch: int) -> None:
        super().__init__(name, pid, address, max_batch)
        self.channel = channel

    def ask(self, call: Call) -> bytes:
        ask: grpc.UnaryUnaryMultiCallable[bytes, bytes] = self.channel.unary_unary(call.path)
        return framed(ask(call.body[5:], metadata=call.metadata))


class HttpSystem(System):
    """A server with an HTTP API."""

    def ask(self, call: Call) -> bytes:
        request = urllib.request.Request(f"http://{self.address}{call.path}", call.body, dict(call.headers))
        with urllib.request.urlopen(request) as response:
            answer: bytes = response.read()
        return answer


def grpc_call(path: str, message: bytes, items: int = 1, metadata: Sequence[tuple[str, str]] = ()) -> Call:
    """Return a call framed for a gRPC stream."""
    return Call(path, framed(message), (*_GRPC_HEADERS, *metadata), items)


def framed(message: bytes) -> bytes:
    """Return a message with the five bytes of gRPC's frame: the compression flag, 0, and the length."""
    return b"\0" + len(message).to_bytes(4, "big") + message


def free_port() -> int:
    """Return a free port of the loopback address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def server(command: Sequence[object], log: Path) -> Iterator[int]:
    """Run a server whose output goes to a file; yield its process id."""
    with log.open("w") as output, _started(list(map(str, command)), output) as process:
        try:
            yield process.pid
        finally:
            process.kill()


def _started(command: list[str], output: IO[str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(command, stdout=output, stderr=output)
    except FileNotFoundError:
        missing(f"`{command[0]}`", tools.SETUP)


def retried(attempt: Callable[[], T], log: Path) -> T:
    """Return the result of `attempt` once the server is up; exit with the server's log if it does not start."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return attempt()
        except (grpc.RpcError, OSError) as error:
            if time.monotonic() > deadline:
                raise SystemExit(f"{log.stem} did not start: {error}\n{log.read_text()[-2_000:]}") from error
            time.sleep(0.2)
