"""Where roles come from: every source, and what is said of what cannot be read."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.declarations.tree import Table, read_documents
from rolecall.cli.sources import Found, search
from rolecall.cli.sources.kind import FileKind, outline_of_json, outline_of_node
from rolecall.cli.sources.kinds import kind_of

POLICY = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}}],
}
OTHER = {**POLICY, "Statement": [{**POLICY["Statement"][0], "Principal": {"Service": "fc.aliyuncs.com"}}]}  # type: ignore[dict-item]
TEXT, OTHER_TEXT = json.dumps(POLICY), json.dumps(OTHER)
ROLES = f"apiVersion: rolecall/v1\nroles:\n  - name: a\n    trust_policy_json: '{TEXT}'\n"
ADDRESS = "alicloud_ram_role.ci"

Write = Callable[[str, object], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(name: str, content: object) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1), encoding="utf-8")
        return path

    return write


def reported(found: Found) -> list[str]:
    return [f"{Path(p.location.file).name}:{p.location.line}: {p.severity}: {p.message}" for p in found.remarks]


def wrong(found: Found) -> list[str]:
    return [f"{Path(p.location.file).name}:{p.location.line}: {p.message}" for p in found.problems]


def resource(values: dict[str, Any], address: str = ADDRESS, **more: object) -> dict[str, Any]:
    return {"address": address, "mode": "managed", "type": "alicloud_ram_role", "name": "ci", "values": values, **more}


def plan(*resources: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"format_version": "1.2", "planned_values": {"root_module": {"resources": list(resources)}}, **more}


def change(
    before: dict[str, Any] | None, after: dict[str, Any], unknown: dict[str, Any], *actions: str
) -> dict[str, Any]:
    facts = {"actions": list(actions), "before": before, "after": after, "after_unknown": unknown}
    return {"resource_changes": [{"address": ADDRESS, "type": "alicloud_ram_role", "change": facts}]}


def configuration(*attributes: str) -> dict[str, Any]:
    expressions: dict[str, Any] = {name: {} for name in attributes}
    return {"configuration": {"root_module": {"resources": [{"address": ADDRESS, "expressions": expressions}]}}}


class TestFilesAndDirectories:
    def test_a_trust_policy_in_its_own_file_is_on_a_role_named_after_it(self, write: Write) -> None:
        found = search([write("deploy.json", TEXT)])

        assert [(role.name, role.document) for role in found.roles] == [("deploy", TEXT)]

    def test_a_directory_is_searched_below_and_hidden_files_are_not(self, write: Write, tmp_path: Path) -> None:
        write("a/roles.yaml", ROLES)
        write("b/deploy.json", TEXT)
        write(".hidden/x.json", TEXT)

        found = search([tmp_path])

        assert [role.name for role in found.roles] == ["a", "deploy"]
        assert (found.problems, found.remarks) == ([], [])

    def test_a_policy_that_a_role_names_as_its_file_is_no_role_of_its_own(self, write: Write, tmp_path: Path) -> None:
        write("deploy.json", TEXT)
        write("roles.yaml", "apiVersion: rolecall/v1\nname: a\ntrust_policy_file: deploy.json\n")

        assert [role.name for role in search([tmp_path]).roles] == ["a"]

    def test_a_file_that_is_named_twice_is_read_once(self, write: Write, tmp_path: Path) -> None:
        path = write("deploy.json", TEXT)

        assert len(search([path, tmp_path, tmp_path / "." / "deploy.json"]).roles) == 1

    @pytest.mark.parametrize(
        ("name", "text"), [("a.yaml", "questions: []\n"), ("a.yaml", "- 1\n"), ("a.json", '{"name": "x"}')]
    )
    def test_skipped_files_of_a_directory_are_reported(
        self, write: Write, tmp_path: Path, name: str, text: str
    ) -> None:
        write(name, text)

        found = search([tmp_path])

        assert found.problems == []
        assert "skipped: it is neither roles, a trust policy, a permission policy, test cases" in reported(found)[0]

    @pytest.mark.parametrize("document", [{"format_version": "1.2"}, {"values": {}}, {"terraform_version": "1.9"}])
    def test_what_has_only_half_of_the_names_of_a_plan_is_none(self, write: Write, document: object) -> None:
        found = search([write("half.json", document)])

        assert found.roles == []
        assert wrong(found)[0].startswith("half.json:1: this is neither roles, a trust policy")

    def test_what_is_of_no_use_and_named_is_wrong(self, write: Write) -> None:
        found = search([write("a.yaml", "questions: []\n")])

        assert wrong(found)[0].startswith("a.yaml:1: this is neither roles, a trust policy")

    def test_an_empty_file_is_a_note_in_a_directory_and_an_error_if_named(self, write: Write, tmp_path: Path) -> None:
        path = write("a.yaml", "---\n---\n")

        assert reported(search([tmp_path])) == ["a.yaml:0: note: is empty"]
        assert wrong(search([path])) == ["a.yaml:0: the file is empty"]

    def test_a_directory_without_files_is_wrong(self, tmp_path: Path) -> None:
        assert "has no *.yaml, *.yml or *.json file" in wrong(search([tmp_path]))[0]

    def test_a_missing_file_is_wrong(self, tmp_path: Path) -> None:
        assert "cannot read" in wrong(search([tmp_path / "missing.yaml"]))[0]

    def test_yaml_that_cannot_be_read_is_wrong_with_its_line(self, write: Write, tmp_path: Path) -> None:
        write("chart.yaml", "a: 1\nb: {{ .Values.b }}\n")

        assert wrong(search([tmp_path]))[0].startswith("chart.yaml:2: ")

    def test_a_long_trust_policy_is_refused(self, write: Write) -> None:
        assert "is longer than 1,048,576 bytes" in wrong(search([write("p.json", " " * 1_048_577 + TEXT)]))[0]

    def test_a_statement_of_each_source_has_its_place(self, write: Write) -> None:
        indented = json.dumps(POLICY, indent=2)
        tree = f"apiVersion: rolecall/v1\nname: a\ntrust_policy: {TEXT}\n"
        block = "apiVersion: rolecall/v1\nname: b\ntrust_policy_json: |\n" + "".join(
            f"  {line}\n" for line in indented.splitlines()
        )
        paths = [write("p.json", indented), write("a.yaml", tree), write("b.yaml", block)]
        line = indented.splitlines().index("    {") + 1

        locations = [role.statement_location(0)[1:] for role in search(paths).roles]

        assert locations == [(line, 5), (3, 15 + TEXT.index("[") + 1), (line + 3, 7)]


class TestTerraform:
    def test_the_roles_of_all_modules_are_read(self, write: Write) -> None:
        child = {"address": "module.a", "resources": [resource({"name": "b", "document": TEXT}, "module.a.x.b")]}
        document = plan(resource({"role_name": "ci", "assume_role_policy_document": TEXT}))
        document["planned_values"]["root_module"]["child_modules"] = [{"child_modules": [child]}]

        found = search([write("plan.json", document)])

        assert [(role.name, role.label) for role in found.roles] == [("ci", f"`{ADDRESS}`"), ("b", "`module.a.x.b`")]
        assert all(role.document == TEXT for role in found.roles)

    def test_account_tags_and_session_length_are_read(self, write: Write) -> None:
        values = {
            "role_name": "ci",
            "assume_role_policy_document": TEXT,
            "arn": "acs:ram::42:role/ci",
            "max_session_duration": 7200,
            "tags": {"team": "shop", "none": None},
        }

        (role,) = search([write("plan.json", plan(resource(values)))]).roles

        assert (role.account_id, role.max_session_duration_seconds, role.tags) == ("42", 7200, {"team": "shop"})

    def test_a_state_is_read_as_a_plan_is(self, write: Write) -> None:
        both = {"role_name": "ci", "name": "ci", "document": TEXT, "assume_role_policy_document": TEXT}
        state = {"format_version": "1.0", "values": {"root_module": {"resources": [resource(both)]}}}

        assert [role.name for role in search([write("state.json", state)]).roles] == ["ci"]

    def test_data_sources_and_other_resources_are_no_roles(self, write: Write) -> None:
        values = {"role_name": "ci", "document": TEXT}
        others = [resource(values, mode="data"), resource(values, type="alicloud_ram_user")]

        found = search([write("plan.json", plan(*others))])

        assert (found.roles, reported(found)) == (
            [],
            ["plan.json:1: note: the plan has no `alicloud_ram_role` or `alicloud_resource_manager_role`"],
        )

    @pytest.mark.parametrize(
        ("values", "message"),
        [
            ({"document": TEXT}, "the role's name is not known before the plan is applied"),
            ({"name": "ci"}, "the trust policy is not known before the plan is applied"),
            ({"name": "ci", "document": None}, "the trust policy is not known before the plan is applied"),
        ],
    )
    def test_unknown_values_are_reported_and_not_guessed(
        self, write: Write, values: dict[str, Any], message: str
    ) -> None:
        found = search([write("plan.json", plan(resource(values)))])

        assert found.roles == []
        assert [role.label for role in found.unknown_roles] == [f"`{ADDRESS}`"]
        assert [(r.severity, r.reason) for r in found.remarks] == [("warning", "UNKNOWN_UNTIL_APPLY")]
        assert reported(found)[0].endswith(f"`{ADDRESS}`: {message}")

    def test_of_a_pair_the_one_that_the_configuration_sets_counts(self, write: Write) -> None:
        values = {"role_name": "ci", "name": "ci", "assume_role_policy_document": TEXT, "document": OTHER_TEXT}

        new = search([write("a.json", plan(resource(values), **configuration("assume_role_policy_document")))])
        old = search([write("b.json", plan(resource(values), **configuration("document")))])

        assert [role.document for role in new.roles] == [TEXT]
        assert [role.document for role in old.roles] == [OTHER_TEXT]

    def test_the_configuration_is_found_through_modules_with_indices(self, write: Write) -> None:
        address = 'module.a["x.y"].module.b[0].alicloud_ram_role.ci["k"]'
        inner = {"resources": [{"address": ADDRESS, "expressions": {"document": {}}}]}
        calls = {"a": {"module": {"module_calls": {"b": {"module": inner}}}}}
        values = {"name": "ci", "assume_role_policy_document": TEXT, "document": OTHER_TEXT}
        document = plan(resource(values, address), configuration={"root_module": {"module_calls": calls}})

        assert [role.document for role in search([write("plan.json", document)]).roles] == [OTHER_TEXT]

    def test_without_a_configuration_the_one_that_changes_counts(self, write: Write) -> None:
        before = {"role_name": "ci", "assume_role_policy_document": TEXT, "document": TEXT}
        after = {**before, "document": OTHER_TEXT}
        document = plan(resource(after), **change(before, after, {}, "update"))

        assert [role.document for role in search([write("plan.json", document)]).roles] == [OTHER_TEXT]

    def test_an_update_to_a_value_that_is_not_known_does_not_fall_back_on_the_old_one(self, write: Write) -> None:
        before = {"role_name": "ci", "assume_role_policy_document": TEXT, "document": TEXT}
        after = {"role_name": "ci", "document": TEXT}
        unknown = change(before, after, {"assume_role_policy_document": True}, "update")

        found = search([write("plan.json", plan(resource(after), **unknown))])

        assert (found.roles, len(found.unknown_roles)) == ([], 1)

    def test_a_new_role_has_what_its_configuration_gives_and_the_other_of_the_pair_is_not_known(
        self, write: Write
    ) -> None:
        after = {"role_name": "ci", "document": TEXT}
        unknown = {"assume_role_policy_document": True, "name": True}
        created = plan(resource(after), **change(None, after, unknown, "create"))
        replaced = plan(resource(after), **change({"role_name": "old"}, after, unknown, "delete", "create"))

        assert [role.name for role in search([write("a.json", created)]).roles] == ["ci"]
        assert [role.name for role in search([write("b.json", replaced)]).roles] == ["ci"]

    def test_two_trust_policies_of_which_none_is_known_to_count_are_not_guessed(self, write: Write) -> None:
        values = {"role_name": "ci", "assume_role_policy_document": TEXT, "document": OTHER_TEXT}

        found = search([write("plan.json", plan(resource(values)))])

        assert (found.roles, len(found.unknown_roles)) == ([], 1)

    def test_a_trust_policy_that_the_provider_composes_is_unknown(self, write: Write) -> None:
        before = {"name": "ci", "assume_role_policy_document": TEXT, "document": TEXT, "services": ["ecs.aliyuncs.com"]}
        after = {**before, "services": ["fc.aliyuncs.com"]}
        document = plan(resource(after), **change(before, after, {}, "update"), **configuration("services"))

        found = search([write("plan.json", document)])

        assert found.roles == []
        assert "makes a new trust policy from `ram_users` and `services`" in reported(found)[0]

    @pytest.mark.parametrize(("detail", "unknown"), [("tags", {"team": True}), ("max_session_duration", True)])
    def test_an_unknown_detail_is_reported_and_ignored(self, write: Write, detail: str, unknown: object) -> None:
        after = {"role_name": "ci", "document": TEXT}
        changes = change(None, after, {detail: unknown, "name": True}, "create")
        document = plan(resource(after), **changes, **configuration("document", detail))

        found = search([write("plan.json", document)])

        assert [role.name for role in found.roles] == ["ci"]
        assert reported(found)[0].endswith(f"`{detail}` is not known before the plan is applied, and is ignored here")

    @pytest.mark.parametrize("version", ["2.0", 3, None])
    def test_a_plan_of_another_major_version_is_refused(self, write: Write, version: object) -> None:
        document = {"format_version": version, "planned_values": {}}

        assert "0.x and 1.x are supported" in wrong(search([write("plan.json", document)]))[0]

    @pytest.mark.parametrize("name", ["roles", "trust_policy", "trust_policy_json", "trust_policy_file"])
    def test_roles_without_a_version_are_known_by_any_of_their_names(self, write: Write, name: str) -> None:
        assert "`apiVersion` is missing" in wrong(search([write("roles.json", {name: {}})]))[0]

    @pytest.mark.parametrize("name", ["planned_values", "resource_changes", "values", "terraform_version"])
    def test_a_plan_is_known_by_any_of_its_names(self, write: Write, name: str) -> None:
        assert (
            "0.x and 1.x are supported" in wrong(search([write("plan.json", {"format_version": "2.0", name: {}})]))[0]
        )


class TestKubernetes:
    ANNOTATED = (
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: api\n  namespace: pay\n  annotations:\n"
        "    pod-identity.alibabacloud.com/role-name: payments\n"
    )

    def test_annotated_service_accounts_are_found_among_other_objects(self, write: Write) -> None:
        text = f"apiVersion: v1\nkind: Namespace\nmetadata: {{name: pay}}\n---\n{self.ANNOTATED}---\n"

        found = search([write("app.yaml", text)])

        (account,) = found.service_accounts
        assert (account.namespace, account.name, account.role_name, account.location.line) == (
            "pay",
            "api",
            "payments",
            11,
        )
        assert reported(found) == []

    def test_a_file_without_an_annotated_service_account_is_noted_once(self, write: Write) -> None:
        text = "apiVersion: v1\nkind: Namespace\nmetadata: {name: pay}\n---\napiVersion: v1\nkind: List\nitems: []\n"

        assert reported(search([write("app.yaml", text)])) == [
            "app.yaml:1: note: skipped: no service account has the annotation `pod-identity.alibabacloud.com/role-name`"
        ]

    def test_lists_and_json_are_read(self, write: Write) -> None:
        metadata = {
            "name": "api",
            "namespace": "pay",
            "annotations": {"pod-identity.alibabacloud.com/role-name": "payments"},
        }
        item = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
        listed = {"apiVersion": "v1", "kind": "List", "items": [item, item]}

        assert len(search([write("app.json", listed)]).service_accounts) == 2

    def test_the_items_of_a_list_of_service_accounts_do_not_repeat_the_kind(self, write: Write) -> None:
        annotations = {"pod-identity.alibabacloud.com/role-name": "payments"}
        item = {"metadata": {"name": "api", "namespace": "pay", "annotations": annotations}}
        service_accounts = {"apiVersion": "v1", "kind": "ServiceAccountList", "items": [item]}
        pods = {"apiVersion": "v1", "kind": "PodList", "items": [item]}

        (account,) = search([write("a.json", service_accounts), write("b.json", pods)]).service_accounts

        assert (account.namespace, account.name, account.role_name) == ("pay", "api", "payments")

    def test_lists_in_a_list_are_read(self, write: Write) -> None:
        inner = {"apiVersion": "v1", "kind": "List", "items": [{"kind": "ServiceAccount", "metadata": {"name": "api"}}]}

        found = search([write("a.json", {"apiVersion": "v1", "kind": "List", "items": [inner, 1, None]})])

        assert (found.service_accounts, found.problems) == ([], [])

    def test_a_service_account_of_another_group_is_none(self, write: Write) -> None:
        text = self.ANNOTATED.replace("apiVersion: v1", "apiVersion: example.com/v1")

        assert search([write("a.yaml", text)]).service_accounts == []

    def test_a_missing_namespace_stays_open(self, write: Write) -> None:
        found = search([write("app.yaml", self.ANNOTATED.replace("  namespace: pay\n", ""))])

        assert [account.namespace for account in found.service_accounts] == [""]

    @pytest.mark.parametrize("value", ["", "null", "''", '" "'])
    def test_an_empty_annotation_means_no_role(self, write: Write, value: str) -> None:
        found = search([write("app.yaml", self.ANNOTATED.replace("role-name: payments", f"role-name: {value}"))])

        assert (found.service_accounts, found.problems) == ([], [])
        assert reported(found) == [
            "app.yaml:7: note: the annotation is empty, so the service account `api` has no role"
        ]

    def test_what_helm_prints_is_read(self, write: Write) -> None:
        other = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n  t: |\n    {{ .Values.x }}\n"
        text = f"---\n# Source: shop/templates/a.yaml\n\n---\n---\n# Source: b.yaml\n{self.ANNOTATED}---\n{other}...\n"

        found = search([write("all.yaml", text)])

        assert [account.name for account in found.service_accounts] == ["api"]
        assert (found.problems, found.remarks) == ([], [])

    def test_an_unknown_annotation_is_reported(self, write: Write) -> None:
        found = search([write("app.yaml", self.ANNOTATED.replace("/role-name", "/role-arn"))])

        assert found.service_accounts == []
        assert "warning: `pod-identity.alibabacloud.com/role-arn`" in reported(found)[0]

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("name: api\n", "labels: {}\n", "a ServiceAccount must have `metadata.name`"),
            ("role-name: payments", "role-name: 7", "`7` is not text, so Kubernetes refuses the annotation"),
            ("role-name: payments", "role-name: true", "`true` is not text, so Kubernetes refuses the annotation"),
            ("name: api", 'name: "{{ .Values.name }}"', "`{{ .Values.name }}` is a placeholder of a chart"),
            ("role-name: payments", "role-name: 'x-{{ .Values.env }}'", "is a placeholder of a chart"),
            ("role-name: payments", "role-name: [a]", "must be the name of a role"),
        ],
    )
    def test_an_incomplete_service_account_is_an_error(self, write: Write, old: str, new: str, message: str) -> None:
        assert message in wrong(search([write("app.yaml", self.ANNOTATED.replace(old, new))]))[0]


class TestPartsOfAPlan:
    @pytest.mark.parametrize(
        ("arn", "account"),
        [
            ("acs:ram::42:role/ci", "42"),
            (f"acs:ram::{'1' * 20}:role/ci", "1" * 20),
            (f"acs:ram::{'1' * 21}:role/ci", ""),
            ("acs:ram::42:user/ci", ""),
            ("acs:ram::42:role/", ""),
            ("xacs:ram::42:role/ci", ""),
            (42, ""),
            (None, ""),
        ],
    )
    def test_the_account_is_that_of_the_arn(self, write: Write, arn: object, account: str) -> None:
        values = {"name": "ci", "document": TEXT, "arn": arn}

        assert [r.account_id for r in search([write("plan.json", plan(resource(values)))]).roles] == [account]

    @pytest.mark.parametrize(
        ("seconds", "read"),
        [
            (7200, 7200),
            (999_999, 999_999),
            (1_000_000, 1_000_000),
            (-1, -1),
            (1.5, 0),
            (None, 0),
            ([], 0),
            ("3600", 3600),
        ],
    )
    def test_a_session_length_is_read_also_if_it_is_not_allowed(self, write: Write, seconds: object, read: int) -> None:
        values = {"name": "ci", "document": TEXT, "max_session_duration": seconds}

        roles = search([write("plan.json", plan(resource(values)))]).roles

        assert [role.max_session_duration_seconds for role in roles] == [read]

    @pytest.mark.parametrize(
        ("tags", "read"), [({"a": "b", "n": 1, "x": None, "y": []}, {"a": "b", "n": "1"}), (["a"], {}), (None, {})]
    )
    def test_tags_that_are_no_texts_are_left_out(self, write: Write, tags: object, read: dict[str, str]) -> None:
        values = {"name": "ci", "document": TEXT, "tags": tags}

        assert [dict(r.tags) for r in search([write("plan.json", plan(resource(values)))]).roles] == [read]

    @pytest.mark.parametrize("version", ["0.1", "1.0", "1.99", "0"])
    def test_plans_of_two_major_versions_are_read(self, write: Write, version: str) -> None:
        document = {**plan(resource({"name": "ci", "document": TEXT})), "format_version": version}

        assert [role.name for role in search([write("plan.json", document)]).roles] == ["ci"]

    @pytest.mark.parametrize(
        ("version", "message"),
        [("10.0", "is `10.0`"), ("", "is ``"), (None, "is not text"), ([], "is not text"), ("1.", "")],
    )
    def test_another_version_is_refused_at_its_place(self, write: Write, version: object, message: str) -> None:
        document = {"format_version": version, "planned_values": {}}

        found = search([write("plan.json", document)])

        assert wrong(found) == (
            [f"plan.json:2: the plan's `format_version` {message}; 0.x and 1.x are supported"] if message else []
        )

    def test_a_resource_without_an_address_has_that_of_its_type_and_name(self, write: Write) -> None:
        nameless = resource({"name": "ci", "document": TEXT})
        del nameless["address"]

        assert [r.label for r in search([write("plan.json", plan(nameless))]).roles] == ["`alicloud_ram_role.ci`"]

    @pytest.mark.parametrize("part", ["ram_users", "services", "version"])
    def test_any_part_of_which_the_provider_composes_a_policy_makes_it_unknown(self, write: Write, part: str) -> None:
        before = {"name": "ci", "document": TEXT, part: "old"}
        after = {**before, part: "new"}

        changed = search([write("a.json", plan(resource(after), **change(before, after, {}, "update")))])
        unknown = search([write("b.json", plan(resource(before), **change(before, before, {part: True}, "update")))])
        same = search([write("c.json", plan(resource(before), **change(before, before, {}, "no-op")))])

        assert [len(found.roles) for found in (changed, unknown, same)] == [0, 0, 1]
        assert [found.unknown_roles[0].name for found in (changed, unknown)] == ["ci", "ci"]

    @pytest.mark.parametrize("empty", [None, "", []])
    def test_an_empty_value_equals_a_missing_one(self, write: Write, empty: object) -> None:
        before, after = {"name": "ci", "document": TEXT, "services": empty}, {"name": "ci", "document": TEXT}
        document = plan(resource(after), **change(before, after, {}, "update"))

        assert [role.name for role in search([write("plan.json", document)]).roles] == ["ci"]

    def test_a_replaced_object_that_terraform_still_deletes_is_no_change(self, write: Write) -> None:
        before = {"name": "ci", "document": TEXT, "services": "old"}
        after = {**before, "services": "new"}
        changes = change(before, after, {}, "update")
        changes["resource_changes"][0]["deposed"] = "abc"

        assert [r.name for r in search([write("plan.json", plan(resource(after), **changes))]).roles] == ["ci"]

    def test_a_detail_that_the_configuration_does_not_set_is_not_reported(self, write: Write) -> None:
        after = {"role_name": "ci", "document": TEXT}
        changes = change(None, after, {"tags": {"team": True}, "max_session_duration": False}, "create")
        document = plan(resource(after), **changes, **configuration("document", "max_session_duration"))

        assert search([write("plan.json", document)]).remarks == []

    @pytest.mark.parametrize("odd", [[], "x", None, 1, [1, "x", None]])
    def test_what_is_not_of_the_form_of_a_plan_is_no_role(self, write: Write, odd: object) -> None:
        documents = [
            {"format_version": "1.0", "planned_values": {"root_module": {"resources": odd, "child_modules": odd}}},
            {"format_version": "1.0", "planned_values": {"root_module": odd}},
            {"format_version": "1.0", "values": odd, "resource_changes": odd, "configuration": odd},
        ]

        found = [search([write(f"{number}.json", document)]) for number, document in enumerate(documents)]

        assert [(each.roles, each.problems) for each in found] == [([], [])] * 3

    def test_the_location_of_a_resource_is_that_of_its_address(self, write: Write) -> None:
        path = write("plan.json", plan(resource({"name": "ci", "document": TEXT})))
        line = path.read_text(encoding="utf-8").splitlines()[12]

        (role,) = search([path]).roles

        assert (role.location.line, role.location.column, role.exact) == (7, 6, False)
        assert role.location_of("")[1:] == (13, line.index("{") + 1)
        assert role.statement_location(0)[1:] == (13, line.index("[{") + 2)


def kind_name(kind: FileKind | None) -> str:
    return kind.name if kind else ""


class TestKinds:
    @pytest.mark.parametrize(
        ("value", "name"),
        [
            ({"cases": []}, "a file of test cases"), ({"apiVersion": "rolecall/v9"}, "a file of roles"), ({"apiVersion": "rolecall"}, ""),
            ({"apiVersion": ["rolecall/v1"]}, ""), ({"roles": 1, "cases": 1}, "a file of test cases"), ({"apiVersion": "v1", "kind": "x"}, "a Kubernetes manifest"),
            ({"kind": "x"}, ""), ({"apiVersion": "v1"}, ""), ({"Version": "1"}, "a policy"), ({"Statement": []}, "a policy"),
            ({}, ""),
        ],
    )  # fmt: skip
    def test_json_is_recognised_by_its_names(self, value: dict[str, object], name: str) -> None:
        assert kind_name(kind_of(outline_of_json(value))) == name

    @pytest.mark.parametrize(
        ("text", "name"),
        [
            ("cases: []", "a file of test cases"), ("roles: []", "a file of roles"), ("apiVersion: rolecall/v1", "a file of roles"), ("apiVersion: [rolecall/v1]", ""),
            ("{apiVersion: v1, kind: x}", "a Kubernetes manifest"), ("Version: '1'", ""), ("Statement: []", "a policy in YAML"), ("{format_version: '1', values: {}}", "a terraform plan in YAML"),
        ],
    )  # fmt: skip
    def test_yaml_is_recognised_by_its_names_and_is_never_a_policy(self, text: str, name: str) -> None:
        (document,) = read_documents(f"---\n{text}\n", "a.yaml")

        assert isinstance(document, Table)
        assert kind_name(kind_of(outline_of_node(document))) == name

    @pytest.mark.parametrize("text", ["{", "[" * 100_000, "{}", '{"Version": "1",}', '{"Effect": 1}'])
    def test_json_that_is_broken_or_reminds_of_a_policy_is_checked_as_a_trust_policy_if_it_is_named(
        self, write: Write, text: str
    ) -> None:
        assert [role.document for role in search([write("a.json", text)]).roles] == [text]

    @pytest.mark.parametrize("text", ["", "null", "---\n---\n", "\n \n", "\t\n", " \t"])
    def test_a_file_without_a_document_is_empty(self, write: Write, text: str) -> None:
        assert wrong(search([write("a.yaml", text)])) == ["a.yaml:0: the file is empty"]

    @pytest.mark.parametrize("name", ["a.json", "a.yaml", "a.txt", "a"])
    def test_the_content_decides_and_not_the_name(self, write: Write, name: str) -> None:
        roles = json.dumps({"apiVersion": "rolecall/v1", "roles": [{"name": "b", "trust_policy": POLICY}]})

        assert [role.document for role in search([write(name, TEXT)]).roles] == [TEXT]
        assert [role.name for role in search([write(name, roles)]).roles] == ["b"]

    @pytest.mark.parametrize("name", ["b.yaml", "b.txt", "b"])
    def test_yaml_is_read_under_any_name_but_that_of_json(self, write: Write, name: str) -> None:
        assert [role.name for role in search([write(name, ROLES)]).roles] == ["a"]

    def test_a_hyphen_is_standard_input_on_a_command_line_only(
        self, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ROLES.encode())))
        write("-", TEXT)

        assert [role.name for role in search([Path("-")]).roles] == ["-"]
        assert [role.name for role in search([Path("-")], stdin=True).roles] == ["a"]

    def test_a_pipe_of_the_shell_is_refused_with_what_to_do(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")

        (problem,) = search([tmp_path / "pipe"]).problems

        assert problem.hint == "give `-`, and pipe into standard input"
