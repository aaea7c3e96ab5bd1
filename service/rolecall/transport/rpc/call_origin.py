"""Who makes a call, as far as shares and rates are concerned: the caller and its connection."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from rolecall.callers.caller import Caller
from rolecall.transport.rpc.call_context import CallContext

Identify: TypeAlias = Callable[[CallContext], Caller]
"""Returns the caller of a call."""

CallerName: TypeAlias = Callable[[CallContext], str | None]
"""Returns the name in the caller's certificate; None if there is none, because clients need no certificate."""


class CallOrigin(NamedTuple):
    """A caller and one of its connections. A caller without a name is its connection."""

    name: str
    connection: str


def no_name(context: CallContext) -> None:
    """Return None: callers have no names."""


def origin_of(context: CallContext, name_of: CallerName) -> CallOrigin:
    """Return who makes a call."""
    connection = context.peer()
    return CallOrigin(name_of(context) or connection, connection)


def payer_of(context: CallContext, name_of: CallerName) -> str:
    """Return who pays for a call: the caller's name, or else its address without the port, which it could change."""
    return name_of(context) or context.peer().rpartition(":")[0]
