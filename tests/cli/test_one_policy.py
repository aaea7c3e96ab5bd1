"""The one policy that `check`, `explain`, `who-can` and `role create` ask about, in a file of any kind."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine
from tests.cli.terraform_plans import plan, resource

ANN = "acs:ram::123456789012:user/ann"


def policy(who: str = ANN) -> dict[str, object]:
    return {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": who}}]}


def role(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "trust_policy": policy(f"{ANN}-{name}"), **more}


def role_file(*roles: dict[str, object]) -> str:
    return json.dumps({"apiVersion": "rolecall/v1", "roles": list(roles)})


Write = Callable[[str], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str) -> str:
        path = tmp_path / "file"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


class TestChoosing:
    def test_a_single_role_needs_no_name(self, rolecall: CommandLine, write: Write) -> None:
        outcome = rolecall("check", "--as", f"{ANN}-a", "--policy", write(role_file(role("a"))))

        assert (outcome.code, outcome.err) == (0, "")
        assert "a" in outcome.out

    @pytest.mark.parametrize("name", ["b", "B", "123456789012/b", "acs:ram::123456789012:role/b"])
    def test_of_several_roles_the_named_one_decides(self, rolecall: CommandLine, write: Write, name: str) -> None:
        path = write(role_file(role("a"), role("b"), role("c")))

        codes = [rolecall("check", "--as", f"{ANN}-{who}", "--policy", path, "--role", name).code for who in "abc"]

        assert codes == [1, 0, 1]

    def test_a_role_whose_name_is_known_later_needs_none(self, rolecall: CommandLine, write: Write) -> None:
        path = write(json.dumps(plan(resource({"assume_role_policy_document": json.dumps(policy())}))))

        unnamed = rolecall("check", "--as", ANN, "--policy", path)
        named = rolecall("check", "--as", ANN, "--policy", path, "--role", "deploy")

        assert (unnamed.code, named.code) == (0, 2)
        assert "name is not known before the plan is applied" in named.err

    def test_of_several_roles_one_must_be_named(self, rolecall: CommandLine, write: Write) -> None:
        path = write(role_file(*(role(f"r{number}") for number in range(7))))

        outcome = rolecall("check", "--as", ANN, "--policy", path)

        assert outcome.code == 2
        assert "has 7 roles, and one is needed" in outcome.err
        assert "`r0`, `r1`, `r2`, `r3`, `r4` and 2 more" in outcome.err

    def test_a_role_that_the_file_does_not_have_is_no_other_one(self, rolecall: CommandLine, write: Write) -> None:
        outcome = rolecall("check", "--as", ANN, "--policy", write(role_file(role("a"))), "--role", "b")

        assert (outcome.code, "has no role `b`" in outcome.err, "it has `a`" in outcome.err) == (2, True, True)

    def test_of_roles_of_one_name_the_account_chooses(self, rolecall: CommandLine, write: Write) -> None:
        roles = [{**role("a"), "account_id": "1"}, {**role("a"), "account_id": "2", "trust_policy": policy()}]
        path = write(role_file(*roles))

        open_, first, second = (
            rolecall("check", "--as", ANN, "--policy", path, "--role", name) for name in ("a", "1/a", "2/a")
        )

        assert (open_.code, "name the account too: `1/a`, `2/a`" in open_.err) == (2, True)
        assert (first.code, second.code) == (1, 0)

    def test_a_plain_policy_may_have_any_name(self, rolecall: CommandLine, write: Write) -> None:
        outcome = rolecall("check", "--as", ANN, "--policy", write(json.dumps(policy())), "--role", "x")

        assert (outcome.code, outcome.err) == (0, "")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("apiVersion: rolecall/v1\ncases:\n  - {name: a, as: x, role: y, expect: DENY}\n", "test cases have no trust policy"),
            ("apiVersion: v1\nkind: Secret\n", "there is no trust policy in"),
            (
                "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  annotations: {pod-identity.alibabacloud.com/role-name: r}\n",
                "service accounts have no trust policy",
            ),
            ("", "the file is empty"),
        ],
    )  # fmt: skip
    def test_a_file_without_a_policy_is_named(
        self, rolecall: CommandLine, write: Write, text: str, message: str
    ) -> None:
        outcome = rolecall("check", "--as", ANN, "--policy", write(text))

        assert (outcome.code, message in outcome.err) == (2, True)

    def test_problems_of_the_file_stop_the_command(self, rolecall: CommandLine, write: Write) -> None:
        text = role_file(role("a")).replace('"apiVersion"', '"x": 1, "apiVersion"')

        outcome = rolecall("check", "--as", f"{ANN}-a", "--policy", write(text))

        assert (outcome.code, "unknown key `x`" in outcome.err) == (2, True)


class TestFacts:
    def test_the_tags_of_a_role_decide(self, rolecall: CommandLine, write: Write) -> None:
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ANN}}
        condition = {"Condition": {"StringEquals": {"acs:ResourceTag/team": "red"}}}
        trust = {"Version": "1", "Statement": [{**statement, **condition}]}
        path = write(role_file({"name": "a", "trust_policy": trust, "tags": {"team": "red"}}))
        arguments = ["check", "--as", ANN, "--policy", path]

        assert (rolecall(*arguments).code, rolecall(*arguments, "--role-tag", "team=blue").code) == (0, 1)

    def test_the_session_duration_of_a_role_decides(self, rolecall: CommandLine, write: Write) -> None:
        path = write(role_file({"name": "a", "trust_policy": policy(), "max_session_duration_seconds": 3600}))
        arguments = ["check", "--as", ANN, "--policy", path, "--duration"]

        assert (rolecall(*arguments, "3600").code, rolecall(*arguments, "3601").code) == (0, 2)

    def test_the_account_of_a_role_is_its_own(self, rolecall: CommandLine, write: Write) -> None:
        path = write(role_file({"name": "a", "account_id": "42", "trust_policy": policy("acs:ram::42:root")}))

        outcome = rolecall("check", "--as", "acs:ram::42:user/x", "--policy", path)

        assert (outcome.code, "42/a" in outcome.out) == (0, True)

    def test_the_provider_of_a_service_account_is_in_the_account_of_the_role(
        self, rolecall: CommandLine, write: Write
    ) -> None:
        principal = {"Federated": "acs:ram::42:oidc-provider/ack"}
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
        trust = {"Version": "1", "Statement": [statement]}
        path = write(role_file({"name": "a", "account_id": "42", "trust_policy": trust}))

        assert rolecall("check", "--as", "k8s:ack/shop/api", "--policy", path).code == 0

    def test_a_violation_is_at_its_line_in_the_file(self, rolecall: CommandLine, write: Write) -> None:
        path = write(
            "apiVersion: rolecall/v1\nname: a\ntrust_policy:\n  Version: '1'\n  Statement:\n    - Effect: allow\n"
        )

        outcomes = [rolecall(*command, "--policy", path) for command in (("check", "--as", ANN), ("who-can",))]

        assert [(outcome.code, f"{path}:6:7: error: " in outcome.err) for outcome in outcomes] == [(2, True)] * 2


class TestCreateAndUpdate:
    def test_the_trust_policy_of_a_role_in_a_file_is_sent(
        self, online: CommandLine, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = write(role_file(role("template", tags={"team": "red"})))

        created = online("role", "create", "from-file", "--policy", path)
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(role_file(role("from-file"), role("b")).encode())))
        updated = online("role", "update", "from-file", "--policy", "-")

        assert (created.code, updated.code) == (0, 0)
        assert "only the trust policy of role `template` is used" in created.err
        assert f"{ANN}-from-file" in online("role", "get", "from-file").out

    def test_who_can_shows_the_role_that_is_named(self, rolecall: CommandLine, write: Write) -> None:
        path = write(role_file(role("a"), role("b")))

        outcome = rolecall("who-can", "b", "--policy", path)

        assert (outcome.code, f"{ANN}-b" in outcome.out, f"{ANN}-a" in outcome.out) == (0, True, False)
