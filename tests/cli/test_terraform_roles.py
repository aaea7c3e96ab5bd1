"""The roles of terraform plans: types, providers and accounts, values that are not known, plans that are not complete."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.sources import Found, search
from tests.cli.terraform_plans import change, configured, plan, policy, resource, role

DATA = "data.alicloud_ram_policy_document.trust"
PROD, DEV = "alicloud_ram_role.prod", "alicloud_ram_role.dev"


def found_in(tmp_path: Path, document: dict[str, Any]) -> Found:
    path = tmp_path / "plan.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return search([path])


def two_providers(**expressions: object) -> dict[str, Any]:
    providers = {"alicloud": {"name": "alicloud"}, "alicloud.prod": {"name": "alicloud", "expressions": expressions}}
    resources = [configured(DEV), configured(PROD, "alicloud.prod")]
    return {"configuration": {"provider_config": providers, "root_module": {"resources": resources}}}


def warnings(found: Found) -> list[str]:
    assert found.problems == []
    return [remark.message for remark in found.remarks]


def test_a_role_of_resource_manager_is_read_as_one_of_ram(tmp_path: Path) -> None:
    document = plan(role("ops", "alicloud_resource_manager_role.ops", max_session_duration=7200))

    (found,) = found_in(tmp_path, document).roles

    assert (found.name, found.label, found.max_session_duration_seconds) == (
        "ops",
        "`alicloud_resource_manager_role.ops`",
        7200,
    )


def test_roles_of_for_each_and_of_modules_have_their_addresses(tmp_path: Path) -> None:
    addresses = ['alicloud_ram_role.ci["a.b"]', 'module.m["x"].module.n[0].alicloud_ram_role.ci["k\\"y"]']
    found = found_in(tmp_path, plan(*(role(f"r{number}", address) for number, address in enumerate(addresses))))

    assert [each.label for each in found.roles] == [f"`{address}`" for address in addresses]


def configured_with_data_source() -> dict[str, Any]:
    references = [f"{DATA}.document", DATA, "each.key"]
    return configured("alicloud_ram_role.ci", assume_role_policy_document={"references": references})


def read_later(after: dict[str, Any], unknown: dict[str, Any], address: str = "") -> dict[str, Any]:
    facts = {"actions": ["read"], "before": None, "after": after, "after_unknown": unknown}
    return {"address": address or DATA, "mode": "data", "type": "alicloud_ram_policy_document", "change": facts}


def plan_with_data_source(after: dict[str, Any], unknown: dict[str, Any]) -> dict[str, Any]:
    configuration = {"root_module": {"resources": [configured_with_data_source()]}}
    changes = [read_later(after, unknown)]
    return plan(resource({"role_name": "ci"}), resource_changes=changes, configuration=configuration)


class TestAccounts:
    def test_one_name_with_two_providers_of_unknown_accounts_is_not_guessed_to_be_one_role(
        self, tmp_path: Path
    ) -> None:
        found = found_in(tmp_path, plan(role("deploy", PROD), role("Deploy", DEV), role("ci"), **two_providers()))

        assert [each.name for each in found.roles] == ["ci"]
        assert [(each.name, each.label) for each in found.unknown_roles] == [
            ("deploy", f"`{PROD}`"),
            ("Deploy", f"`{DEV}`"),
        ]
        assert [each.policy.document for each in found.unknown_roles if each.policy] == [policy()] * 2
        assert warnings(found)[0] == (
            f"`{PROD}`: the account of the provider `alicloud.prod` is not known, and another provider has a role of this name"
        )

    @pytest.mark.parametrize(
        "expressions",
        [
            {"account_id": {"constant_value": "42"}},
            {"account_id": {"references": ["var.account"]}},
            {"assume_role": [{"role_arn": {"constant_value": "acs:ram::42:role/terraform"}}]},
        ],
    )
    def test_the_account_of_a_provider_is_that_of_its_configuration(
        self, tmp_path: Path, expressions: dict[str, Any]
    ) -> None:
        document = plan(role("deploy", PROD), variables={"account": {"value": "42"}}, **two_providers(**expressions))

        assert [each.account_id for each in found_in(tmp_path, document).roles] == ["42"]

    @pytest.mark.parametrize(
        "expressions",
        [
            {"account_id": {"references": ["var.a", "var.b"]}},
            {"account_id": {"references": ["local.account"]}},
            {"account_id": {"constant_value": "x"}},
            {"account_id": []},
            {"assume_role": [{"role_arn": {"references": ["var.nothing"]}}]},
            {"assume_role": [{}, {}]},
        ],
    )
    def test_an_account_that_the_configuration_composes_is_not_known(
        self, tmp_path: Path, expressions: dict[str, Any]
    ) -> None:
        document = plan(role("deploy", PROD), variables={"a": {"value": "1"}}, **two_providers(**expressions))

        assert [each.account_id for each in found_in(tmp_path, document).roles] == [""]

    def test_the_account_of_a_provider_is_that_of_the_roles_that_exist(self, tmp_path: Path) -> None:
        old = resource({"arn": "acs:ram::42:role/old"}, PROD)
        state = {"format_version": "1.0", "values": {"root_module": {"resources": [old]}}}
        document = plan(role("deploy", PROD), role("deploy", DEV), prior_state=state, **two_providers())

        found = found_in(tmp_path, document)

        assert [(each.name, each.account_id) for each in found.roles] == [("deploy", "42")]
        assert [each.label for each in found.unknown_roles] == [f"`{DEV}`"]

    def test_accounts_that_differ_are_not_taken_for_that_of_the_provider(self, tmp_path: Path) -> None:
        olds = [resource({"arn": f"acs:ram::{number}:role/old"}, PROD) for number in (1, 2)]
        state = {"format_version": "1.0", "values": {"root_module": {"resources": olds}}}

        (found,) = found_in(tmp_path, plan(role("deploy", PROD), prior_state=state, **two_providers())).roles

        assert found.account_id == ""

    def test_two_roles_of_one_provider_and_one_name_stay_two(self, tmp_path: Path) -> None:
        same = {"configuration": {"root_module": {"resources": [configured(PROD), configured(DEV)]}}}

        assert len(found_in(tmp_path, plan(role("deploy", PROD), role("deploy", DEV), **same)).roles) == 2


class TestUnknown:
    def test_a_policy_is_checked_also_where_the_name_is_not_known(self, tmp_path: Path) -> None:
        document = plan(resource({"assume_role_policy_document": policy()}))

        (unknown,) = found_in(tmp_path, document).unknown_roles

        assert unknown.policy is not None
        assert (unknown.name, unknown.policy.document) == ("", policy())

    def test_the_data_source_of_a_policy_that_is_read_later_is_named(self, tmp_path: Path) -> None:
        data = "data.alicloud_ram_policy_document.trust"
        configuration = configured(
            "alicloud_ram_role.ci", assume_role_policy_document={"references": [f"{data}.document", data]}
        )
        document = plan(
            resource({"role_name": "ci"}),
            configuration={"root_module": {"resources": [configuration]}},
        )

        (unknown,) = found_in(tmp_path, document).unknown_roles

        assert unknown.message == (
            "`alicloud_ram_role.ci`: the trust policy is not known before the plan is applied; it comes from"
            f" `{data}`, which is read when the plan is applied"
        )

    def test_what_is_not_known_of_the_data_source_of_a_policy_is_named(self, tmp_path: Path) -> None:
        unknown = {"document": True, "statement": [{"action": [False], "principal": [{"identifiers": [True]}]}]}

        (role_,) = found_in(tmp_path, plan_with_data_source({"statement": [{}]}, unknown)).unknown_roles

        assert role_.message.endswith(
            f"; it comes from `{DATA}`, of which `statement[0].principal[0].identifiers[0]` is not known"
        )
        assert role_.policy is None

    def test_a_data_source_of_which_all_is_known_is_checked_as_the_document_that_the_provider_makes(
        self, tmp_path: Path
    ) -> None:
        condition = {"operator": "StringEquals", "variable": "acs:SourceVpc", "values": ["a", "b"]}
        more = {**condition, "values": ["c", "d"]}
        principals = [{"entity": "RAM", "identifiers": [f"acs:ram::{number}:root"]} for number in (1, 2)]
        block = {
            "effect": "Deny",
            "action": ["sts:AssumeRole"],
            "principal": principals,
            "condition": [condition, more],
        }
        configured_ = {
            "version": None,
            "statement": [block, {"effect": None, "action": ["a:b", "c:d"], "resource": ["*"]}],
        }

        (role_,) = found_in(tmp_path, plan_with_data_source(configured_, {"document": True})).unknown_roles

        assert role_.policy is not None
        assert role_.policy.label == f"`{DATA}`"
        assert json.loads(role_.policy.document) == {
            "Version": "1",
            "Statement": [
                {
                    "Effect": "Deny",
                    "Action": "sts:AssumeRole",
                    "Principal": {"RAM": ["acs:ram::1:root", "acs:ram::2:root"]},
                    "Condition": {"StringEquals": {"acs:SourceVpc": ["a", "b", "c", "d"]}},
                },
                {"Effect": "Allow", "Action": ["a:b", "c:d"], "Resource": "*"},
            ],
        }

    def test_the_data_source_of_a_role_in_a_module_has_its_module_and_its_index(self, tmp_path: Path) -> None:
        index = '["x.y"]'
        role_ = resource({"role_name": "ci"}, f"module.m[0].alicloud_ram_role.ci{index}")
        read = read_later({"statement": [{"action": ["a"]}]}, {}, f"module.m[0].{DATA}{index}")
        module = {"resources": [configured_with_data_source()]}
        configuration = {"root_module": {"module_calls": {"m": {"module": module}}}}

        (unknown,) = found_in(tmp_path, plan(role_, resource_changes=[read], configuration=configuration)).unknown_roles

        assert unknown.policy is not None
        assert unknown.policy.label == f"`module.m[0].{DATA}{index}`"

    def test_a_role_that_terraform_defers_is_reported(self, tmp_path: Path) -> None:
        after = {"role_name": "later", "assume_role_policy_document": policy()}
        deferred = {
            "reason": "instance_count_unknown",
            "resource_change": change("alicloud_ram_role.x", after, {}, "create"),
        }

        found = found_in(tmp_path, plan(deferred_changes=[deferred]))

        assert [(each.name, each.message) for each in found.unknown_roles] == [
            ("later", "`alicloud_ram_role.x`: terraform defers this role to a later plan")
        ]

    def test_a_plan_that_failed_is_reported(self, tmp_path: Path) -> None:
        found = found_in(tmp_path, plan(role("ci"), errored=True))

        assert [each.name for each in found.roles] == ["ci"]
        assert [remark.reason for remark in found.remarks] == ["FAILED_PLAN"]


class TestChangesAlone:
    def test_a_plan_with_its_changes_alone_has_the_roles_that_they_leave(self, tmp_path: Path) -> None:
        values = {"role_name": "ci", "assume_role_policy_document": policy()}
        gone = change("alicloud_ram_role.gone", values, {}, "delete")
        gone["change"]["after"] = None
        deposed = {**change("alicloud_ram_role.ci", values, {}, "delete"), "deposed": "abc"}
        changes = [change("alicloud_ram_role.ci", values, {}, "create"), gone, deposed]

        found = found_in(tmp_path, {"format_version": "1.2", "resource_changes": changes})

        assert [each.name for each in found.roles] == ["ci"]
        assert found.roles[0].location_of("/Version").column > found.roles[0].location.column
