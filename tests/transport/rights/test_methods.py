"""The table of rights has every method that a server answers, and the documentation shows the same table."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest

import rolecall_client.v1
from rolecall.transport.errors import PermissionDeniedError, UnlistedMethodError
from rolecall.transport.rights.actions import REFLECT
from rolecall.transport.rights.methods import NEEDS, MethodRights
from tests.callers.files import allowing
from tests.callers.permitted import administrator, permitted
from tests.repository.tree import DOCS
from tests.server.serving import served

EXCEPTIONS = {
    "/grpc.health.v1.Health/Check",
    "/grpc.health.v1.Health/Watch",
    "/rolecall.v1.CallerService/CanI",
    "/rolecall.v1.CallerService/WhoAmI",
    "/unknown/unknown",
}
REFLECTION = "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"


def methods_of_the_contract() -> Iterator[str]:
    for module in iter_modules(rolecall_client.v1.__path__):
        if module.name.endswith("_pb2"):
            file: Any = import_module(f"rolecall_client.v1.{module.name}")
            for service in file.DESCRIPTOR.services_by_name.values():
                yield from (f"/{service.full_name}/{method.name}" for method in service.methods)


def test_every_method_of_the_contract_has_its_row() -> None:
    methods = set(methods_of_the_contract())

    assert len(methods) > 15
    assert methods <= set(NEEDS)


async def test_the_table_has_the_methods_that_a_server_answers_and_no_others() -> None:
    async with served(reflection=True) as service:
        answered = {stats.name for stats in service.server.grpc_server.methods.method_stats}

        assert answered == set(NEEDS)


def test_a_valid_credential_suffices_for_health_and_questions_about_oneself_alone() -> None:
    assert {method for method, needs in NEEDS.items() if not needs} == EXCEPTIONS


def test_every_action_of_the_table_is_written_as_a_policy_spells_it() -> None:
    actions = {need.action for needs in NEEDS.values() for need in needs}

    assert all(re.fullmatch(r"(ram|rolecall):[A-Z][A-Za-z]+", action) for action in actions)


def test_a_method_that_the_table_does_not_have_is_denied_to_the_administrator() -> None:
    permit = MethodRights(lambda _: administrator()).permit("/rolecall.v1.RoleService/DropEverything")

    with pytest.raises(UnlistedMethodError):
        permit(None)  # type: ignore[arg-type, misc]


def test_a_right_on_everything_is_judged_before_the_method_and_needs_exactly_its_action() -> None:
    allowed = permitted(allowing("rolecall:Reflect"))
    others = [permitted(allowing("rolecall:Watch")), permitted("RolecallDecider"), permitted(allowing("*"))]

    MethodRights(lambda _: allowed).permit(REFLECTION)(None)  # type: ignore[arg-type, misc]

    for other in others:
        with pytest.raises(PermissionDeniedError) as refusal:
            MethodRights(lambda _, other=other: other).permit(REFLECTION)(None)  # type: ignore[arg-type, misc]
        assert (refusal.value.action, refusal.value.resource) == (REFLECT, "*")


def needed(method: str) -> str:
    return "<br>".join(f"`{need.action}` on {need.resource}" for need in NEEDS[method]) or "a valid credential"


def rows() -> Iterator[str]:
    """Yield the rows of the table in the documentation."""
    for method in NEEDS:
        if method == "/unknown/unknown":
            continue
        service, _, name = method.rpartition("/")
        yield f"| {service.rpartition('.')[2]} | {name} | {needed(method)} |"


def test_the_documentation_shows_the_table() -> None:
    page = (DOCS / "security.md").read_text()

    assert "\n".join(rows()) in page


@pytest.mark.parametrize("method", sorted(set(NEEDS) - {"/unknown/unknown"}))
def test_a_method_whose_documented_rights_are_on_everything_alone_is_judged_before_it_is_called(method: str) -> None:
    service, _, name = method.rpartition("/")
    start = f"| {service.rpartition('.')[2]} | {name} | "
    (row,) = [line for line in (DOCS / "security.md").read_text().splitlines() if line.startswith(start)]
    on_everything = re.findall(r"`(\w+:\w+)` on `\*`(?= \||<br>)", row)
    permit = MethodRights(lambda _: permitted(allowing("oss:GetObject"))).permit(method)

    assert f"{start}{needed(method)} |" == row
    assert (permit is not None) == bool(on_everything)
    if permit:
        with pytest.raises(PermissionDeniedError) as refusal:
            permit(None)  # type: ignore[arg-type]
        assert [refusal.value.action] == on_everything
