"""The methods that calls name, by their paths as they are on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import Any

import grpc

from rolecall.transport.rpc.at_once import AtOnce


@dataclass(frozen=True, slots=True, eq=False)
class Method:
    """A method: what takes the messages and the context of one call, and perhaps what answers a call without a task.

    It answers with one message, or it sends any number itself, or it generates them.
    """

    run: Callable[[Any, Any], Any]
    response_streaming: bool
    generates: bool
    at_once: AtOnce | None = None


class Methods:
    """Finds methods by their paths. All unknown paths share one method; `find` takes the path as text."""

    def __init__(self, find: Callable[[str], grpc.RpcMethodHandler[Any, Any]], at_once: Mapping[str, AtOnce]) -> None:
        self._find, self._at_once = find, at_once
        self._known: dict[bytes, Method] = {}
        self._by_handler: dict[int, Method] = {}

    def at(self, path: bytes) -> Method:
        """Return the method at a path."""
        return self._known.get(path) or self._look_up(path)

    def _look_up(self, path: bytes) -> Method:
        name = path.decode("utf-8", "replace")
        handler = self._find(name)
        method = self._by_handler.get(id(handler))
        if method is None:
            # One entry for each handler, and one path for each method: unknown paths, which clients choose, are not stored.
            method = self._by_handler[id(handler)] = _method(handler, self._at_once.get(name))
            self._known[path] = method
        return method


def _method(handler: Any, at_once: AtOnce | None) -> Method:
    # Every registered method reads its messages itself, so all are of these two shapes.
    run = handler.stream_stream if handler.response_streaming else handler.stream_unary
    return Method(
        run=run,
        response_streaming=handler.response_streaming,
        generates=isasyncgenfunction(run),
        at_once=at_once,
    )
