"""`rolecall test`: what is wrong with files, and where."""

from __future__ import annotations

import pytest

from tests.cli.case_files import ROLES, Write, case, cases, write
from tests.cli.conftest import CommandLine

__all__ = ["write"]


class TestErrors:
    @pytest.mark.parametrize(
        ("text", "reported"),
        [
            ("apiVersion: rolecall/v1\ncases: []\n", "2:8: error: the file has no cases [NO_CASES]"),
            ("apiVersion: rolecall/v1\ncases: x\n", "2:8: error: `cases` must be a list"),
            ("cases:\n" + case("ALLOW"), "1:1: error: `apiVersion` is missing"),
            ("apiVersion: v2\ncases:\n" + case("ALLOW"), "1:13: error: `apiVersion` must be one of rolecall/v1"),
            (cases(case("ALLOW"), head="tmie: x\n"), "2:1: error: unknown key `tmie` [UNKNOWN_FIELD]"),
            (cases(case("ALLOW"), head="time: 2026-01-01\n"), "2:7: error: `time` must be a time with its zone"),
            (cases(case("ALLOW"), head="time: 2026-01-01T00:00:00\n"), "2:7: error: `time` must be a time with its zone"),
            (cases(case("ALLOW"), head='time: "2026-02-30T00:00:00Z"\n'), "2:7: error: `time` must be a time with its zone"),
            (cases(case("ALLOW"), head='time: "2026-01-01T00:00:00+99:00"\n'), "2:7: error: `time` must be a time with its zone"),
            (cases(case("ALLOW"), head="roles: x\n"), "2:8: error: `roles` must be a list of paths and roles"),
            (cases(case("ALLOW"), head="roles: ['']\n"), "2:9: error: a path must not be empty"),
            (cases(case("ALLOW"), head="roles: [nope.yaml]\n"), "cannot read `nope.yaml`"),
            (cases(case("ALLOW"), head="roles: [{name: x}]\n"), "2:9: error: the trust policy is missing"),
            (cases("  - x\n"), "4:5: error: a case must be a mapping"),
            (cases("  - {name: a, role: r, expect: DENY}\n"), "4:5: error: `as` is missing"),
            (cases("  - {name: a, as: [], role: r, expect: DENY}\n"), "error: `as` is an empty list"),
            (cases('  - {name: a, as: "", role: r, expect: DENY}\n'), "error: `as` must not be empty"),
            (cases("  - {as: x, role: r, expect: DENY}\n"), "4:5: error: `name` is missing"),
            (cases("  - {name: a, as: x, expect: DENY}\n"), "4:5: error: `role` is missing"),
            (cases("  - {name: a, as: x, role: r}\n"), "error: `expect` must be ALLOW, DENY or a mapping"),
            (cases(case("allow")), "error: `expect` must be one of ALLOW, DENY, not `allow`"),
            (cases(case("{reason: ALLOW}")), "error: `outcome` is missing"),
            (cases(case("{outcome: ALLOW, reason: NO}")), "error: `reason` must be one of ALLOW, EXPLICIT_DENY"),
            (cases(case("{outcome: ALLOW, reason: IMPLICIT_DENY}")), "outcome ALLOW cannot have the reason IMPLICIT_DENY"),
            (cases(case("{outcome: DENY, reason: IMPLICIT_DENY, statement: x}")), "the reason IMPLICIT_DENY has no determining statement"),
            (cases(case("DENY", more=", duration: 1h")), "error: `duration` must be a whole number of seconds, not `1h`"),
            (cases(case("DENY", more=", context: [x]")), "error: `context` must be a mapping"),
            (cases(case("DENY", more=", context: {k: {}}")), "error: `k` must be text, or a list of texts"),
            (cases(case("DENY", more=", external_id: [x]")), "error: `external_id` must be text"),
            (cases(case("DENY", more=", clams: {}")), "unknown key `clams` [UNKNOWN_FIELD]\n  help: did you mean `claims`?"),
            (cases(case("DENY"), case("DENY")), "5:6: error: the case `a case` is given twice"),
            (cases(case("DENY", who="nobody")), "4:24: error: case `a case`: `as`: "),
            (cases(case("DENY", role="a/b/c")), "error: case `a case`: `role`: "),
            (cases(case("DENY", more=", claims: {oidc:sub: x}")), "error: case `a case`: claims come with an identity provider"),
            (cases(case("DENY", more=", context: {oidc:sub: x}")), "4:96: error: case `a case`: `context`: `oidc:sub` is a claim of a federated identity; send it in `claims`"),
            (cases(case("DENY", more=", external_id: x")), "error: case `a case`: `external_id`: must be 2 to 1,224"),
            (cases(case("DENY", more=", duration: 9999")), "error: case `a case`: `duration`: must be 900 to 3600 seconds for this role, not 9999"),
            (cases(case("DENY", who="k8s:p/ns")), "is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`"),
        ],
    )  # fmt: skip
    def test_a_problem_of_a_case_file_is_reported_at_its_location(
        self, rolecall: CommandLine, write: Write, text: str, reported: str
    ) -> None:
        write("cases.yaml", text)

        outcome = rolecall("test", "cases.yaml", "roles.yaml")

        assert (outcome.code, outcome.out) == (2, "")
        assert reported in outcome.err
        assert "Traceback" not in outcome.err

    def test_all_problems_are_reported_at_once(self, rolecall: CommandLine, write: Write) -> None:
        write("a.yaml", cases(case("maybe")))
        write("b.yaml", "apiVersion: rolecall/v1\ncases: []\n")
        write("c.json", "{")
        write("d.yaml", cases(case("DENY", who="nobody")))

        outcome = rolecall("test", ".")

        assert outcome.code == 2
        assert [name for name in ("a.yaml:4:", "b.yaml:2:", "c.json:1:", "d.yaml:4:") if name not in outcome.err] == []

    @pytest.mark.parametrize(
        ("role", "reported"),
        [
            ("name: a_b\ntrust_policy_json: '{}'\n", "role `a_b`: role_name "),
            ("name: a\naccount_id: prod\ntrust_policy_json: '{}'\n", "account_id `prod` is not an account id"),
            ("name: a\nmax_session_duration_seconds: 1\ntrust_policy_json: '{}'\n", "max_session_duration_seconds"),
            ("name: a\ntags: {acs:x: y}\ntrust_policy_json: '{}'\n", "role `a`: tags "),
            ('name: a\ntrust_policy: {Version: "1"}\n', "[MISSING_FIELD]"),
        ],
    )
    def test_a_role_that_a_server_refuses_is_reported(
        self, rolecall: CommandLine, write: Write, role: str, reported: str
    ) -> None:
        write("roles.yaml", f"apiVersion: rolecall/v1\n{role}")
        write("cases.yaml", cases(case("DENY")))

        outcome = rolecall("test", ".")

        assert (outcome.code, reported in outcome.err, "roles.yaml:" in outcome.err) == (2, True, True)

    def test_two_roles_of_one_name_are_reported(self, rolecall: CommandLine, write: Write) -> None:
        write("more.yaml", ROLES.replace("deploy", "Deploy"))
        write("cases.yaml", cases(case("ALLOW")))

        outcome = rolecall("test", ".")

        assert outcome.code == 2
        assert "roles.yaml:3:5: error: the role `acs:ram::123456789012:role/deploy` is declared twice" in outcome.err

    def test_files_without_any_case_are_an_error(self, rolecall: CommandLine, write: Write) -> None:
        outcome = rolecall("test", "roles.yaml")

        assert (outcome.code, "there are no test cases in `roles.yaml`" in outcome.err) == (2, True)

    def test_all_files_without_any_case_are_named(self, rolecall: CommandLine, write: Write) -> None:
        write("more.yaml", ROLES.replace("deploy", "other"))

        outcome = rolecall("test", "roles.yaml", "more.yaml")

        assert (outcome.code, outcome.out, outcome.err.splitlines()) == (
            2,
            "",
            [
                "roles.yaml: error: there are no test cases in `roles.yaml`, `more.yaml`",
                "  help: a case file has `apiVersion: rolecall/v1` and `cases`; see `rolecall test --help`",
            ],
        )

    @pytest.mark.parametrize("option", ["--account-id=x", "--account-alias=prod", "--account-alias=prod=x"])
    def test_an_invalid_account_is_reported(self, rolecall: CommandLine, write: Write, option: str) -> None:
        write("cases.yaml", cases(case("ALLOW")))

        outcome = rolecall("test", ".", option)

        assert (outcome.code, outcome.err.startswith("error: ")) == (2, True)
