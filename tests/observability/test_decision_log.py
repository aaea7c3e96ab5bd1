"""The decision log of a whole server."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.json_format import MessageToDict

from rolecall.engine.consistency import Consistency
from rolecall.server.main import StartError, running_server
from rolecall_client.v1 import decision_pb2 as pb, role_pb2
from tests.server.serving import ACCOUNT, BOB, Served, check, config, served, until
from tests.server.test_server import ops

CANARY = "canary7f3a"
ROLE = f"acs:ram::{ACCOUNT}:role/App"
OIDC = f"acs:ram::{ACCOUNT}:oidc-provider/idp"
SAML = f"acs:ram::{ACCOUNT}:saml-provider/idp"


def logged(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def rotated_files(path: Path) -> list[Path]:
    """Return the files of a log, newest first."""
    count = len(list(path.parent.iterdir()))
    return [path, *(path.with_name(f"{path.name}.{number}") for number in range(1, count))]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "decisions.log"


async def test_every_kind_of_decision_is_logged_as_its_caller_received_it(path: Path) -> None:
    async with served(decision_log=str(path)) as service:
        role = await service.create("App")
        one = await service.decisions.CheckAssumeRole(check("app"), metadata=[("x-request-id", "r-1")])
        batch = await service.decisions.BatchCheckAssumeRole(
            pb.BatchCheckAssumeRoleRequest(queries=[check("app").query, check("none").query])
        )
        stream = service.decisions.StreamCheckAssumeRole(
            iter(
                [
                    pb.StreamCheckAssumeRoleRequest(sequence=number, query=check(name).query)
                    for number, name in enumerate(("app", "none"))
                ]
            )
        )
        streamed = [response.decision async for response in stream]
        explained = await service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=check("app").query))

    answered = [one.decision, *(result.decision for result in batch.results), *streamed, explained.decision]
    records = logged(path)
    assert [record["decision_id"] for record in records] == [decision.decision_id for decision in answered]
    assert [record["result"]["allowed"] for record in records] == [True, True, False, True, False, True]
    assert [record["method"].removesuffix("AssumeRole") for record in records] == [
        "Check", "BatchCheck", "BatchCheck", "StreamCheck", "StreamCheck", "Explain",
    ]  # fmt: skip
    assert [record["served_from"] for record in records] == [
        "EVALUATED", "CACHED", "EVALUATED", "CACHED", "EVALUATED", "EVALUATED",
    ]  # fmt: skip
    assert records[0]["input"] == {"who": BOB, "role": ROLE, "context": {}}
    assert records[0]["role_version"] == {"role_id": role.role_id, "revision": 1}
    assert records[0]["matched_statements"] == [{"pointer": "/Statement/0", "sid": ""}]
    assert (records[0]["requested_by"], records[0]["req_id"]) == ("local", "r-1")
    assert records[0]["bundles"] == {"store": {"revision": "1"}}
    assert records[0]["metrics"]["timer_server_handler_ns"] > 0
    assert records[2]["input"]["role"] == f"acs:ram::{ACCOUNT}:role/none"
    assert records[1]["req_id"] == records[2]["req_id"] != records[3]["req_id"]
    assert (
        len({record["incarnation"] for record in records}) == len({record["labels"]["id"] for record in records}) == 1
    )


async def test_a_question_that_cannot_be_answered_is_no_decision(path: Path) -> None:
    bad = pb.AssumeRoleQuery(principal="nobody", role="app")
    async with served(decision_log=str(path)) as service:
        with pytest.raises(grpc.aio.AioRpcError):
            await service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=bad))
        await service.decisions.BatchCheckAssumeRole(
            pb.BatchCheckAssumeRoleRequest(queries=[bad, check("one").query, bad, check("two").query])
        )
        stream = service.decisions.StreamCheckAssumeRole(
            iter([pb.StreamCheckAssumeRoleRequest(query=query) for query in (bad, check("three").query)])
        )
        assert [response.WhichOneof("result") async for response in stream] == ["error", "decision"]

    assert [record["input"]["role"].rpartition("/")[2] for record in logged(path)] == ["one", "two", "three"]


async def test_the_version_of_the_role_that_decided_is_logged(path: Path) -> None:
    async with served(decision_log=str(path)) as service:
        await service.create("other")
        await service.create("app")
        await service.decisions.CheckAssumeRole(check("app"))
        await service.roles.UpdateRole(
            role_pb2.UpdateRoleRequest(role="app", description="new", update_mask={"paths": ["description"]})
        )
        await service.decisions.CheckAssumeRole(check("app"))
        await service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=check("app").query, at_revision=2))

    first, second, earlier = logged(path)
    assert (first["role_version"]["revision"], second["role_version"]["revision"]) == (2, 3)
    assert first["role_version"]["role_id"] == second["role_version"]["role_id"]
    assert (earlier["at_revision"], earlier["role_version"]["revision"]) == (2, None)


async def test_an_explanation_for_another_time_is_marked(path: Path) -> None:
    request = pb.ExplainAssumeRoleRequest(query=check().query)
    request.assume_time.FromJsonString("2030-01-01T00:00:00Z")
    async with served(decision_log=str(path)) as service:
        await service.create()
        await service.decisions.ExplainAssumeRole(request)

    assert [record["assumed_time"] for record in logged(path)] == ["2030-01-01T00:00:00.000000Z"]


async def test_a_check_that_first_fails_after_its_decision_is_reported_once(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [RuntimeError("the token cannot be made")]
    token = Consistency.token

    def failing_once(consistency: Consistency) -> str:
        if failures:
            raise failures.pop()
        return token(consistency)

    async with served(decision_log=str(path), transport="h2") as service:
        await service.create()
        monkeypatch.setattr(Consistency, "token", failing_once)

        answer = await service.decisions.CheckAssumeRole(check())

        assert answer.consistency_token
    assert len(logged(path)) == 1


async def test_without_a_decision_log_there_is_nothing_of_it() -> None:
    async with served() as service:
        await service.decisions.CheckAssumeRole(check())
        _, metrics = await ops(service.server.bound.ops_address, "/metrics")

        assert service.server.decision_log is None
        assert "decision_log" not in metrics


async def test_without_a_decision_log_no_call_is_observed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("rolecall.server.replica_wiring.ObservedCalls")

    async with served() as service:
        answers = await answered_by_every_method(service)

    assert answers["CheckAssumeRole"]["reason"] == "DECISION_REASON_ALLOW"


async def test_every_method_answers_as_without_a_decision_log_and_its_decisions_are_logged(path: Path) -> None:
    async with served() as service:
        expected = await answered_by_every_method(service)
    async with served(decision_log=str(path)) as service:
        answers = await answered_by_every_method(service)

    records = logged(path)
    assert answers == expected
    assert set(answers) == {method.name for method in pb.DESCRIPTOR.services_by_name["DecisionService"].methods}
    assert [record["method"] for record in records] == [name for name in answers if not name.startswith("List")]
    assert [record["result"]["reason"] for record in records] == ["ALLOW"] * 4


async def answered_by_every_method(service: Served) -> dict[str, Any]:
    """Return what each method answers to the same question, without what differs from one answer to the next."""
    await service.create()
    query, ask = check().query, service.decisions
    streamed = pb.StreamCheckAssumeRoleRequest(query=query)
    decisions = {
        "CheckAssumeRole": (await ask.CheckAssumeRole(check())).decision,
        "BatchCheckAssumeRole": (await ask.BatchCheckAssumeRole(batch_of(query))).results[0].decision,
        "StreamCheckAssumeRole": (await ask.StreamCheckAssumeRole(iter([streamed])).read()).decision,
        "ExplainAssumeRole": (await ask.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query))).decision,
    }
    for decision in decisions.values():
        assert decision.decision_id
        decision.decision_id = ""
        decision.role_id = ""
    lists = {
        "ListAssumableRoles": await ask.ListAssumableRoles(pb.ListAssumableRolesRequest(principal=BOB)),
        "ListTrustedPrincipals": await ask.ListTrustedPrincipals(pb.ListTrustedPrincipalsRequest(role="app")),
    }
    return {
        name: MessageToDict(message, preserving_proto_field_name=True) for name, message in (decisions | lists).items()
    }


def batch_of(*queries: pb.AssumeRoleQuery) -> pb.BatchCheckAssumeRoleRequest:
    return pb.BatchCheckAssumeRoleRequest(queries=queries)


async def test_secrets_of_a_request_are_not_in_the_log(path: Path) -> None:
    query = pb.AssumeRoleQuery(role="app", external_id=f"{CANARY}-external", role_session_name="session")
    query.federated.provider_arn = SAML
    query.federated.claims["saml:sub"].values.append(f"{CANARY}-claim")
    query.context["example:Secret"].values.append(f"{CANARY}-context")
    query.context["example:Hidden"].values.append(f"{CANARY}-hidden")
    flags = {
        "decision_log_mask": ["/input/context/example:S*"],
        "decision_log_erase": ["/input/context/example:Hidden"],
    }
    tokens = [
        pb.AssumeRoleQuery(role="app", oidc_token=f"{CANARY}.token"),
        pb.AssumeRoleQuery(role="app", oidc=pb.OidcIdentity(provider_arn=OIDC, token=f"{CANARY}.token")),
    ]
    async with served(decision_log=str(path), **flags) as service:
        await service.create()
        metadata = [("authorization", f"Bearer {CANARY}")]
        await service.decisions.CheckAssumeRole(pb.CheckAssumeRoleRequest(query=query), metadata=metadata)
        await service.decisions.ExplainAssumeRole(pb.ExplainAssumeRoleRequest(query=query), metadata=metadata)
        await service.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[query, *tokens]))
        shown = service.log.getvalue() + (await ops(service.server.bound.ops_address, "/metrics"))[1]

    assert len(logged(path)) == 3
    assert CANARY not in json.dumps(logged(path))
    assert CANARY not in shown
    assert logged(path)[0]["masked"] == [
        "/input/context/example:Secret", "/input/context/saml:sub", "/input/context/sts:ExternalId",
    ]  # fmt: skip
    assert logged(path)[0]["erased"] == ["/input/context/example:Hidden"]
    assert logged(path)[0]["input"]["context"]["sts:RoleSessionName"] == ["session"]


async def test_allows_are_sampled_and_denies_are_kept(path: Path) -> None:
    allow, deny = check("app").query, check("none").query
    async with served(decision_log=str(path), decision_log_sample_allow=0) as service:
        await service.create()
        await service.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[allow, deny] * 100))
        _, metrics = await ops(service.server.bound.ops_address, "/metrics")

    records = logged(path)
    assert (len(records), {record["result"]["allowed"] for record in records}) == (100, {False})
    assert "rolecall_decision_log_sampled_out_total 100.0" in metrics


async def test_a_sample_says_which_share_it_is(path: Path) -> None:
    async with served(decision_log=str(path), decision_log_sample_allow=0.5) as service:
        await service.create()
        await service.decisions.BatchCheckAssumeRole(pb.BatchCheckAssumeRoleRequest(queries=[check().query] * 1_000))

    records = logged(path)
    assert 350 < len(records) < 650
    assert {record["sample_rate"] for record in records} == {0.5}


async def test_the_file_is_rotated_and_no_decision_is_lost_in_between(tmp_path: Path, path: Path) -> None:
    flags = {"decision_log_max_bytes": 65_536, "decision_log_files": 20}
    async with served(decision_log=str(path), **flags) as service:
        await service.create()
        answered: list[str] = []
        for _ in range(4):
            queries = pb.BatchCheckAssumeRoleRequest(queries=[check().query] * 100)
            answered += [
                r.decision.decision_id for r in (await service.decisions.BatchCheckAssumeRole(queries)).results
            ]

    files = rotated_files(path)
    assert len(files) > 3
    assert all(file.stat().st_size <= 65_536 for file in files)
    assert [record["decision_id"] for file in reversed(files) for record in logged(file)] == answered


async def test_a_full_disk_stops_no_decision_and_is_counted_and_reported() -> None:
    async with served(decision_log="/dev/full", decision_log_queue_records=10) as service:
        batch = pb.BatchCheckAssumeRoleRequest(queries=[check().query] * 100)
        answers = await service.decisions.BatchCheckAssumeRole(batch)
        log = service.server.decision_log
        assert log is not None
        await until(lambda: log.writer.flush_errors)
        _, metrics = await ops(service.server.bound.ops_address, "/metrics")
        assert (await service.decisions.CheckAssumeRole(check())).decision.reason == pb.DECISION_REASON_ROLE_NOT_FOUND

    assert len(answers.results) == 100
    assert "rolecall_decision_log_dropped_total 90.0" in metrics
    assert "rolecall_decision_log_queued_total 10.0" in metrics
    assert "rolecall_decision_log_written_total 0.0" in metrics
    assert "rolecall_decision_log_waiting 10.0" in metrics
    assert "rolecall_decision_log_flush_errors_total 0.0" not in metrics
    warnings = [line for line in service.log.getvalue().splitlines() if '"decision_log"' in line]
    assert len(warnings) == 1
    assert log.lost == 101


async def test_the_loop_goes_on_while_the_disk_hangs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging, let_go = asyncio.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def hang(*_: object) -> None:
        loop.call_soon_threadsafe(hanging.set)
        let_go.wait(20)

    monkeypatch.setattr("rolecall.observability.decision_log.sinks.RotatedFile.append", hang)
    async with served(decision_log=str(path)) as service:
        await service.decisions.CheckAssumeRole(check())
        await hanging.wait()

        answer = await service.decisions.CheckAssumeRole(check())
        let_go.set()

    assert answer.decision.reason == pb.DECISION_REASON_ROLE_NOT_FOUND


async def test_a_log_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(StartError, match=r"cannot write the decision log to `.*/none/log`: no such file or directory"):
        async with running_server(config(decision_log=str(tmp_path / "none/log"))):
            pass
