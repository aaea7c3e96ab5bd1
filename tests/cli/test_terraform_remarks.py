"""What is reported about the roles of a plan, each remark with its place, its reason and what to do."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.problems.problem import Location
from rolecall.cli.sources import Found
from tests.cli.problem_lines import lines_of, searched
from tests.cli.terraform_plans import ADDRESS, change, configured, plan, policy, resource, role

LATER = "test a plan that is made after the rest has been applied, or write the value as a constant"
ACCOUNT = "configure the account of each provider, as `account_id` or by the role that it assumes, as a constant"
DATA = "data.alicloud_ram_policy_document.trust"
PROD, DEV = "alicloud_ram_role.prod", "alicloud_ram_role.dev"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def read(document: dict[str, Any]) -> tuple[Found, str]:
    text = json.dumps(document)
    return searched(text, "plan.json"), text


def at(text: str, address: str = ADDRESS, place: int = 0) -> int:
    """Return the column of the address of a resource: the first time, or the one after `place` others."""
    written, column = f'"address": {json.dumps(address)}', -1
    for _ in range(place + 1):
        column = text.index(written, column + 1)
    return column + 1


def unknown(found: Found) -> list[tuple[str, str, int, bool]]:
    return [(each.name, each.label, each.location.column, each.policy is not None) for each in found.unknown_roles]


def test_every_fact_of_a_role_is_read() -> None:
    values: dict[str, Any] = {
        "description": "the first",
        "max_session_duration": "7200",
        "tags": {"a": "b", "n": 1.5, "t": True, "x": None},
    }
    found, text = read(plan(role("ci", arn="acs:ram::42:role/ci", **values)))

    assert lines_of(found) == []
    (read_role,) = found.roles
    assert (read_role.name, read_role.label, read_role.account_id, read_role.document) == (
        "ci", f"`{ADDRESS}`", "42", policy(),
    )  # fmt: skip
    assert (read_role.description, read_role.max_session_duration_seconds) == ("the first", 7_200)
    assert dict(read_role.tags) == {"a": "b", "n": "1.5", "t": "true"}
    assert read_role.location == Location("plan.json", 1, at(text))


@pytest.mark.parametrize(
    ("values", "what", "name", "policy_known"),
    [
        ({"assume_role_policy_document": policy()}, "the role's name is not known before the plan is applied", "", True),
        ({"role_name": "ci"}, "the trust policy is not known before the plan is applied", "ci", False),
        ({}, "the role's name is not known before the plan is applied", "", False),
        ({"role_name": "a", "name": "b", "document": policy()}, "the role's name is not known before the plan is applied", "", True),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_role_is_a_warning(
    values: dict[str, Any], what: str, name: str, policy_known: bool
) -> None:
    found, text = read(plan(resource(values)))

    warning = f"1:{at(text)}: warning (finding): `{ADDRESS}`: {what} [UNKNOWN_UNTIL_APPLY]; {LATER}"
    assert (lines_of(found), found.roles) == ([warning], [])
    assert unknown(found) == [(name, f"`{ADDRESS}`", at(text), policy_known)]
    assert [each.message for each in found.unknown_roles] == [f"`{ADDRESS}`: {what}"]


def test_a_policy_that_the_provider_composes_is_not_known() -> None:
    before = {"role_name": "ci", "assume_role_policy_document": policy(), "services": ["a"]}
    facts = {"actions": ["update"], "before": before, "after": {**before, "services": ["b"]}}
    changes = [{"address": ADDRESS, "type": "alicloud_ram_role", "change": facts}]

    found, text = read(plan(resource({**before, "services": ["b"]}), resource_changes=changes))

    what = "the provider makes a new trust policy from `ram_users` and `services`, which is not known here"
    assert lines_of(found) == [f"1:{at(text)}: warning (finding): `{ADDRESS}`: {what} [UNKNOWN_UNTIL_APPLY]; {LATER}"]
    assert unknown(found) == [("ci", f"`{ADDRESS}`", at(text), False)]


@pytest.mark.parametrize("part", ["ram_users", "services", "version"])
def test_each_part_of_which_the_provider_composes_a_policy_counts(part: str) -> None:
    before = {"role_name": "ci", "assume_role_policy_document": policy(), part: "a"}
    after = {**before, part: "b"}
    facts = {"actions": ["update"], "before": before, "after": after}
    changes = [{"address": ADDRESS, "type": "alicloud_ram_role", "change": facts}]

    found, _ = read(plan(resource(after), resource_changes=changes))

    assert (found.roles, [each.name for each in found.unknown_roles]) == ([], ["ci"])


@pytest.mark.parametrize("detail", ["tags", "max_session_duration", "description"])
def test_a_detail_that_is_not_known_is_ignored_with_a_warning(detail: str) -> None:
    values = {"role_name": "ci", "assume_role_policy_document": policy()}
    expressions: dict[str, Any] = {detail: {}}
    configuration = {"root_module": {"resources": [configured(ADDRESS, **expressions)]}}
    changes = [change(ADDRESS, values, {detail: True}, "create")]

    found, text = read(plan(resource(values), resource_changes=changes, configuration=configuration))

    what = f"`{ADDRESS}`: `{detail}` is not known before the plan is applied, and is ignored here"
    assert lines_of(found) == [f"1:{at(text)}: warning (finding): {what} [UNKNOWN_UNTIL_APPLY]; {LATER}"]
    assert [each.name for each in found.roles] == ["ci"]


def test_two_providers_with_one_name_of_a_role_need_their_accounts() -> None:
    providers = {name: {"name": "alicloud"} for name in ("alicloud", "alicloud.prod")}
    resources = [configured(DEV), configured(PROD, "alicloud.prod")]
    configuration = {"provider_config": providers, "root_module": {"resources": resources}}

    found, text = read(plan(role("deploy", PROD), role("deploy", DEV), configuration=configuration))

    assert lines_of(found) == [
        f"1:{at(text, address)}: warning (finding): `{address}`: the account of the provider `{provider}` is not known,"
        f" and another provider has a role of this name [UNKNOWN_UNTIL_APPLY]; {ACCOUNT}"
        for address, provider in ((PROD, "alicloud.prod"), (DEV, "alicloud"))
    ]
    assert unknown(found) == [("deploy", f"`{each}`", at(text, each), True) for each in (PROD, DEV)]


def test_a_role_of_two_providers_that_has_no_policy_either_needs_the_policy_first() -> None:
    providers = {name: {"name": "alicloud"} for name in ("alicloud", "alicloud.prod")}
    resources = [configured(DEV), configured(PROD, "alicloud.prod")]
    configuration = {"provider_config": providers, "root_module": {"resources": resources}}

    found, _ = read(plan(resource({"role_name": "a"}, PROD), role("a", DEV), configuration=configuration))

    assert next(line.partition(": `")[2] for line in lines_of(found)) == (
        f"{PROD}`: the trust policy is not known before the plan is applied [UNKNOWN_UNTIL_APPLY]; {LATER}"
    )


def with_data_source(*unknown: str, references: tuple[str, ...] = (f"{DATA}.document", DATA)) -> dict[str, Any]:
    after_unknown = {"statement": [dict.fromkeys(unknown, True)]} if unknown else {}
    facts = {
        "actions": ["read"],
        "after": {"statement": [{"action": ["sts:AssumeRole"]}]},
        "after_unknown": after_unknown,
    }
    changes = [{"address": DATA, "mode": "data", "type": "alicloud_ram_policy_document", "change": facts}]
    configuration = {"root_module": {"resources": [configured(ADDRESS, document={"references": references})]}}
    return plan(resource({"role_name": "ci"}), resource_changes=changes, configuration=configuration)


@pytest.mark.parametrize(
    ("names", "what"),
    [
        ((), "which is read when the plan is applied"),
        (("a",), "of which `statement[0].a` is not known"),
        (tuple("abcde"), f"of which {', '.join(f'`statement[0].{name}`' for name in 'abcde')} is not known"),
        (tuple("abcdef"), f"of which {', '.join(f'`statement[0].{name}`' for name in 'abcde')} and 1 more is not known"),
        (tuple("abcdefg"), f"of which {', '.join(f'`statement[0].{name}`' for name in 'abcde')} and 2 more is not known"),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_data_source_is_named(names: tuple[str, ...], what: str) -> None:
    found, text = read(with_data_source(*names))

    said = f"the trust policy is not known before the plan is applied; it comes from `{DATA}`, {what}"
    assert lines_of(found) == [f"1:{at(text)}: warning (finding): `{ADDRESS}`: {said} [UNKNOWN_UNTIL_APPLY]; {LATER}"]
    assert unknown(found) == [("ci", f"`{ADDRESS}`", at(text), not names)]


def test_the_policy_of_a_data_source_has_the_place_of_its_entry_and_no_places_within() -> None:
    found, text = read(with_data_source())

    (later,) = (each.policy for each in found.unknown_roles)
    assert later is not None
    entry = Location("plan.json", 1, at(text, DATA) - 1)
    assert (later.location_of(""), later.statement_location(0), later.exact) == (entry, entry, False)
    assert (later.name, later.label, later.location.column) == ("ci", f"`{DATA}`", at(text))


@pytest.mark.parametrize("references", [(), (DATA, "data.alicloud_ram_policy_document.other"), (f"x.{DATA}",)])
def test_a_policy_of_no_or_of_several_data_sources_is_of_none(references: tuple[str, ...]) -> None:
    found, _ = read(with_data_source(references=references))

    assert [each.message for each in found.unknown_roles] == [
        f"`{ADDRESS}`: the trust policy is not known before the plan is applied"
    ]
    assert [each.policy for each in found.unknown_roles] == [None]


def test_a_role_that_is_deferred_and_a_plan_that_failed_are_warnings() -> None:
    after = {"role_name": "later", "assume_role_policy_document": policy()}
    deferred = {"reason": "x", "resource_change": change("alicloud_ram_role.x", after, {}, "create")}

    found, text = read(plan(deferred_changes=[deferred], errored=True))

    place = text.index('{"reason"') + 1
    said = "`alicloud_ram_role.x`: terraform defers this role to a later plan"
    assert lines_of(found) == [
        f"1:{place}: warning (finding): {said} [UNKNOWN_UNTIL_APPLY]; {LATER}",
        "1:1: warning (finding): terraform stopped with an error, so that roles may be missing in this plan [FAILED_PLAN]; correct the error, and plan again",
    ]
    assert unknown(found) == [("later", "`alicloud_ram_role.x`", place, False)]


@pytest.mark.parametrize("errored", [False, "true", 1, None])
def test_a_plan_failed_only_if_it_says_so(errored: object) -> None:
    assert lines_of(read(plan(role("ci"), errored=errored))[0]) == []


def test_a_plan_without_roles_says_which_types_of_resources_are_roles() -> None:
    found, _ = read(plan())

    assert lines_of(found) == [
        "1:1: note (finding): the plan has no `alicloud_ram_role` or `alicloud_resource_manager_role` []; "
    ]
