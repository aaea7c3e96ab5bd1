"""The fingerprint of a write covers every field of its command: with one request id another body is refused."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, get_args

import pytest

from rolecall.roles.catalog import RoleCatalog
from rolecall.roles.change import Author
from rolecall.roles.commands import (
    ApplyRoles,
    Command,
    CreateRole,
    DeleteRole,
    RoleDeclaration,
    RollbackRole,
    UndeleteRole,
    UpdateRole,
    Written,
)
from rolecall.roles.errors import IdempotencyMismatchError
from rolecall.roles.idempotency import Write, fingerprint
from rolecall.roles.role import Micros
from tests.roles.policies import OTHER_POLICY, POLICY, SCOPE, author, create, new_id

DECLARATION = RoleDeclaration(
    role_name="App",
    document=POLICY,
    account_id="123456789012",
    description="text",
    max_session_duration_seconds=7_200,
    tags={"team": "red", "env": "test"},
)
COMMANDS: list[Command] = [
    CreateRole(**{field.name: getattr(DECLARATION, field.name) for field in fields(DECLARATION)}),
    UpdateRole(
        role="App", document=POLICY, description="text", max_session_duration_seconds=7_200, tags={"a": "1"}, etag='"e"'
    ),
    DeleteRole(role="App", etag='"e"'),
    RollbackRole(role="App", revision=1, etag='"e"'),
    UndeleteRole(role="App", role_id="1"),
    ApplyRoles(declarations=(DECLARATION, replace(DECLARATION, role_name="Other")), prune_tags={"managed": "yes"}),
]
AUTHOR = Author(actor="alice", time=Micros(1), request_id=new_id(), change_reason="reason", source="ci")


def others(value: Any) -> Iterator[Any]:
    """Yield values that differ from `value` in one thing each, as a field of its type can."""
    match value:
        case bool():
            yield not value
        case int():
            yield value + 1
        case str():
            yield from (value + "x", value.swapcase(), "")
        case Mapping():
            key, *_ = value
            yield from ({}, {**value, "more": ""}, {**value, key: "other"}, {f"{key}x": value[key]})
            yield dict(zip(value, reversed([*value.values()]), strict=True)) if len(value) > 1 else {}
        case ():
            yield ("x",)
        case (first, *rest):
            yield from ((first,), (*reversed(rest), first), (first, *rest, first))
            yield from ((changed, *rest) for _, changed in variations(first))
        case _:
            raise TypeError(f"no other values of {value!r} are known: add its type here")


def variations(whole: Any) -> Iterator[tuple[str, Any]]:
    """Yield the name of each field of a dataclass, with the value in which that field alone differs."""
    for field in fields(whole):
        if field.name == "validate_only":
            continue  # A rehearsal stores no outcome.
        value = getattr(whole, field.name)
        yield from ((field.name, replace(whole, **{field.name: o})) for o in others(value) if o != value)


def print_of(command: Command, author: Author = AUTHOR) -> bytes:
    return fingerprint(Write(command=command, author=author, scope=SCOPE.name, judge=lambda _: None))


def test_every_command_is_tried() -> None:
    assert {type(command) for command in COMMANDS} == set(get_args(Command))


@pytest.mark.parametrize(
    ("command", "other"),
    [
        pytest.param(command, other, id=f"{type(command).__name__}-{name}-{number}")
        for command in COMMANDS
        for number, (name, other) in enumerate(variations(command))
    ],
)
def test_another_value_of_a_field_has_another_fingerprint(command: Command, other: Command) -> None:
    assert print_of(other) != print_of(command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_the_reason_and_the_source_have_a_part_in_the_fingerprint(command: Command) -> None:
    assert print_of(command, replace(AUTHOR, change_reason="")) != print_of(command)
    assert print_of(command, replace(AUTHOR, source="")) != print_of(command)
    assert print_of(command, replace(AUTHOR, change_reason="ci", source="reason")) != print_of(command)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: type(command).__name__)
def test_the_actor_and_the_time_have_no_part_in_the_fingerprint(command: Command) -> None:
    other = replace(AUTHOR, actor="bob", time=Micros(2), request_id=new_id())

    assert print_of(command, other) == print_of(command)


def test_every_field_of_an_author_is_accounted_for() -> None:
    assert {field.name for field in fields(Author)} == {"actor", "time", "request_id", "change_reason", "source"}


def test_absent_and_empty_differ() -> None:
    update, apply = UpdateRole(role="App"), ApplyRoles(declarations=())

    for name, empty in {"document": "", "description": "", "max_session_duration_seconds": 0, "tags": {}}.items():
        assert print_of(replace(update, **{name: empty})) != print_of(update)  # type: ignore[arg-type]
    assert print_of(replace(apply, prune_tags={})) != print_of(apply)


@pytest.mark.parametrize(
    ("command", "stored"),
    [
        (COMMANDS[0], "902962def4e37088fd69bb4efb0b2f4adac89273ebfb137810ab85d80d4045a8"),
        (COMMANDS[1], "c3c3370d73e08033e94df0caba1ad2f58739f727996bd19662141841b17b4a13"),
        (COMMANDS[2], "02c897a3e4de00deca76880b768c962b1b6870149af5cd2395ac89028a08b4cc"),
        (COMMANDS[3], "ab8168b2a446d561ec087ea9a0191650385ebe7f629bfb524d15c5d99d73fb85"),
        (COMMANDS[4], "244c75fa03d5fb1a0828939d5264e3693fbdbd7256a5fe6c6fdb73e82d610556"),
        (COMMANDS[5], "0f708007c7e998b8d67dcee925c3b3951a377eeaba6f38a831a29ed79f1cc59b"),
        (
            ApplyRoles(
                declarations=(DECLARATION, replace(DECLARATION, role_name="Other")),
                prune_tags={"managed": "yes"},
                prune_accounts=("prod", "123456789012"),
            ),
            "49b4e0953f1e15b19a7db7a4781c0c8a887e7e3b62eb6b5c622a6b394303a6db",
        ),
    ],
    ids=lambda value: "" if isinstance(value, str) else type(value).__name__,
)
def test_fingerprints_that_stores_already_contain_stay_valid(command: Command, stored: str) -> None:
    assert print_of(command).hex() == stored


def write(catalog: RoleCatalog, command: Command, author: Author) -> Written[Any]:
    match command:
        case CreateRole():
            return catalog.create(command, author, SCOPE)
        case UpdateRole():
            return catalog.update(command, author, SCOPE)
        case DeleteRole():
            return catalog.delete(command, author, SCOPE)
        case UndeleteRole():
            return catalog.undelete(command, author, SCOPE)
        case RollbackRole():
            return catalog.rollback(command, author, SCOPE)
        case ApplyRoles():
            return catalog.apply(command, author, SCOPE)


@pytest.mark.parametrize(
    ("command", "other"),
    [
        (CreateRole(role_name="New", document=POLICY), CreateRole(role_name="New", document=OTHER_POLICY)),
        (UpdateRole(role="App", description="x"), UpdateRole(role="App", description="y")),
        (DeleteRole(role="App"), DeleteRole(role="app")),
        (RollbackRole(role="App", revision=1), RollbackRole(role="app", revision=1)),
        (UndeleteRole(role="Gone"), UndeleteRole(role="gone")),
        (ApplyRoles(declarations=(DECLARATION,)), ApplyRoles(declarations=(DECLARATION,), prune_tags={"a": "1"})),
    ],
    ids=lambda command: type(command).__name__,
)
def test_every_write_refuses_a_known_request_id_with_another_body(
    catalog: RoleCatalog, command: Command, other: Command
) -> None:
    request_id = new_id()
    create(catalog)
    create(catalog, "Gone")
    catalog.delete(DeleteRole(role="Gone"), author(), SCOPE)
    write(catalog, command, author(1, request_id=request_id))

    with pytest.raises(IdempotencyMismatchError):
        write(catalog, other, author(2, request_id=request_id))


def test_the_source_belongs_to_the_body(catalog: RoleCatalog) -> None:
    request_id, command = new_id(), ApplyRoles(declarations=(DECLARATION,))
    catalog.apply(command, author(request_id=request_id, source="ci"), SCOPE)

    with pytest.raises(IdempotencyMismatchError):
        catalog.apply(command, author(request_id=request_id, source="laptop"), SCOPE)
