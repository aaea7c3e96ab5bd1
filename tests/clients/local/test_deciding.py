"""What a replica decides itself, and what it leaves to the server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.policy.compiler import CompiledPolicy
from rolecall.policy.limits import MAX_VALUES
from rolecall.roles.role import Role
from rolecall_client import query
from rolecall_client.checks import CallOptions
from rolecall_client.local.local_checks import AsyncLocalChecks, LocalChecks
from rolecall_client.v1 import decision_pb2 as d
from tests.clients.local.feeding import CALL, OPENED, AsyncServer, Clocks, Server, changed, checkpoint, fed
from tests.engine.world import ACCOUNT, ALICE, HOUR, NOON, OTHER, allow, deny, document

APP = changed(document(allow()))
OIDC = f"acs:ram::{ACCOUNT}:oidc-provider/corp"
FEDERATED = changed(document(allow(OIDC, StringEquals={"oidc:sub": "me"})), name="federated")
MINUTE = HOUR // 60


def asked(role: str = f"{ACCOUNT}/app", who: str = ALICE, **facts: Any) -> d.AssumeRoleQuery:
    return query(who, role, **facts)


def consistency(**mode: Any) -> d.Consistency:
    return d.Consistency(**mode)


def test_an_allow_has_what_the_server_would_send() -> None:
    clocks = Clocks()
    replica = fed(APP, clocks=clocks)
    clocks.age += 2

    answer = replica.answer(asked(), None, CALL)

    assert answer is not None
    decision = answer.decision
    assert (decision.allowed, decision.reason) == (True, d.DECISION_REASON_ALLOW)
    assert [statement.pointer for statement in decision.determining_statements] == ["/Statement/0"]
    assert (decision.role_id, decision.max_session_duration_seconds) == ("1", 3_600)
    assert (decision.revision, answer.consistency_token) == (5, "token-5")
    assert decision.staleness.ToMicroseconds() == 2_000_401
    assert not decision.HasField("valid_until")
    assert not decision.HasField("valid_for")


def test_decisions_have_ids_of_their_own() -> None:
    replica = fed(APP)

    answers = [replica.answer(asked(), None, CALL) for _ in range(3)]

    ids = {answer.decision.decision_id for answer in answers if answer}
    assert len(ids) == 3
    assert all(made.startswith("local-") for made in ids)


def test_a_decision_is_evaluated_once_and_then_cached() -> None:
    replica = fed(APP)

    served = [answer.decision.served_from for _ in range(2) if (answer := replica.answer(asked(), None, CALL))]

    assert served == [d.SERVED_FROM_EVALUATED, d.SERVED_FROM_CACHED]


def test_answers_do_not_share_what_a_caller_may_change() -> None:
    replica = fed(APP)
    first = replica.answer(asked(), None, CALL)
    assert first is not None

    first.decision.allowed = False
    first.consistency_token = "changed"
    second = replica.answer(asked(), None, CALL)

    assert second is not None
    assert (second.decision.allowed, second.consistency_token) == (True, "token-5")


def test_an_answer_has_the_revision_and_the_token_of_the_newest_checkpoint() -> None:
    replica = fed(APP)
    replica.answer(asked(), None, CALL)

    replica.checkpoint(checkpoint(6), OPENED)
    answer = replica.answer(asked(), None, CALL)

    assert answer is not None
    assert (answer.decision.revision, answer.consistency_token) == (6, "token-6")


def test_a_role_that_does_not_exist_in_a_followed_account_is_denied() -> None:
    answer = fed(APP).answer(asked(f"{ACCOUNT}/nobody"), None, CALL)

    assert answer is not None
    assert answer.decision.reason == d.DECISION_REASON_ROLE_NOT_FOUND


def test_a_change_decides_from_its_checkpoint_on() -> None:
    replica = fed(APP)
    replica.change(changed(document(deny()), revision=6))

    before = replica.answer(asked(), None, CALL)
    replica.checkpoint(checkpoint(6), 50.0)
    after = replica.answer(asked(), None, CALL)

    assert before is not None
    assert after is not None
    assert [before.decision.allowed, after.decision.allowed] == [True, False]


@pytest.mark.parametrize("who", [ALICE, f"acs:ram::{ACCOUNT}:root", "ecs.aliyuncs.com"])
def test_every_principal_that_is_not_federated_is_decided(who: str) -> None:
    assert fed(APP).answer(asked(who=who), None, CALL) is not None


LEFT_TO_THE_SERVER = {
    "a role in the default account": asked("app"),
    "an alias": asked("prod/app"),
    "a source identity": asked(source_identity="alice"),
    "asserted claims": asked(f"{ACCOUNT}/federated", OIDC, claims={"oidc:sub": "me"}),
    "a token": asked(f"{ACCOUNT}/federated", OIDC, token="a.b.c"),
    "a token of the field that is refused": d.AssumeRoleQuery(oidc_token="a.b.c", role=f"{ACCOUNT}/app"),
    "no identity": d.AssumeRoleQuery(role=f"{ACCOUNT}/app"),
    "no role": asked(""),
    "a malformed principal": asked(who="nonsense"),
    "a malformed role": asked("acs:ram::1:user/x"),
    "a reserved key": asked(context={"acs:CurrentTime": "2026-01-01T00:00:00Z"}),
    "a malformed session name": asked(role_session_name="!"),
    "too many values": asked(context={"k": ["v"] * (MAX_VALUES + 1)}),
    "a session that is too long for the role": asked(duration_seconds=3_601),
}


@pytest.mark.parametrize("query", LEFT_TO_THE_SERVER.values(), ids=LEFT_TO_THE_SERVER)
def test_the_server_answers(query: d.AssumeRoleQuery) -> None:
    server = Server()
    checks = LocalChecks(fed(APP, FEDERATED), server, bytes)

    answer = checks.check(query, None, CALL)

    assert answer.decision.decision_id == "server"
    assert server.asked == [query]


def test_what_is_decided_here_is_not_asked_of_the_server() -> None:
    server = Server()

    answer = LocalChecks(fed(APP), server, bytes).check(asked(), None, CALL)

    assert answer.decision.allowed
    assert server.asked == []


async def test_the_layer_of_an_event_loop_decides_and_passes_on_alike() -> None:
    below = AsyncServer()
    checks = AsyncLocalChecks(fed(APP), below, bytes)

    here = await checks.check(asked(), None, CALL)
    there = await checks.check(asked("app"), None, CALL)

    assert here.decision.decision_id.startswith("local-")
    assert there.decision.decision_id == "server"
    assert below.server.asked == [asked("app")]


def test_a_role_of_another_account_than_the_followed_ones_is_left_to_the_server() -> None:
    other = changed(document(allow()), account=OTHER)
    replica = fed(APP, account_ids=(ACCOUNT,))

    assert replica.answer(asked(f"{OTHER}/app"), None, CALL) is None
    assert replica.answer(asked(), None, CALL) is not None
    assert fed(APP, other).answer(asked(f"{OTHER}/app"), None, CALL) is not None


def test_a_role_without_account_is_decided_where_the_default_account_is_known() -> None:
    answer = fed(APP, default_account=ACCOUNT).answer(asked("app"), None, CALL)

    assert answer is not None
    assert answer.decision.allowed


def test_asserted_claims_are_decided_where_the_options_say_so() -> None:
    replica = fed(FEDERATED, asserted_claims=True)

    mine, other = (
        replica.answer(asked(f"{ACCOUNT}/federated", OIDC, claims={"oidc:sub": subject}), None, CALL)
        for subject in ("me", "you")
    )

    assert mine is not None
    assert other is not None
    assert [mine.decision.allowed, other.decision.allowed] == [True, False]


def test_a_call_with_metadata_of_its_own_is_left_to_the_server() -> None:
    options = CallOptions(timeout=1, metadata=(("authorization", "Bearer x"),))

    assert fed(APP).answer(asked(), None, options) is None


@pytest.mark.parametrize(
    ("mode", "here"),
    [
        (None, True),
        (consistency(), True),
        (consistency(minimize_latency=True), True),
        (consistency(minimize_latency=False), False),
        (consistency(fully_consistent=True), False),
        (consistency(fully_consistent=False), False),
        (consistency(at_least_as_fresh="token-5"), True),
        (consistency(at_least_as_fresh="token-6"), False),
        (consistency(at_least_as_fresh=""), False),
    ],
)
def test_a_consistency_that_cannot_be_proved_here_is_left_to_the_server(mode: d.Consistency | None, here: bool) -> None:
    assert (fed(APP).answer(asked(), mode, CALL) is not None) is here


LARGE = document(allow([ALICE, *[f"acs:ram::{ACCOUNT}:user/{number}" for number in range(200)]]))


def test_the_server_is_asked_while_a_large_policy_is_read() -> None:
    replica = fed(changed(LARGE))

    first = replica.answer(asked(), None, CALL)
    replica._decider._large._thread.shutdown(wait=True)
    second = replica.answer(asked(), None, CALL)

    assert first is None
    assert second is not None
    assert second.decision.allowed


def test_a_large_policy_that_cannot_be_read_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    replica = fed(changed(LARGE.replace("Allow", "Perhaps")))
    point, tried = replica._decider._point, list[Role]()
    compiled = point.compile

    def compile_noted(role: Role) -> CompiledPolicy:
        tried.append(role)
        return compiled(role)

    monkeypatch.setattr(point, "compile", compile_noted)

    for _ in range(2):
        assert replica.answer(asked(), None, CALL) is None
        replica._decider._large._thread.submit(int).result()

    assert len(tried) == 1


def test_a_large_policy_that_was_dropped_from_memory_is_read_again() -> None:
    replica = fed(changed(LARGE))
    (version,) = replica._state.snapshot.versions()

    for _ in range(2):
        version.policy = None
        assert replica.answer(asked(), None, CALL) is None
        replica._decider._large._thread.submit(int).result()

    assert replica.answer(asked(), None, CALL) is not None


def test_a_closed_replica_has_no_thread() -> None:
    replica = fed(changed(LARGE))
    replica.answer(asked(), None, CALL)

    (reading,) = replica._decider._large._thread._threads
    replica.close()
    reading.join(30)

    assert not reading.is_alive()


def test_values_that_take_long_are_left_to_the_server() -> None:
    patterns = {"k": [f"*{'?a' * 5}{number:02}*b*" for number in range(50)]}
    replica = fed(changed(document(allow(StringLike=patterns))))
    values = [f"{'a' * 155}{number:04}" for number in range(100)]

    assert replica.answer(asked(context={"k": values}), None, CALL) is None
    assert replica.answer(asked(context={"k": "a"}), None, CALL) is not None


def test_a_policy_that_this_version_cannot_read_is_left_to_the_server() -> None:
    unreadable = json.dumps({"Version": "1", "Statement": [{"Effect": "Perhaps"}]})

    assert fed(changed(unreadable)).answer(asked(), None, CALL) is None
    assert fed(changed("")).answer(asked(), None, CALL) is None


WORKING_HOURS: dict[str, Any] = {
    "DateGreaterThanEquals": {"acs:CurrentTime": "2026-01-01T11:00:00Z"},
    "DateLessThan": {"acs:CurrentTime": "2026-01-01T13:00:00Z"},
}


@pytest.mark.parametrize(
    ("time", "here"),
    [
        (NOON, True),
        (NOON + HOUR - MINUTE - 1, True),
        (NOON + HOUR - MINUTE, False),
        (NOON + HOUR, False),
        (NOON + HOUR + MINUTE, True),
        (NOON - HOUR + MINUTE, True),
        (NOON - HOUR + MINUTE - 1, False),
        (NOON - HOUR - MINUTE - 1, True),
        (NOON - HOUR - MINUTE, False),
    ],
)
def test_a_decision_that_another_clock_could_change_is_left_to_the_server(time: int, here: bool) -> None:
    clocks = Clocks(time=time)
    replica = fed(changed(document(allow(**WORKING_HOURS))), clocks=clocks, max_clock_error_seconds=60)

    answer = replica.answer(asked(), None, CALL)

    assert (answer is not None) is here
    if answer is not None:
        assert answer.decision.allowed is (abs(time - NOON) < HOUR)


def test_the_time_that_a_decision_holds_for_does_not_depend_on_the_error_of_the_clock() -> None:
    replica = fed(changed(document(allow(**WORKING_HOURS))), max_clock_error_seconds=60)

    answer = replica.answer(asked(), None, CALL)

    assert answer is not None
    assert answer.decision.valid_until.ToMicroseconds() == NOON + HOUR
    assert answer.decision.valid_for.ToMicroseconds() == HOUR - MINUTE
