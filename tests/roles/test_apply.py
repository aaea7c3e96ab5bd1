from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.roles import declarations
from rolecall.roles.canonical_json import canonical
from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import ChangeKind
from rolecall.roles.commands import ApplyRoles, RoleDeclaration, RoleDifference, Written
from rolecall.roles.differences import LEFT_OUT, Differences
from rolecall.roles.errors import InvalidFieldsError, RoleLimitError
from rolecall.roles.idempotency import DIFFERENCES_OUTCOME
from rolecall.storage.memory import MemoryRoleRepository
from rolecall.storage.sqlite.driver import open_sqlite
from rolecall.transport.codecs import role as codec_role
from tests.roles.policies import (
    ACCOUNT,
    BROKEN_POLICY,
    OTHER_ACCOUNT,
    OTHER_POLICY,
    POLICY,
    SCOPE,
    author,
    catalog_of,
    create,
    everything,
    new_id,
)

MANY = 2_000


def declared(name: str, document: str = POLICY, **fields: object) -> RoleDeclaration:
    return RoleDeclaration(role_name=name, document=document, **fields)  # type: ignore[arg-type]


def apply(
    catalog: RoleCatalog,
    *declarations: RoleDeclaration,
    prune: dict[str, str] | None = None,
    accounts: tuple[str, ...] = (),
    request_id: str = "",
    validate_only: bool = False,
) -> Written[tuple[RoleDifference, ...]]:
    command = ApplyRoles(
        declarations=declarations, prune_tags=prune, prune_accounts=accounts, validate_only=validate_only
    )
    return catalog.apply(command, author(2_000, request_id=request_id), SCOPE)


def kinds(written: Written[tuple[RoleDifference, ...]]) -> list[tuple[str, str]]:
    return [(difference.kind.value, difference.role_arn.rpartition("/")[2]) for difference in written.result]


def test_all_changes_of_an_apply_share_one_revision(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog, "Same")
    create(catalog, "Changed")
    create(catalog, "Gone", tags={"by": "apply"})

    written = apply(
        catalog, declared("New"), declared("Same"), declared("Changed", OTHER_POLICY), prune={"by": "apply"}
    )

    assert kinds(written) == [("CREATED", "New"), ("UNCHANGED", "Same"), ("UPDATED", "Changed"), ("DELETED", "Gone")]
    assert (written.revision, repository.head().revision) == (4, 4)
    assert written.commit is not None
    assert [c.kind.value for c in written.commit.changes] == ["CREATED", "UPDATED", "DELETED"]
    assert {role.role_name: role.revision for role in repository.load()} == {"New": 4, "Same": 1, "Changed": 4}


def test_an_apply_that_changes_nothing_makes_no_revision(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    apply(catalog, declared("a"), declared("b"))
    before = everything(repository)

    written = apply(catalog, declared("a"), declared("B"), prune={"never": "there"})

    assert kinds(written) == [("UNCHANGED", "a"), ("UNCHANGED", "b")]
    assert all(difference.diff == "" for difference in written.result)
    assert (written.revision, written.commit) == (1, None)
    assert everything(repository) == before


def test_fields_that_are_left_out_return_to_their_defaults(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    create(catalog, "App", description="x", tags={"a": "b"}, max_session_duration_seconds=7_200)

    written = apply(catalog, declared("App"))

    role = repository.role(f"{ACCOUNT}/app")
    assert kinds(written) == [("UPDATED", "App")]
    assert role is not None
    assert (role.description, role.tags, role.max_session_duration_seconds) == ("", {}, 3_600)


def test_only_roles_with_every_tag_of_the_selector_are_pruned(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    create(catalog, "Kept", tags={"by": "apply", "team": "a"})
    create(catalog, "One", tags={"by": "apply"})
    create(catalog, "Value", tags={"by": "apply", "team": "A"})
    create(catalog, "Both", tags={"by": "apply", "team": "a", "more": ""})
    create(catalog, "Both", account_id="prod", tags={"by": "apply", "team": "a"})

    written = apply(catalog, declared("KEPT"), prune={"by": "apply", "team": "a"}, accounts=(ACCOUNT, "prod"))

    assert [(d.kind.value, d.role_arn) for d in written.result] == [
        ("UPDATED", f"acs:ram::{ACCOUNT}:role/Kept"),
        ("DELETED", f"acs:ram::{ACCOUNT}:role/Both"),
        ("DELETED", f"acs:ram::{OTHER_ACCOUNT}:role/Both"),
    ]
    assert {role.role_name for role in repository.load()} == {"Kept", "One", "Value"}


@pytest.mark.parametrize(
    ("declarations", "accounts", "left"),
    [
        ((), (), {"prod"}),
        ((declared("New"),), (), {"prod"}),
        ((declared("New", account_id="prod"),), (), {"default"}),
        ((declared("New"), declared("New", account_id="prod")), (), set()),
        ((declared("New"),), ("prod",), {"default"}),
        ((declared("New"),), (OTHER_ACCOUNT,), {"default"}),
    ],
)
def test_roles_are_pruned_in_the_named_accounts_or_else_in_those_of_the_declarations(
    catalog: RoleCatalog,
    repository: MemoryRoleRepository,
    declarations: tuple[RoleDeclaration, ...],
    accounts: tuple[str, ...],
    left: set[str],
) -> None:
    create(catalog, "default", tags={"by": "apply"})
    create(catalog, "prod", account_id="prod", tags={"by": "apply"})

    apply(catalog, *declarations, prune={"by": "apply"}, accounts=accounts)

    assert {role.role_name for role in repository.load()} - {"New"} == left


def test_an_unknown_account_to_prune_in_is_a_violation_and_nothing_is_deleted(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    create(catalog, "App", tags={"by": "apply"})

    with pytest.raises(InvalidFieldsError) as refusal:
        apply(catalog, prune={"by": "apply"}, accounts=(ACCOUNT, "staging"))

    assert [v.field for v in refusal.value.violations] == ["prune_selector.account_ids[1]"]
    assert {role.role_name for role in repository.load()} == {"App"}


def test_without_a_selector_nothing_is_deleted(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog, "Other")

    apply(catalog, declared("App"))

    assert {role.role_name for role in repository.load()} == {"Other", "App"}


def test_a_selector_of_no_tags_is_refused(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog, "Other")

    with pytest.raises(InvalidFieldsError) as caught:
        apply(catalog, prune={})

    assert [v.field for v in caught.value.violations] == ["prune_selector.tags"]
    assert repository.role(f"{ACCOUNT}/other") is not None


def test_every_violation_is_reported_with_its_place_and_role(
    catalog: RoleCatalog, repository: MemoryRoleRepository
) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        apply(
            catalog,
            declared("Good"),
            declared("Bad", BROKEN_POLICY, description="x" * 1_025),
            declared("no_name", account_id="nobody"),
        )

    found = [(v.field, v.reason) for v in caught.value.violations]
    assert found == [
        ("roles[1].description", "DESCRIPTION_LENGTH"),
        ("roles[1].assume_role_policy_document", "MISSING_FIELD"),
        ("roles[2].account_id", "INVALID_ACCOUNT_ID"),
        ("roles[2].role_name", "ROLE_NAME_CHARACTERS"),
    ]
    assert all("`Bad`" in v.message or "`no_name`" in v.message for v in caught.value.violations)
    assert repository.head().revision == 0


def test_a_role_may_be_declared_once_whatever_the_case(catalog: RoleCatalog) -> None:
    with pytest.raises(InvalidFieldsError) as caught:
        apply(catalog, declared("App"), declared("App", account_id="prod"), declared("x"), declared("aPP"))

    (violation,) = caught.value.violations
    assert (violation.field, violation.reason) == ("roles[3].role_name", "DUPLICATE_ROLE")
    assert "`roles[0]` and `roles[3]`" in violation.message


def test_an_apply_is_all_or_nothing(repository: MemoryRoleRepository) -> None:
    catalog = catalog_of(repository, max_roles_per_account=2)
    create(catalog, "a", tags={"by": "apply"})
    before = everything(repository)

    with pytest.raises(RoleLimitError):
        apply(catalog, declared("b"), declared("c"))

    assert everything(repository) == before
    # What is deleted makes room.
    assert len(kinds(apply(catalog, declared("b"), declared("c"), prune={"by": "apply"}))) == 3


def test_an_apply_that_is_validated_writes_nothing(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog, "Changed", tags={"by": "apply"})
    create(catalog, "Gone", tags={"by": "apply"})
    before = everything(repository)
    declarations = declared("New"), declared("Changed", OTHER_POLICY)

    rehearsed = apply(catalog, *declarations, prune={"by": "apply"}, validate_only=True)

    assert everything(repository) == before
    assert (rehearsed.revision, rehearsed.commit) == (2, None)
    assert apply(catalog, *declarations, prune={"by": "apply"}).result == rehearsed.result


def test_an_apply_with_a_request_id_is_done_once(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    request_id = new_id()
    first = apply(catalog, declared("a"), declared("b"), request_id=request_id)
    apply(catalog, declared("a", OTHER_POLICY))
    before = everything(repository)

    again = apply(catalog, declared("a"), declared("b"), request_id=request_id)

    assert (again.result, again.revision, again.replayed, again.commit) == (first.result, 1, True, None)
    assert everything(repository) == before


def test_a_repeat_whose_diffs_were_left_out_has_the_same_bytes(
    catalog: RoleCatalog, repository: MemoryRoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rolecall.roles.apply.Differences", lambda: Differences(total=500))
    create(catalog, "Same")
    for name in ("Gone", "Gone2"):
        create(catalog, name, tags={"by": "apply"})
    request_id, declarations = new_id(), [declared(name) for name in ("Same", "New", "New2", "New3")]

    first, again = (apply(catalog, *declarations, prune={"by": "apply"}, request_id=request_id) for _ in range(2))

    assert [d.diff == LEFT_OUT for d in first.result] == [False, False, False, True, True, True]
    assert (first.replayed, again.replayed) == (False, True)
    messages = [codec_role.apply_response(written, "token") for written in (first, again)]
    assert len({message.SerializeToString(deterministic=True) for message in messages}) == 1


def test_a_diff_that_was_left_out_takes_little_space_in_the_store() -> None:
    arn = f"acs:ram::{'1' * 20}:role/{'n' * 64}"
    difference = RoleDifference(kind=ChangeKind.DELETED, role_arn=arn, diff=LEFT_OUT)

    kept = canonical(DIFFERENCES_OUTCOME.form((difference,)))

    assert len(kept) < len(arn) + 20


def test_an_outcome_that_was_stored_with_the_notice_is_read() -> None:
    form = [["DELETED", "acs:ram::1:role/a", LEFT_OUT], ["UNCHANGED", "acs:ram::1:role/b", ""]]

    differences = DIFFERENCES_OUTCOME.result(form)

    assert [(d.kind.value, d.diff) for d in differences] == [("DELETED", LEFT_OUT), ("UNCHANGED", "")]


def test_many_declarations_are_one_write(tmp_path: Path) -> None:
    repository = open_sqlite(tmp_path / "rolecall.db")
    catalog = catalog_of(repository)
    declarations = [declared(f"r{n}", tags={"n": str(n % 7), "by": "apply"}) for n in range(MANY)]

    created = apply(catalog, *declarations)
    unchanged = apply(catalog, *declarations)
    pruned = apply(catalog, *declarations[: MANY // 2], prune={"by": "apply"})

    assert (created.revision, unchanged.revision, pruned.revision) == (1, 1, 2)
    assert len(list(repository.load())) == MANY // 2
    repository.close()


def test_an_empty_apply_may_delete_all_it_selects(catalog: RoleCatalog, repository: MemoryRoleRepository) -> None:
    create(catalog, "Gone", tags={"by": "apply"})

    written = apply(catalog, prune={"by": "apply"})

    assert kinds(written) == [("DELETED", "Gone")]
    assert list(repository.load()) == []


def test_an_apply_of_more_roles_than_the_limit_is_refused_whole(
    catalog: RoleCatalog, repository: MemoryRoleRepository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(declarations, "MAX_DECLARATIONS", 2)

    apply(catalog, declared("a"), declared("b"))
    with pytest.raises(InvalidFieldsError) as caught:
        apply(catalog, declared("c"), declared("d"), declared("e"))

    assert [(v.field, v.reason, v.message) for v in caught.value.violations] == [
        ("roles", "TOO_MANY_ROLES", "must be at most 2, not 3; apply them in parts")
    ]
    assert {role.role_name for role in repository.load()} == {"a", "b"}
