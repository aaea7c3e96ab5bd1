"""The credential of a client: renewed without stopping others, and never mistaken for another."""

from __future__ import annotations

import asyncio
import sys
import threading
from pathlib import Path

import pytest

from rolecall_client import AsyncRolecallClient, CommandToken, FileToken, RolecallClient, TokenError
from rolecall_client.connection.credential import Credential
from tests.clients.test_requests import Recording, recording


class Renewing:
    """A source whose token is ready when the test says so."""

    def __init__(self) -> None:
        self.token: str | None = None
        self.called = threading.Event()
        self.may_return, self.threads = threading.Event(), list[threading.Thread]()
        self.refusals = 0

    def __call__(self) -> str:
        self.threads.append(threading.current_thread())
        self.called.set()
        assert self.may_return.wait(20)
        if self.token is None:
            raise TokenError("no token")
        return self.token

    def ready(self) -> str | None:
        return self.token

    def refused(self) -> None:
        self.refusals += 1


async def test_a_loop_does_not_wait_for_a_token_and_asks_once_for_all_calls() -> None:
    source = Renewing()
    credential = Credential(source, (), None)

    calls = [asyncio.ensure_future(credential.metadata_later()) for _ in range(5)]
    await asyncio.to_thread(source.called.wait, 20)
    calls[0].cancel()
    await asyncio.wait([calls[0]])
    source.token = "renewed"
    source.may_return.set()
    answers = await asyncio.gather(*calls[1:])

    assert answers == [(("authorization", "Bearer renewed"),)] * 4
    assert len(source.threads) == 1
    assert source.threads[0] is not threading.current_thread()


async def test_every_call_gets_the_error_of_a_token_that_cannot_be_renewed() -> None:
    source = Renewing()
    source.may_return.set()
    credential = Credential(source, (), None)

    outcomes = await asyncio.gather(*(credential.metadata_later() for _ in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [TokenError] * 3


def test_two_unknown_credentials_are_never_equal() -> None:
    source = Renewing()
    credential = Credential(source, (), None)

    first, second = credential.digest(), credential.digest()
    source.token = "a"
    known = credential.digest()

    assert len({first, second, known}) == 3
    assert credential.digest() == known


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Credential("a", (), None), Credential("b", (), None)),
        (Credential(lambda: "a", (), None), Credential(lambda: "b", (), None)),
        (Credential("a", (), None), Credential(None, (), None)),
        (Credential(None, (("k", "a"),), None), Credential(None, (("k", "b"),), None)),
    ],
)
def test_another_credential_has_another_digest(one: Credential, other: Credential) -> None:
    assert one.digest() == one.digest() != other.digest()
    assert len(one.digest()) == 32


@pytest.mark.parametrize("token", ["", "two words", "line\n", "é", "\x00"])
def test_a_token_that_cannot_be_sent_is_an_error_that_does_not_show_it(token: str) -> None:
    with recording() as (_, service), RolecallClient(service.address, token=lambda: token) as client:
        with pytest.raises(TokenError) as caught:
            client.who_am_i()
        with pytest.raises(TokenError):
            next(client.watch_roles())

    assert service.calls == []
    assert not token.strip() or token not in caught.value.message


async def test_a_missing_token_is_an_error_of_every_call_of_both_clients(tmp_path: Path) -> None:
    source = FileToken(tmp_path / "none")
    with recording() as (_, service), RolecallClient(service.address, token=source) as client:
        async with AsyncRolecallClient(service.address, token=source) as other:
            with pytest.raises(TokenError):
                client.who_am_i()
            with pytest.raises(TokenError):
                client.apply_roles([])
            with pytest.raises(TokenError):
                await other.who_am_i()
            with pytest.raises(TokenError):
                await anext(other.watch_roles())

    assert service.calls == []


async def test_a_command_gives_the_token_of_both_clients() -> None:
    source = CommandToken([sys.executable, "-c", "print('printed')"])
    with recording() as (_, service), RolecallClient(service.address, token=source) as client:
        async with AsyncRolecallClient(service.address, token=source) as other:
            await other.who_am_i()
            client.who_am_i()

    assert sent(service) == ["Bearer printed"] * 2


def sent(service: Recording) -> list[str | bytes]:
    return [dict(call.metadata)["authorization"] for call in service.calls]
