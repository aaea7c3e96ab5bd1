"""Two replicas over one database, at once: what one of them has written binds the other."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from rolecall.storage.open import open_repository
from rolecall_client import RolecallClient, RolecallError, query
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.chaos.asking import check, client_of, error_of, eventually, staleness
from tests.chaos.environment import Environment
from tests.engine.world import ALICE, allow, deny, document
from tests.storage.samples import all_commits

pytestmark = pytest.mark.long

ROUNDS = 10
HOUR = 3_600


def test_of_two_replicas_that_create_one_role_at_once_one_does(environment: Environment) -> None:
    # Row 52 of the faults.
    for _ in range(ROUNDS):
        name = unused_name()
        request = r.CreateRoleRequest(role_name=name, assume_role_policy_document=document(allow()))

        outcomes = created_at_once(environment, request)

        errors = [outcome for outcome in outcomes if isinstance(outcome, RolecallError)]
        assert [(error.code, error.reason) for error in errors] == [("ALREADY_EXISTS", "ROLE_EXISTS")]
        assert commits_of(environment, name) == 1


def test_a_repeat_that_reaches_another_replica_at_the_same_time_is_made_once(environment: Environment) -> None:
    # Row 46 of the faults.
    for _ in range(ROUNDS):
        name = unused_name()
        request = r.CreateRoleRequest(
            role_name=name, assume_role_policy_document=document(allow()), request_id=str(uuid.uuid4())
        )

        first, second = created_at_once(environment, request)

        assert first == second
        assert commits_of(environment, name) == 1


def test_an_etag_that_another_replica_has_made_stale_is_refused_with_the_current_one(
    environment: Environment,
) -> None:
    # Row 51 of the faults.
    name, (here, there) = created(environment), clients(environment)
    with here, there:
        old = here.get_role(name).role.etag
        current = there.update_role(r.UpdateRoleRequest(role=name, description="changed")).role.etag
        error = error_of(lambda: here.update_role(r.UpdateRoleRequest(role=name, description="late", etag=old)))

    assert (error.code, error.reason) == ("ABORTED", "STALE_ETAG")
    assert error.metadata["etag"] == current


def test_a_role_that_another_replica_deletes_is_gone_at_that_revision_and_not_before(
    environment: Environment,
) -> None:
    # Row 53 of the faults.
    name, (here, there) = created(environment), clients(environment)
    asked = query(ALICE, name)
    with here, there:
        made = here.check(asked)
        until_seen = d.Consistency(at_least_as_fresh=made.consistency_token)
        assert there.check(asked, consistency=until_seen).decision.allowed
        environment.proxies[1].refuse()
        token = here.delete_role(r.DeleteRoleRequest(role=name)).consistency_token
        old = there.check(asked).decision
        environment.proxies[1].open()
        new = eventually(lambda: there.check(asked, consistency=d.Consistency(at_least_as_fresh=token)).decision)

    assert old.allowed
    assert old.revision < new.revision
    assert new.reason == d.DECISION_REASON_ROLE_NOT_FOUND


def test_a_role_that_another_replica_makes_anew_takes_nothing_over(environment: Environment) -> None:
    # Row 54 of the faults.
    name, (here, there) = created(environment), clients(environment)
    asked = query(ALICE, name)
    with here, there:
        before = eventually(lambda: allowed(there, asked))
        here.delete_role(r.DeleteRoleRequest(role=name))
        policy = document(allow(), deny())
        made = here.create_role(r.CreateRoleRequest(role_name=name, assume_role_policy_document=policy))
        fresh = d.Consistency(at_least_as_fresh=made.consistency_token)
        after = there.check(asked, consistency=fresh).decision

    assert (after.allowed, after.reason) == (False, d.DECISION_REASON_EXPLICIT_DENY)
    assert after.role_id == made.role.role_id != before.role_id


def test_a_wall_clock_that_jumps_changes_what_depends_on_it_and_no_staleness(environment: Environment) -> None:
    # Row 38 of the faults.
    half_an_hour_ahead = (datetime.now(UTC) + timedelta(seconds=HOUR / 2)).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = created(environment, document(allow(DateLessThan={"acs:CurrentTime": half_an_hour_ahead})))
    replica, asked = environment.replicas[1], query(ALICE, name)
    decisions = []
    with client_of(replica) as client:
        eventually(lambda: allowed(client, asked))
        for seconds in (0, HOUR, 0, -HOUR, 0):
            replica.shift_clock(seconds)
            decisions.append(client.check(asked).decision)

    assert [decision.allowed for decision in decisions] == [True, False, True, True, True]
    assert all(0 <= staleness(decision) < HOUR / 2 for decision in decisions)
    assert check(replica).allowed


def created_at_once(environment: Environment, request: r.CreateRoleRequest) -> list[str | RolecallError]:
    """Send a request to every replica at the same time; return the ids of the roles, and the errors."""

    def made(client: RolecallClient) -> str | RolecallError:
        try:
            return client.create_role(request).role.role_id
        except RolecallError as error:
            return error

    here, there = clients(environment)
    with here, there, ThreadPoolExecutor(2) as pool:
        return list(pool.map(made, (here, there)))


def clients(environment: Environment) -> tuple[RolecallClient, RolecallClient]:
    return client_of(environment.replicas[0]), client_of(environment.replicas[1])


def created(environment: Environment, policy: str = document(allow())) -> str:
    name = unused_name()
    with client_of(environment.replicas[0]) as client:
        client.create_role(r.CreateRoleRequest(role_name=name, assume_role_policy_document=policy))
    return name


def allowed(client: RolecallClient, asked: d.AssumeRoleQuery) -> d.Decision | None:
    decision = client.check(asked).decision
    return decision if decision.allowed else None


def unused_name() -> str:
    return f"role-{uuid.uuid4().hex[:12]}"


def commits_of(environment: Environment, name: str) -> int:
    """Return how many commits the log has of a role."""
    with closing(open_repository(environment.database.url)) as repository:
        commits = all_commits(repository)
    return sum(change.role.role_name == name for commit in commits for change in commit.changes)
