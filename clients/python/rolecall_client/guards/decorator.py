"""Guards a function: it is called only if a principal may assume a role."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, ParamSpec, TypeVar, cast

from rolecall_client.guards.access import MethodAccess, required_role
from rolecall_client.guards.async_guard import AsyncDecisionSource, AsyncJudge
from rolecall_client.guards.decision import GuardMode, OnDecision
from rolecall_client.guards.errors import error_of
from rolecall_client.guards.guard import DecisionSource, Judge
from rolecall_client.guards.identities import CallerIdentity
from rolecall_client.guards.judgement import GuardedCall
from rolecall_client.guards.observer import Observer
from rolecall_client.guards.peer import UnknownCallerError
from rolecall_client.guards.report import GuardReport
from rolecall_client.guards.rules import DEFAULT_TIMEOUT_SECONDS, mode_of
from rolecall_client.queries import Values
from rolecall_client.v1 import decision_pb2 as d

P = ParamSpec("P")
R = TypeVar("R")

Principal = str | CallerIdentity
ClientOfFunction = DecisionSource | AsyncDecisionSource | Callable[[], DecisionSource | AsyncDecisionSource]
"""A client, or a function that returns it: one that is opened only later."""

_OBSERVER = Observer()
"""That of all functions: functions are many, and threads are few."""


def requires_role(
    role: str,
    *,
    as_: Principal | Callable[..., Principal],
    client: ClientOfFunction,
    context: Callable[..., Values] | None = None,
    mode: str = GuardMode.ENFORCE,
    timeout: float = DEFAULT_TIMEOUT_SECONDS,
    on_decision: OnDecision | None = None,
) -> RoleRequirement:
    """Return a decorator of functions that are called only if a principal may assume `role`.

    `as_` is the principal, or a function that returns it from the arguments of the call; so does `context` for condition keys.
    `client` is a `RolecallClient`, for a coroutine function an `AsyncRolecallClient`. The call raises `NotAllowedError`, or
    `NotDecidedError` if no decision could be made within `timeout` seconds. With `mode="observe"` every call is made, and what
    would have been refused is logged.
    """
    report = GuardReport(mode=mode_of(mode), on_decision=on_decision)
    return RoleRequirement(
        required_role("requires_role", role), as_=as_, client=client, context=context, report=report, timeout=timeout
    )


class RoleRequirement:
    """The decorator that `requires_role` returns."""

    def __init__(
        self,
        role: str,
        *,
        as_: Principal | Callable[..., Principal],
        client: ClientOfFunction,
        context: Callable[..., Values] | None,
        report: GuardReport,
        timeout: float,
    ) -> None:
        self._role, self._as, self._client = role, as_, client
        self._context, self._report, self._timeout = context, report, timeout

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        """Return the guarded function; raise `TypeError` if the client does not suit it."""
        if inspect.isasyncgenfunction(function):
            raise TypeError(f"`{function.__qualname__}` is an asynchronous generator; guard the function that reads it")
        if inspect.iscoroutinefunction(function):
            _require_client(function, self._client, waits=True)
            return cast("Callable[P, R]", self._coroutine(function))
        _require_client(function, self._client, waits=False)
        return self._function(function)

    def _function(self, function: Callable[P, R]) -> Callable[P, R]:
        judge = Judge(_ClientLater(self._client), self._report, self._timeout, _OBSERVER)

        @functools.wraps(function)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if decision := judge.refusal(self._call(function, args, kwargs)):
                raise error_of(decision)
            return function(*args, **kwargs)

        return guarded

    def _coroutine(self, function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        judge = AsyncJudge(_AsyncClientLater(self._client), self._report, self._timeout)

        @functools.wraps(function)
        async def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
            if decision := await judge.refusal(self._call(function, args, kwargs)):
                raise error_of(decision)
            return await function(*args, **kwargs)

        return guarded

    def _call(
        self, function: Callable[..., object], args: tuple[object, ...], kwargs: Mapping[str, object]
    ) -> GuardedCall:
        return GuardedCall(
            method=function.__qualname__,
            access=MethodAccess(function.__qualname__, self._role),
            identify=lambda: _identity(self._as(*args, **kwargs) if callable(self._as) else self._as),
            context=lambda: self._context(*args, **kwargs) if self._context else {},
        )


class _ClientLater:
    """A client that exists when it is asked."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401  (a client, or a function that returns one)
        self._client = client

    def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:
        response: d.CheckAssumeRoleResponse = _opened(self._client).check(query, timeout=timeout)
        return response


class _AsyncClientLater:
    """A client of an event loop that exists when it is asked."""

    def __init__(self, client: Any) -> None:  # noqa: ANN401  (a client, or a function that returns one)
        self._client = client

    async def check(self, query: d.AssumeRoleQuery, *, timeout: float | None = None) -> d.CheckAssumeRoleResponse:  # noqa: ASYNC109
        response: d.CheckAssumeRoleResponse = await _opened(self._client).check(query, timeout=timeout)
        return response


def _opened(client: Any) -> Any:  # noqa: ANN401  (a client, or a function that returns one)
    return client() if callable(client) else client


def _require_client(function: Callable[..., object], client: ClientOfFunction, *, waits: bool) -> None:
    if not callable(client) and inspect.iscoroutinefunction(client.check) != waits:
        kind = "AsyncRolecallClient" if waits else "RolecallClient"
        raise TypeError(
            f"`{function.__qualname__}` needs an {kind}" if waits else f"`{function.__qualname__}` needs a {kind}"
        )


def _identity(principal: Principal) -> CallerIdentity:
    if not principal:
        raise UnknownCallerError("`as_` returned no principal")
    return principal if isinstance(principal, CallerIdentity) else CallerIdentity(as_=principal)
