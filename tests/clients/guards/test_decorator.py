"""Functions that are guarded."""

from __future__ import annotations

import inspect
from queue import Queue
from typing import Any

import pytest

from rolecall_client import AsyncRolecallClient, RolecallClient
from rolecall_client.guards import CallerIdentity, GuardDecision, NotAllowedError, NotDecidedError, requires_role
from tests.clients.guards.conftest import CART_USER, THIEF_USER


def test_a_function_is_called_only_for_a_principal_that_may_assume_the_role(client: RolecallClient) -> None:
    called: list[tuple[str, int]] = []

    @requires_role("orders.use", as_=lambda user, amount: user, client=client)
    def refund(user: str, amount: int) -> int:
        """Refund."""
        called.append((user, amount))
        return amount

    assert refund(CART_USER, amount=7) == 7
    with pytest.raises(NotAllowedError, match=r"^the call is not allowed; decision `[\w-]+`$") as refused:
        refund(THIEF_USER, amount=8)
    assert (refused.value.decision.role, refused.value.decision.caller) == ("orders.use", THIEF_USER)
    assert called == [(CART_USER, 7)]
    assert (refund.__name__, refund.__doc__) == ("refund", "Refund.")


async def test_a_coroutine_function_is_called_only_for_a_principal_that_may_assume_the_role(
    async_client: AsyncRolecallClient,
) -> None:
    @requires_role("orders.use", as_=lambda user: user, client=async_client)
    async def refund(user: str) -> str:
        return user

    assert inspect.iscoroutinefunction(refund)
    assert await refund(CART_USER) == CART_USER
    with pytest.raises(NotAllowedError):
        await refund(THIEF_USER)


def test_a_principal_may_be_fixed_and_the_client_opened_later(client: RolecallClient) -> None:
    opened: list[RolecallClient] = []

    @requires_role("orders.use", as_=CART_USER, client=lambda: opened[0])
    def run() -> str:
        return "ran"

    with pytest.raises(NotDecidedError):
        run()
    opened.append(client)
    assert run() == "ran"


def test_a_method_is_guarded_by_its_object(client: RolecallClient) -> None:
    class Session:
        def __init__(self, user: str) -> None:
            self.user = user

        @requires_role("orders.use", as_=lambda self: CallerIdentity(as_=self.user), client=client)
        def refund(self) -> str:
            return self.user

    assert Session(CART_USER).refund() == CART_USER
    with pytest.raises(NotAllowedError):
        Session(THIEF_USER).refund()


def test_condition_keys_come_from_the_arguments(client: RolecallClient) -> None:
    @requires_role("orders.far", as_=CART_USER, client=client, context=lambda address: {"acs:SourceIp": address})
    def run(address: str) -> None:
        return None

    run("203.0.113.9")
    with pytest.raises(NotAllowedError):
        run("127.0.0.1")


@pytest.mark.parametrize(
    ("principal", "error"),
    [("", NotAllowedError), (None, NotAllowedError), (7, NotDecidedError), (b"acs", NotDecidedError)],
)
def test_a_principal_that_is_none_is_refused(client: RolecallClient, principal: Any, error: type[Exception]) -> None:
    @requires_role("orders.use", as_=lambda: principal, client=client)
    def run() -> None:
        raise AssertionError

    with pytest.raises(error):
        run()


def test_a_function_that_is_observed_is_called_for_everyone(client: RolecallClient) -> None:
    decided: Queue[GuardDecision] = Queue()

    @requires_role("orders.use", as_=THIEF_USER, client=client, mode="observe", on_decision=decided.put)
    def run() -> str:
        return "ran"

    assert run() == "ran"
    assert decided.get(timeout=60).outcome == "denied"


def test_who_is_observed_is_read_before_the_function_runs(client: RolecallClient) -> None:
    decided: Queue[GuardDecision] = Queue()

    @requires_role(
        "orders.use", as_=lambda session: session["user"], client=client, mode="observe", on_decision=decided.put
    )
    def leave(session: dict[str, str]) -> None:
        session["user"] = THIEF_USER

    leave({"user": CART_USER})

    assert decided.get(timeout=60).caller == CART_USER


def test_a_client_that_does_not_suit_the_function_is_refused(
    client: RolecallClient, async_client: AsyncRolecallClient
) -> None:
    async def waits() -> None: ...
    async def yields() -> Any:
        yield 1

    def runs() -> None: ...

    with pytest.raises(TypeError, match="needs an AsyncRolecallClient"):
        requires_role("orders.use", as_=CART_USER, client=client)(waits)
    with pytest.raises(TypeError, match="needs a RolecallClient"):
        requires_role("orders.use", as_=CART_USER, client=async_client)(runs)
    with pytest.raises(TypeError, match="is an asynchronous generator"):
        requires_role("orders.use", as_=CART_USER, client=async_client)(yields)


@pytest.mark.parametrize("role", ["", "two words", "acs:ram::1:user/x"])
def test_an_invalid_role_is_refused(client: RolecallClient, role: str) -> None:
    with pytest.raises(ValueError, match="names no role"):
        requires_role(role, as_=CART_USER, client=client)
