"""Which method a path names, and what is remembered of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from rolecall.transport.http2.methods import Methods


async def one(messages: Any, context: Any) -> bytes:
    return b""


async def generated(messages: Any, context: Any) -> AsyncIterator[bytes]:
    yield b""


async def sent(messages: Any, context: Any) -> None: ...


def immediate(message: bytes, context: Any) -> bytes | None:
    return message


class Registry:
    """The registered methods; `asked` has the paths that were looked for."""

    def __init__(self) -> None:
        self.asked = list[str]()
        stream: Any = grpc.stream_stream_rpc_method_handler
        self._handlers: dict[str, Any] = {
            "/s/One": grpc.stream_unary_rpc_method_handler(one),
            "/s/Generated": stream(generated),
            "/s/Sent": stream(sent),
        }
        self._unknown: Any = grpc.stream_unary_rpc_method_handler(one)
        self.methods = Methods(self.find, {"/s/One": immediate})

    def find(self, path: str) -> Any:
        self.asked.append(path)
        return self._handlers.get(path, self._unknown)


@pytest.fixture
def registry() -> Registry:
    return Registry()


def test_a_method_has_its_function_and_how_it_answers(registry: Registry) -> None:
    found = [registry.methods.at(path) for path in (b"/s/One", b"/s/Generated", b"/s/Sent")]

    assert [method.run for method in found] == [one, generated, sent]
    assert [method.at_once for method in found] == [immediate, None, None]
    assert [method.response_streaming for method in found] == [False, True, True]
    assert [method.generates for method in found] == [False, True, False]


def test_a_method_is_looked_for_once(registry: Registry) -> None:
    paths = [b"/s/One", b"/s/Generated"] * 3

    found = [registry.methods.at(path) for path in paths]

    assert registry.asked == ["/s/One", "/s/Generated"]
    assert found == found[:2] * 3


def test_unknown_paths_share_one_method_and_are_not_remembered(registry: Registry) -> None:
    found = {registry.methods.at(b"/s/%d" % number) for number in range(50)}

    registry.methods.at(b"/s/49")

    assert len(found) == 1
    assert registry.asked == [*(f"/s/{number}" for number in range(50)), "/s/49"]


def test_a_path_that_is_no_text_is_looked_for_with_its_bytes_replaced(registry: Registry) -> None:
    method = registry.methods.at(b"/s/\xff")

    assert (registry.asked, method.at_once) == (["/s/\ufffd"], None)
