"""The routes of an HTTP service, and the role that a caller of each needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from rolecall_client.guards.access import CLOSED, MethodAccess, entries

ANY_VERB: Final = "*"
REST: Final = "*"
WEBSOCKET: Final = "WEBSOCKET"
"""The verb of a WebSocket, which `*` does not include."""

MAX_SEGMENTS = 64

_ROUTE = re.compile(r"([A-Z]+|\*) (/.*)", re.ASCII)
_LITERAL = re.compile(r"[A-Za-z0-9._~!$&'()+,;=:@-]*", re.ASCII)
_PARAMETER = re.compile(r"\{\w+\}", re.ASCII)


@dataclass(slots=True)
class _Place:
    """A place in the tree of patterns: what follows it, and the entries that end there, by verb."""

    literals: dict[str, _Place] = field(default_factory=dict)
    parameter: _Place | None = None
    ends: dict[str, MethodAccess] = field(default_factory=dict)
    rest: dict[str, MethodAccess] = field(default_factory=dict)


class RouteMap:
    """Maps `VERB /path` to a role: `POST /orders/{id}/refund`, `GET /orders/*`, `* /admin/*`, `WEBSOCKET /feed`.

    `{name}` stands for one segment that is not empty, `*` at the end for everything that follows, and `*` as the verb for each verb
    of HTTP. `GET` includes HEAD. Of several patterns that match a path the first in this order counts, segment by segment from the
    left: the literal, `{name}`, `*`; then the verb itself, then `*`. Paths are compared exactly: case and a slash at the end count.
    Routes in `public` are open to every caller; a route that is in neither is closed. Raise `ValueError` if the map is invalid.
    """

    def __init__(self, roles: Mapping[str, str], *, public: Iterable[str] = ()) -> None:
        self._root = _Place()
        self._roles: set[str] = set()
        for entry in entries(roles, public):
            self._add(entry)

    @property
    def roles(self) -> frozenset[str]:
        """Return every role that protects a route."""
        return frozenset(self._roles)

    def find(self, name: str) -> MethodAccess:
        """Return how a route, as `VERB /path`, is protected."""
        verb, _, path = name.partition(" ")
        segments = path.split("/", MAX_SEGMENTS + 1)[1:]
        if not path.startswith("/") or len(segments) > MAX_SEGMENTS or not is_plain(segments):
            return CLOSED
        return next(_matches(self._root, segments, tuple(_verbs(verb))), CLOSED)

    def _add(self, entry: MethodAccess) -> None:
        route = _ROUTE.fullmatch(entry.pattern)
        if route is None:
            raise ValueError(f"`{entry.pattern}` is no route; write a verb and a path, such as `GET /orders/{{id}}`")
        ends = self._ends(entry.pattern, route[2].split("/")[1:])
        if route[1] in ends:
            raise ValueError(f"`{entry.pattern}` and `{ends[route[1]].pattern}` are the same route; remove one")
        ends[route[1]] = entry
        if entry.role:
            self._roles.add(entry.role)

    def _ends(self, pattern: str, segments: list[str]) -> dict[str, MethodAccess]:
        if len(segments) > MAX_SEGMENTS:
            raise ValueError(f"`{pattern}` has {len(segments)} segments; the limit is {MAX_SEGMENTS}")
        if not is_plain(segments):
            raise ValueError(f"`{pattern}` has a segment `.`, `..` or an empty one, which never matches")
        place = self._root
        for number, segment in enumerate(segments, start=1):
            if segment == REST and number == len(segments):
                return place.rest
            place = _next(place, segment, pattern)
        return place.ends


def is_plain(segments: list[str]) -> bool:
    """Return whether every reader reads these segments alike: none is `.` or `..`, and none but the last is empty."""
    # `//`, `/./` and `/../` are one path for one reader and another for the next. A framework could reach another route.
    return all(segments[:-1]) and "." not in segments and ".." not in segments


def _next(place: _Place, segment: str, pattern: str) -> _Place:
    if _PARAMETER.fullmatch(segment):
        place.parameter = place.parameter or _Place()
        return place.parameter
    if not _LITERAL.fullmatch(segment):
        raise ValueError(
            f"`{pattern}` has the segment `{segment}`; write text, `{{name}}` for one segment, or `*` at the end for the rest"
        )
    return place.literals.setdefault(segment, _Place())


def _matches(place: _Place, segments: list[str], verbs: tuple[str, ...]) -> Iterator[MethodAccess]:
    """Yield the entries that match, the one that counts first."""
    if not segments:
        yield from (place.ends[verb] for verb in verbs if verb in place.ends)
        return
    first, others = segments[0], segments[1:]
    if literal := place.literals.get(first):
        yield from _matches(literal, others, verbs)
    if first and place.parameter:
        yield from _matches(place.parameter, others, verbs)
    yield from (place.rest[verb] for verb in verbs if verb in place.rest)


def _verbs(verb: str) -> Iterator[str]:
    if not verb:
        return
    yield verb
    if verb == "HEAD":
        yield "GET"
    if verb != WEBSOCKET:
        yield ANY_VERB
