"""Roles as values: their names, and the etag that tells one version of a role from another."""

from __future__ import annotations

from dataclasses import replace

from rolecall.roles.role import Micros, Revision, Role, RoleRef

ROLE = Role(
    role_id="7", account_id="1", role_name="App", document="{}", create_time=Micros(1), update_time=Micros(2),
    revision=Revision(5),
)  # fmt: skip


def test_a_role_has_the_names_of_its_reference() -> None:
    ref = RoleRef("1", "App")

    assert ROLE.ref == ref
    assert (ref.key, ref.arn) == ("1/app", "acs:ram::1:role/App")
    assert (ROLE.key, ROLE.arn) == (ref.key, ref.arn)


def test_a_role_has_no_description_and_no_tags_and_sessions_of_an_hour() -> None:
    assert (ROLE.description, ROLE.tags, ROLE.max_session_duration_seconds) == ("", {}, 3_600)


def test_an_etag_stays_the_same_from_version_to_version_of_this_service() -> None:
    # Clients store etags, and replicas of two versions may answer one client.
    assert ROLE.etag == '"5-61c4e67ec34d"'


def test_another_version_or_another_history_has_another_etag() -> None:
    others = [
        replace(ROLE, revision=Revision(6)),
        replace(ROLE, role_id="8"),
        replace(ROLE, update_time=Micros(3)),
        replace(ROLE, document="{ }"),
    ]

    assert len({ROLE.etag, *(other.etag for other in others)}) == 5
    assert replace(ROLE, create_time=Micros(9)).etag == ROLE.etag
