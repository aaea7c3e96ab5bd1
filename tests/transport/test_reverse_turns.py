"""Which principals a role trusts is answered in a turn of long work, from the document as it was parsed or as it is parsed now."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rolecall.engine.large_documents import LargeDocuments
from rolecall.engine.long_answers import LongAnswers
from rolecall.engine.turns import Turns
from rolecall.roles.accounts import Accounts
from rolecall.roles.errors import RoleNotFoundError
from rolecall.transport.codecs.decision import QueryDecoder
from rolecall.transport.services.reverse import ReverseQueries
from rolecall_client.v1 import decision_pb2 as pb
from tests.callers.permitted import administrator
from tests.engine.test_large_documents import LARGE
from tests.engine.world import ACCOUNT, ALICE, OTHER, allow, document, point, role


class CountedTurns(Turns):
    """Turns without pauses; each that was taken is counted."""

    def __init__(self) -> None:
        super().__init__(slice_seconds=0, min_pause_seconds=0, max_pause_seconds=0)
        self.taken = 0

    async def take(self) -> bool:
        self.taken += 1
        return await super().take()


def queries(text: str) -> tuple[ReverseQueries, CountedTurns]:
    """Return the reverse queries of a role `app` with a document."""
    decider, accounts, turns = point(role(text)), Accounts(ACCOUNT), CountedTurns()
    unused: Any = None
    answers = LongAnswers(decider, turns, LargeDocuments(decider, ThreadPoolExecutor(1)))
    parts: Any = decider, QueryDecoder(accounts), accounts, unused, answers
    return ReverseQueries(*parts, rights=unused), turns


@pytest.mark.parametrize("text", [document(allow(ALICE)), LARGE], ids=["small", "large"])
async def test_the_principals_that_a_role_trusts_are_named_in_a_turn(text: str) -> None:
    reverse, turns = queries(text)

    answer = await reverse.trusted(pb.ListTrustedPrincipalsRequest(role="APP"))

    assert {grant.principal_pattern for grant in answer.grants} == {ALICE}
    assert turns.taken == 1


@pytest.mark.parametrize(("account", "judged"), [("", ""), (OTHER, OTHER), ("?", "")])
async def test_the_right_to_ask_for_an_identity_is_judged_for_the_account_that_is_named(
    account: str, judged: str
) -> None:
    asked, caller = list[tuple[str, str]](), administrator()

    class Rights:
        def require_identity(self, request: Any, account_id: str, by: object) -> None:
            assert by is caller
            asked.append((str(request.principal), account_id))

    reverse, _ = queries(document(allow(ALICE)))
    reverse._rights = Rights()  # type: ignore[assignment]
    reverse.require_assumable(pb.ListAssumableRolesRequest(principal=ALICE, account_id=account), caller)

    assert asked == [(ALICE, judged)]


async def test_a_role_that_is_absent_takes_no_turn() -> None:
    reverse, turns = queries(document(allow(ALICE)))

    with pytest.raises(RoleNotFoundError) as raised:
        await reverse.trusted(pb.ListTrustedPrincipalsRequest(role="absent"))

    assert (raised.value.role, turns.taken) == (f"acs:ram::{ACCOUNT}:role/absent", 0)
