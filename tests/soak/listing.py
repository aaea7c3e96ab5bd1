"""Lists the roles that identities can assume, page by page, while nothing is written."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import grpc

from rolecall_client.v1 import decision_pb2 as d
from tests.soak.answers import Listed
from tests.soak.asking import ROLES
from tests.soak.evaluator import Asked
from tests.soak.model import microseconds
from tests.soak.questions import list_of, question
from tests.soak.sending import CALL_SECONDS
from tests.soak.servers import Asks
from tests.soak.vocabulary import ACCOUNTS

SHORTEST_SESSION = 900
_PAGE_SIZES = (0, 1, 2, 7, 1_000)


async def listed(server: Asks, random: Random, document: Any) -> Listed:
    """Return one list, of an identity that is drawn; its keys are often near those that the policy of a role expects."""
    asked = question(random, random.choice(ROLES), document)
    if asked.duration < SHORTEST_SESSION:
        asked = replace(asked, duration=0)
    account = random.choice(("", "", *ACCOUNTS))
    request = list_of(asked, account=account, page_size=random.choice(_PAGE_SIZES))
    sent = microseconds()
    try:
        roles = await _pages(server, request)
    except grpc.aio.AioRpcError as error:
        return _of(server, asked, account, sent, error=f"{error.code().name}: {error.details()}")
    return _of(server, asked, account, sent, roles=roles)


async def _pages(server: Asks, request: d.ListAssumableRolesRequest) -> tuple[d.AssumableRole, ...]:
    found: list[d.AssumableRole] = []
    while True:
        page = await server.decisions.ListAssumableRoles(request, timeout=CALL_SECONDS)
        found += page.roles
        if not page.next_page_token:
            return tuple(found)
        request.page_token = page.next_page_token


def _of(
    server: Asks, asked: Asked, account: str, sent: int, *, roles: tuple[d.AssumableRole, ...] = (), error: str = ""
) -> Listed:
    return Listed(
        server=server.name, asked=asked, account=account, sent=sent, received=microseconds(), roles=roles, error=error
    )
