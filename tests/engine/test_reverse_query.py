from __future__ import annotations

import asyncio
from collections.abc import Callable
from math import inf
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from rolecall.engine.decision_point import DecisionPoint
from rolecall.engine.request import AssumeRoleRequest
from rolecall.engine.reverse import query as reverse_query
from rolecall.engine.reverse.query import Assumability, AssumablePage, AssumableRole, assumable_roles
from rolecall.engine.snapshot import Snapshot
from rolecall.policy.named_principals import named_principals
from rolecall.policy.principal import Principal, principal_of_document
from rolecall.roles.accounts import Accounts
from rolecall.roles.change import Author, Change, ChangeKind, Commit
from rolecall.roles.role import Micros, Revision, Role
from rolecall.transport.codecs.decision import QueryDecoder
from tests.engine.test_laws import documents, queries
from tests.engine.world import ACCOUNT, ALICE, NOON, OTHER, allow, deny, document, long_answers, point, question, role


async def page_of(
    decider: DecisionPoint,
    request: AssumeRoleRequest,
    *,
    account: str = "",
    after: str,
    limit: int,
    slice_seconds: float = inf,
    permits: Callable[[Role], bool] = lambda _: True,
) -> AssumablePage:
    answers = long_answers(decider, slice_seconds=slice_seconds)
    return await assumable_roles(
        decider, request, account=account, after=after, limit=limit, now=NOON, answers=answers, permits=permits
    )


async def listed(
    decider: DecisionPoint,
    request: AssumeRoleRequest,
    *,
    account: str = "",
    after: str = "",
    limit: int = 1_000,
    slice_seconds: float = inf,
) -> tuple[AssumableRole, ...]:
    page = await page_of(decider, request, account=account, after=after, limit=limit, slice_seconds=slice_seconds)
    assert page.resume_after == "" or len(page.roles) == limit
    return page.roles


async def test_roles_are_listed_in_order_when_a_check_allows() -> None:
    roles = [role(document(allow()), name=name, revision=n) for n, name in enumerate(("b", "a", "C"))]
    decider = point(*roles, role(document(deny(), allow()), name="denied", revision=9))

    found = await listed(decider, question())

    assert [r.arn.rpartition("/")[2] for r in found] == ["a", "b", "C"]
    assert {r.outcome for r in found} == {Assumability.ALLOW}


async def test_a_key_that_is_absent_makes_it_conditional_and_a_wrong_one_does_not() -> None:
    decider = point(role(document(allow(StringEquals={"acs:SourceVpc": "vpc-1", "sts:ExternalId": "x1"}))))

    (open_,) = await listed(decider, question())
    (half,) = await listed(decider, question(external_id="x1"))
    wrong = await listed(decider, question(context={"acs:SourceVpc": ["vpc-2"]}))

    assert (open_.outcome, open_.missing_keys) == (Assumability.CONDITIONAL, ("acs:SourceVpc", "sts:ExternalId"))
    assert half.missing_keys == ("acs:SourceVpc",)
    assert wrong == ()


async def test_what_the_service_derives_is_not_missing() -> None:
    decider = point(role(document(allow(StringEquals={"acs:ResourceTag/team": "pay"}))))

    assert await listed(decider, question()) == ()


@pytest.mark.parametrize("kind", ["oidc", "saml"])
async def test_a_claim_is_missing_only_for_who_comes_through_such_a_provider(kind: str) -> None:
    providers = {name: f"acs:ram::{ACCOUNT}:{name}-provider/ci" for name in ("oidc", "saml")}
    text = document(allow([ALICE, *providers.values()], StringEquals={f"{kind}:sub": "s"}))
    through = {name: AssumeRoleRequest(principal_of_document("Federated", arn), "") for name, arn in providers.items()}

    found = {name: await listed(point(role(text)), request) for name, request in through.items()}

    assert await listed(point(role(text)), question()) == ()
    assert {name: [each.missing_keys for each in roles] for name, roles in found.items()} == {
        name: [(f"{kind}:sub",)] if name == kind else [] for name in ("oidc", "saml")
    }


async def test_a_deny_that_an_absent_key_could_lift_leaves_it_conditional() -> None:
    decider = point(role(document(allow(), deny(NotIpAddress={"acs:SourceIp": "10.0.0.0/8"}))))

    (found,) = await listed(decider, question())

    assert found.missing_keys == ("acs:SourceIp",)


async def test_a_deny_that_nothing_can_lift_ends_it() -> None:
    decider = point(role(document(allow(StringEquals={"k": "v"}), deny())))

    assert await listed(decider, question()) == ()


async def test_a_deny_on_the_arn_of_a_role_is_not_escaped_by_another_spelling_of_its_name() -> None:
    denied = deny(f"acs:ram::{ACCOUNT}:root", StringLike={"acs:PrincipalARN": "acs:ram::*:role/ci-*"})
    decider = point(role(document(allow(f"acs:ram::{ACCOUNT}:root", StringEquals={"k": "v"}), denied)))

    assert await listed(decider, question(f"acs:ram::{ACCOUNT}:role/CI-7/s1")) == ()
    (found,) = await listed(decider, question(f"acs:ram::{ACCOUNT}:user/CI-7"))
    assert found.missing_keys == ("k",)


def test_a_role_that_names_an_account_cannot_be_assumed_by_its_root() -> None:
    decider = point(role(document(allow(f"acs:ram::{ACCOUNT}:root"))))
    (version,) = decider.snapshot.versions()

    assert reverse_query.assumability(decider, version, question(f"acs:ram::{ACCOUNT}:root"), 0) is None
    assert reverse_query.assumability(decider, version, question(f"acs:ram::{ACCOUNT}:user/alice"), 0) is not None


async def test_a_root_can_assume_nothing() -> None:
    decider = point(role(document(allow(f"acs:ram::{ACCOUNT}:root"))))

    assert await listed(decider, question(f"acs:ram::{ACCOUNT}:root")) == ()


async def test_a_role_that_is_too_short_is_left_out() -> None:
    short = role(document(allow()), name="short")
    long = role(document(allow()), name="long", revision=2, max_session_duration_seconds=43_200)

    found = await listed(point(short, long), question(duration=7_200))

    assert [r.key for r in found] == [f"{ACCOUNT}/long"]


async def test_a_list_keeps_to_an_account() -> None:
    roles = [
        role(document(allow()), account=account, revision=n) for n, account in enumerate(("1", "12", ACCOUNT, "9"))
    ]

    found = await listed(point(*roles), question(), account="12")

    assert [r.key for r in found] == ["12/app"]


async def test_a_plain_service_is_found_in_whatever_account_and_a_spelled_one_where_it_acts() -> None:
    ours = role(document(allow("ecs.aliyuncs.com")))
    theirs = role(document(allow("ecs.aliyuncs.com")), account=OTHER, revision=2)
    named = role(document(allow(f"{ACCOUNT}@ecs.aliyuncs.com")), name="named", account=OTHER, revision=3)
    decider = point(ours, theirs, named)

    plain = await listed(decider, question("ecs.aliyuncs.com"))
    spelled = await listed(decider, question(f"{ACCOUNT}@ecs.aliyuncs.com"))

    assert [r.key for r in plain] == [ours.key, theirs.key]
    assert [r.key for r in spelled] == [ours.key, named.key]


async def test_pages_join_without_gap_or_repeat_whatever_is_written_between_them() -> None:
    roles = [role(document(allow()), name=f"r{n:03}", revision=n) for n in range(250)]
    decider = point(*roles)
    author = Author(actor="test", time=Micros(0))

    first = await listed(decider, question(), limit=120)
    removed = Change(ChangeKind.DELETED, roles[10])
    added = Change(ChangeKind.CREATED, role(document(allow()), name="r120a", revision=2))
    decider.snapshot.apply(Commit(revision=Revision(2), author=author, changes=(removed, added), hash=b""))
    second = await listed(decider, question(), after=first[-1].key)

    names = [r.key.rpartition("/")[2] for r in (*first, *second)]
    assert names == sorted({f"r{n:03}" for n in range(250)} | {"r120a"})


async def test_a_page_ends_early_when_too_many_roles_name_and_deny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reverse_query, "MAX_ROLES_A_PAGE", 30)
    denied = [role(document(allow(), deny()), name=f"a{n:03}", revision=n) for n in range(100)]
    decider = point(*denied, role(document(allow()), name="b"))

    pages, after = list[list[str]](), ""
    while not pages or after:
        page = await page_of(decider, question(), after=after, limit=10)
        pages.append([found.key for found in page.roles])
        after = page.resume_after

    assert pages == [[], [], [], [f"{ACCOUNT}/b"]]


async def test_a_page_tries_two_thousand_roles_and_reads_a_hundred_names_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = [f"{ACCOUNT}/r{n:04}" for n in range(2_001)]
    decider, read = point(role(document(deny()), name="r")), list[tuple[str, int]]()

    def naming(principal: Principal, *, after: str, limit: int) -> list[str]:
        assert principal == question().principal
        read.append((after, limit))
        return [name for name in names if name > after][:limit]

    monkeypatch.setattr(decider.snapshot, "naming", naming)
    first = await page_of(decider, question(), after="", limit=1)
    reads = list(read)
    names.pop()
    last = await page_of(decider, question(), after="", limit=1)

    assert (first.roles, first.resume_after) == ((), f"{ACCOUNT}/r1999")
    assert reads == [("", 100), *((f"{ACCOUNT}/r{n:04}", 100) for n in range(99, 2_000, 100))]
    assert (last.roles, last.resume_after) == ((), "")


async def test_a_page_that_is_just_full_is_the_last_one_when_no_other_role_names_the_identity() -> None:
    decider = point(*[role(document(allow()), name=f"r{n}", revision=n) for n in range(2)])

    full = await page_of(decider, question(), after="", limit=2)
    half = await page_of(decider, question(), after="", limit=1)

    assert (len(full.roles), full.resume_after) == (2, "")
    assert (len(half.roles), half.resume_after) == (1, f"{ACCOUNT}/r0")


async def test_a_role_that_is_gone_when_its_turn_comes_is_left_out() -> None:
    roles = [role(document(allow()), name=f"r{n}", revision=n) for n in range(2)]
    decider = point(*roles)
    removal = Commit(
        revision=Revision(2),
        author=Author(actor="test", time=Micros(0)),
        changes=(Change(ChangeKind.DELETED, roles[1]),),
        hash=b"",
    )

    listing_all = asyncio.create_task(listed(decider, question(), slice_seconds=0))
    # The list has two turns: the first begins at once, the second after two more iterations of the loop.
    await asyncio.sleep(0)
    decider.snapshot.apply(removal)

    assert [r.key for r in await listing_all] == [roles[0].key]


async def test_a_list_stays_right_while_a_large_commit_is_applied() -> None:
    names = [f"r{n:03}" for n in range(350)]
    decider = point(*[role(document(allow()), name=name, revision=n) for n, name in enumerate(names)])
    to_other = [Change(ChangeKind.UPDATED, role(document(allow(f"{ALICE}2")), name=name)) for name in names[:250]]
    added = [Change(ChangeKind.CREATED, role(document(allow()), name=f"s{n:03}")) for n in range(50)]
    author = Author(actor="test", time=Micros(0))
    commit = Commit(revision=Revision(2), author=author, changes=(*to_other, *added), hash=b"")
    before, after = {f"{ACCOUNT}/{name}" for name in names}, {f"{ACCOUNT}/{name}" for name in names[250:]}
    expected = {1: before, 2: after | {change.role.key for change in added}}

    seen = set()
    for _ in decider.snapshot.applying(commit):
        assert {r.key for r in await listed(decider, question())} == expected[decider.snapshot.revision]
        seen.add(decider.snapshot.revision)

    assert seen == {1, 2}
    assert {r.key for r in await listed(decider, question())} == expected[2]


@given(documents, queries)
@settings(max_examples=100, deadline=None)
async def test_allow_is_listed_exactly_when_a_check_allows(text: str, message: Any) -> None:
    decider = point(role(text, tags={"team": "pay"}))
    request = QueryDecoder(Accounts()).read(message)

    found = await listed(decider, request)

    outcomes = [r.outcome for r in found]
    assert (Assumability.ALLOW in outcomes) == decider.check(request, NOON).decision.allowed


@given(st.lists(st.tuples(st.sampled_from("abcdef"), documents), max_size=12))
@settings(max_examples=60, deadline=None)
def test_an_index_that_followed_writes_equals_a_new_one(writes: list[tuple[str, str]]) -> None:
    snapshot = Snapshot()
    author = Author(actor="test", time=Micros(0))
    held: dict[str, Role] = {}

    for number, (name, text) in enumerate(writes, start=1):
        kind = ChangeKind.DELETED if name in held and number % 3 == 0 else ChangeKind.UPDATED
        changed = role(text, name=name, revision=number)
        snapshot.apply(Commit(revision=Revision(number), author=author, changes=(Change(kind, changed),), hash=b""))
        held = {k: r for k, r in held.items() if k != name} | ({} if kind is ChangeKind.DELETED else {name: changed})

    fresh = Snapshot(held.values())
    for principal in {p for _, text in writes for p in named_principals(text)}:
        asking = principal._replace(account=ACCOUNT) if not principal.account else principal
        kept = snapshot.naming(asking, after="", limit=100)
        assert kept == fresh.naming(asking, after="", limit=100)
        assert kept == snapshot.naming(asking, after="", limit=1) + snapshot.naming(
            asking, after="".join(kept[:1]), limit=100
        )
    assert (snapshot.postings, snapshot.index_bytes) == (fresh.postings, fresh.index_bytes)
