"""`rolecall test`: which roles cases ask about, and manifests that ask for themselves."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from tests.cli.case_files import ANN, EARLY, ROLES, Write, case, cases, write
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

__all__ = ["write"]


class TestRoles:
    def test_a_case_file_names_its_roles_by_path_and_inline(self, rolecall: CommandLine, write: Write) -> None:
        inline = "roles:\n  - ../roles.yaml\n  - name: other\n    trust_policy_file: policy.json\n"
        write("t/policy.json", (REPOSITORY / "examples/policies/mfa-only.json").read_text())
        write(
            "t/cases.yaml",
            cases(case("ALLOW"), case("DENY", role="other", name="b"), head=f'time: "{EARLY}"\n{inline}'),
        )

        assert rolecall("test", "t").code == 0

    def test_a_case_file_alone_asks_about_the_roles_beside_it(self, rolecall: CommandLine, write: Write) -> None:
        write("cases.yaml", cases(case("ALLOW")))
        write("unrelated.yaml", cases(case("DENY")))

        outcome = rolecall("test", "cases.yaml")

        assert (outcome.code, outcome.out.splitlines()[-1]) == (0, "✓ 1 case passed")

    @pytest.mark.parametrize(
        ("content", "code"),
        [
            ('{"format_version": "1.2", "planned_values": {}}', 1),
            ('{"format_version": "1.2", "planned_values": {', 2),
            ('{"RequestId": "1", "IsTruncated": false, "Roles": {"Role": []}}', 1),
        ],
    )
    def test_a_named_file_without_roles_is_not_replaced_by_the_roles_beside_the_cases(
        self, rolecall: CommandLine, write: Write, content: str, code: int
    ) -> None:
        write("cases.yaml", cases(case("ALLOW")))
        write("other/plan.json", content)

        outcome = rolecall("test", "cases.yaml", "other/plan.json")

        assert (outcome.code, "there is no role" in outcome.out) == (code, code == 1)

    def test_a_permission_policy_beside_the_roles_is_skipped_with_a_note(
        self, rolecall: CommandLine, write: Write
    ) -> None:
        write("reads.json", '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}')
        write("cases.yaml", cases(case("ALLOW")))

        outcome = rolecall("test", ".")

        assert outcome.code == 0
        assert "reads.json: note: skipped: a permission policy has no role to test" in outcome.err

    def test_naming_a_case_file_as_roles_is_an_error(self, rolecall: CommandLine, write: Write) -> None:
        write("other.yaml", cases(case("ALLOW")))
        write("cases.yaml", cases(case("ALLOW"), head="roles: [other.yaml]\n"))

        outcome = rolecall("test", "cases.yaml")

        assert (outcome.code, "`roles` names a case file, other.yaml" in outcome.err) == (2, True)

    @pytest.mark.parametrize(("duration", "code"), [(3_600, 0), (7_200, 0), (7_201, 2)])
    def test_a_session_lasts_at_most_as_long_as_the_role_says(
        self, rolecall: CommandLine, write: Write, duration: int, code: int
    ) -> None:
        write("roles.yaml", ROLES.replace("deploy\n", "deploy\n    max_session_duration_seconds: 7200\n"))
        write("cases.yaml", cases(case("ALLOW", more=f", duration: {duration}")))

        outcome = rolecall("test", ".")

        assert outcome.code == code
        assert ("must be 900 to 7200 seconds for this role" in outcome.err) == (code == 2)

    @pytest.mark.parametrize(("team", "code"), [("blue", 0), ("red", 1)])
    def test_the_tags_of_a_role_are_condition_keys(
        self, rolecall: CommandLine, write: Write, team: str, code: int
    ) -> None:
        condition = 'Condition: {StringEquals: {"acs:ResourceTag/team": blue}}'
        policy = f'{{Version: "1", Statement: [{{Effect: Allow, Action: sts:AssumeRole, Principal: {{RAM: "{ANN}"}}, {condition}}}]}}'
        write("roles.yaml", f"apiVersion: rolecall/v1\nname: deploy\ntags: {{team: {team}}}\ntrust_policy: {policy}\n")
        write("cases.yaml", cases(case("ALLOW")))

        assert rolecall("test", ".").code == code

    @pytest.mark.parametrize(
        ("more", "reported"),
        [
            ("max_session_duration_seconds: 60", "max_session_duration_seconds must be 3600 to 43200 seconds"),
            ("tags: {acs:team: x}", "[TAG_KEY_RESERVED]"),
            ("account_id: nobody", "help: if it is an alias, define it: --account-alias NAME=ID"),
        ],
    )
    def test_a_field_that_no_server_would_store_is_an_error_at_the_role(
        self, rolecall: CommandLine, write: Write, more: str, reported: str
    ) -> None:
        write("roles.yaml", ROLES.replace("deploy\n", f"deploy\n    {more}\n"))
        write("cases.yaml", cases(case("ALLOW")))

        outcome = rolecall("test", ".")

        assert (outcome.code, outcome.out) == (2, "")
        assert outcome.err.startswith("roles.yaml:4:5: error: ")
        assert reported in outcome.err

    def test_accounts_have_the_names_that_the_server_gives_them(self, rolecall: CommandLine, write: Write) -> None:
        write("roles.yaml", ROLES.replace("- name: deploy", "- name: deploy\n    account_id: prod"))
        write("cases.yaml", cases(case("ALLOW", role="prod/deploy")))

        assert rolecall("test", ".", "--account-alias", "prod=42").code == 0

    def test_a_plan_is_tested_and_its_unknown_values_are_reported(self, rolecall: CommandLine, write: Write) -> None:
        policy = (REPOSITORY / "examples/policies/mfa-only.json").read_text()
        known = {"role_name": "deploy", "assume_role_policy_document": policy}
        facts = {"mode": "managed", "type": "alicloud_ram_role"}
        resources = [
            {**facts, "address": "alicloud_ram_role.a", "values": known},
            {**facts, "address": "alicloud_ram_role.b", "values": {"role_name": "later"}},
        ]
        plan = {"format_version": "1.2", "planned_values": {"root_module": {"resources": resources}}}
        write("plan.json", json.dumps(plan))
        write("cases.yaml", cases(case("DENY"), case("DENY", role="later", name="b")))

        outcome = rolecall("test", "plan.json", "cases.yaml")

        message = "`alicloud_ram_role.b`: the trust policy is not known before the plan is applied"
        assert outcome.code == 1
        assert f"warning: {message} [UNKNOWN_UNTIL_APPLY]" in outcome.err
        assert f"help: {message}\n" in outcome.out
        assert outcome.out.splitlines()[0] == "cases.yaml: 1 passed, 1 failed"

    def test_a_broken_policy_in_a_plan_names_the_resource_and_the_element(
        self, rolecall: CommandLine, write: Write
    ) -> None:
        values = {"role_name": "deploy", "document": '{"Version": "1", "Statement": [{"Effect": "Allow"}]}'}
        resource = {"address": "alicloud_ram_role.a", "type": "alicloud_ram_role", "values": values}
        write(
            "plan.json",
            json.dumps({"format_version": "1.2", "planned_values": {"root_module": {"resources": [resource]}}}),
        )
        write("cases.yaml", cases(case("DENY")))

        outcome = rolecall("test", "plan.json", "cases.yaml")

        assert outcome.code == 2
        assert "error: `alicloud_ram_role.a`: /Statement/0: " in outcome.err


class TestManifests:
    MANIFEST = (
        "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: api\n  namespace: payments\n  annotations:\n"
        "    pod-identity.alibabacloud.com/role-name: payments-api\n"
    )
    ROLES = str(REPOSITORY / "examples/roles/kubernetes.yaml")
    PROVIDER = "--oidc-provider=ack-rrsa-c8f2a1"

    def test_an_annotated_service_account_is_a_case(self, rolecall: CommandLine, write: Write) -> None:
        write("app.yaml", self.MANIFEST)

        outcome = rolecall("test", "app.yaml", self.ROLES, self.PROVIDER, "-v")

        assert outcome.code == 0
        assert "✓ service account payments/api may assume payments-api\n" in outcome.out

    @pytest.mark.parametrize(
        ("old", "new", "reported"),
        [
            ("name: api", "name: worker", "actual   system:serviceaccount:payments:worker"),
            ("  namespace: payments\n", "", "actual   system:serviceaccount:default:api"),
            ("payments-api", "paymets-api", "there is no role `paymets-api`"),
        ],
    )
    def test_a_service_account_that_may_not_assume_its_role_fails(
        self, rolecall: CommandLine, write: Write, old: str, new: str, reported: str
    ) -> None:
        write("app.yaml", self.MANIFEST.replace(old, new))

        outcome = rolecall("test", "app.yaml", self.ROLES, self.PROVIDER)

        assert (outcome.code, reported in outcome.out) == (1, True)

    def test_the_namespace_of_a_rendered_chart_can_be_given(
        self, rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rendered = self.MANIFEST.replace("  namespace: payments\n", "").encode()
        arguments = ["test", "-", self.ROLES, self.PROVIDER]

        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(rendered)))
        without = rolecall(*arguments)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(rendered)))
        given = rolecall(*arguments, "--namespace=payments")

        assert without.code == 1
        assert "-:6:5: warning: the service account `api` has no namespace; `default` is assumed" in without.err
        assert "--namespace NAME" in without.err
        assert (given.code, given.err) == (0, "")

    @pytest.mark.parametrize("name", ["a" * 64, "A", "-a", "a_b", "a/b", " "])
    def test_what_cannot_be_a_namespace_is_refused(self, rolecall: CommandLine, name: str) -> None:
        outcome = rolecall("test", self.ROLES, f"--namespace={name}")

        assert (outcome.code, f"`{name}` is not the name of a namespace" in outcome.err) == (2, True)
        hint = "a namespace is 1 to 63 of `a-z 0-9 -`, and begins and ends with a letter or digit"
        assert outcome.err.endswith(f"\n  help: {hint}\n")

    def test_audience_and_issuer_are_what_the_options_say(self, rolecall: CommandLine, write: Write) -> None:
        text = (
            Path(self.ROLES)
            .read_text()
            .replace("oidc:aud: sts.aliyuncs.com", "oidc:aud: me\n              oidc:iss: https://i")
        )
        write("roles.yaml", text)
        write("app.yaml", self.MANIFEST)
        arguments = ["test", "app.yaml", "roles.yaml", self.PROVIDER, "--oidc-audience=me"]

        without, with_issuer = rolecall(*arguments), rolecall(*arguments, "--oidc-issuer=https://i")

        assert (without.code, "give it with --oidc-issuer" in without.out) == (1, True)
        assert with_issuer.code == 0

    def test_a_manifest_needs_a_provider(self, rolecall: CommandLine, write: Write) -> None:
        write("app.yaml", self.MANIFEST)

        outcome = rolecall("test", "app.yaml", self.ROLES)

        assert (outcome.code, "app.yaml:7:5: error: " in outcome.err) == (2, True)
        assert "--oidc-provider ack-rrsa-CLUSTER" in outcome.err

    def test_an_annotation_that_is_not_a_name_is_an_error(self, rolecall: CommandLine, write: Write) -> None:
        write("app.yaml", self.MANIFEST.replace("payments-api", "acs:ram::1:role/x"))

        outcome = rolecall("test", "app.yaml", self.ROLES, self.PROVIDER)

        assert (outcome.code, "so no pod will get a token for it" in outcome.err) == (2, True)
