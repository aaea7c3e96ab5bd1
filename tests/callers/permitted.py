"""Callers with the rights of a callers file, and what a servicer needs to find them."""

from __future__ import annotations

from typing import Any

from rolecall.callers.caller import Caller
from rolecall.callers.credential import LOCAL, Credential, CredentialKind
from rolecall.callers.directory import CallerDirectory
from rolecall.engine.decision_point import DecisionPoint
from rolecall.roles.accounts import Accounts
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.rights.checks import CheckRights
from rolecall.transport.rpc.stream_callers import StreamCallers
from rolecall.transport.services.decision import Callers
from tests.callers.files import ORDERS, callers, entry

ORDERS_CREDENTIAL = Credential(kind=CredentialKind.SPIFFE, identity=ORDERS)


def administrator() -> Caller:
    """Return the caller of a server that only this machine reaches."""
    return CallerDirectory().caller(LOCAL, source_ip="127.0.0.1", secure=False)


def permitted(*policies: dict[str, object] | str, **fields: object) -> Caller:
    """Return the caller `orders` with these policies: names of system policies, or documents; `fields` are of its entry."""
    own = {f"own-{number}": policy for number, policy in enumerate(policies) if not isinstance(policy, str)}
    names = [*own, *(policy for policy in policies if isinstance(policy, str))]
    directory = CallerDirectory(callers(entry(policies=names, **fields), policies=own))
    return directory.caller(ORDERS_CREDENTIAL, source_ip="10.0.0.1", secure=True)


def callers_of(point: DecisionPoint, decoder: QueryDecoder, caller: Caller | None = None) -> Callers:
    """Return how a servicer finds the caller of each call: it is always the same one, by default the administrator."""
    found = caller or administrator()

    def find(_: Any) -> Caller:
        return found

    rights = CheckRights(decoder, Accounts(), point.snapshot.version)
    return Callers(identify=find, streams=StreamCallers(find), rights=rights)
