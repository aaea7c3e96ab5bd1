"""`rolecall test`: what cases expect, and which statements they cover."""

from __future__ import annotations

import pytest

from rolecall.cli.problems.problem import Location
from rolecall.cli.testing.coverage import Coverage, CoveredStatement, RoleCoverage
from rolecall.cli.testing.report import Report
from tests.cli.case_files import ANN, BOB, EARLY, LATE, Write, case, cases, write
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

__all__ = ["write"]


class TestExpectations:
    @pytest.mark.parametrize(
        ("written", "sum_"),
        [
            (case("ALLOW"), "✓ 1 case passed"),
            (case("{outcome: ALLOW, reason: ALLOW, statement: Ann}"), "✓ 1 case passed"),
            (case("{outcome: ALLOW, statement: /Statement/0}"), "✓ 1 case passed"),
            (case("DENY", who=BOB), "✓ 1 case passed"),
            (case("{outcome: DENY, reason: IMPLICIT_DENY}", who=BOB), "✓ 1 case passed"),
            (
                case("{outcome: DENY, reason: EXPLICIT_DENY, statement: NotLate}", more=f', time: "{LATE}"'),
                "✓ 1 case passed",
            ),
            (case("{outcome: DENY, reason: ROLE_NOT_FOUND}", role="nobody"), "✓ 1 case passed"),
            (case("{outcome: DENY, reason: ROOT_NOT_ALLOWED}", who="acs:ram::123456789012:root"), "✓ 1 case passed"),
        ],
    )
    def test_what_is_expected_passes(self, rolecall: CommandLine, write: Write, written: str, sum_: str) -> None:
        write("cases.yaml", cases(written))

        outcome = rolecall("test", ".")

        assert (outcome.code, outcome.err) == (0, "")
        assert outcome.out.splitlines() == ["cases.yaml: 1 passed", "", sum_]

    @pytest.mark.parametrize(
        ("written", "reported"),
        [
            (case("DENY"), "expected DENY, got ALLOW by /Statement/0 (Ann)"),
            (case("ALLOW", who=BOB), "expected ALLOW, got IMPLICIT_DENY"),
            (
                case("{outcome: DENY, reason: EXPLICIT_DENY}", who=BOB),
                "expected EXPLICIT_DENY, got IMPLICIT_DENY",
            ),
            (
                case("{outcome: DENY, statement: Ann}", more=f', time: "{LATE}"'),
                "expected the statement `Ann` to decide, got EXPLICIT_DENY by /Statement/1 (NotLate)",
            ),
            (
                case("{outcome: ALLOW, statement: Bob}"),
                "`acs:ram::123456789012:role/deploy` has no statement `Bob`; it has `Ann`, `NotLate`",
            ),
            (case("DENY", role="deplyo"), "there is no role `deplyo`"),
        ],
    )
    def test_what_is_not_expected_fails(self, rolecall: CommandLine, write: Write, written: str, reported: str) -> None:
        write("cases.yaml", cases(written))

        outcome = rolecall("test", ".")

        assert outcome.code == 1
        assert f"  {reported}\n" in outcome.out
        assert outcome.out.splitlines()[0] == "cases.yaml: 0 passed, 1 failed"
        assert outcome.out.splitlines()[-1] == "✗ 1 of 1 case failed"

    def test_a_failure_has_its_place_the_explanation_and_the_nearest_change(
        self, rolecall: CommandLine, write: Write
    ) -> None:
        write("cases.yaml", cases(case("ALLOW", who=BOB)))

        out = rolecall("test", ".").out

        assert "✗ cases.yaml:4:6: a case\n" in out
        assert "/Statement/0 (Ann) is the closest: roles.yaml:7:11\n" in out
        assert (
            "\n✗ Allow /Statement/0 (Ann) does not apply\n└── ✗ principal is not acs:ram::123456789012:user/ann\n"
            in out
        )
        assert "closest: to be allowed by /Statement/0, name `acs:ram::123456789012:user/bob`" in out

    @pytest.mark.parametrize(
        ("role", "hint"),
        [
            ("deplyo", "did you mean `deploy`?"),
            ("42/deploy", "write `123456789012/deploy`: it is in another account than 42"),
            ("qqqqqqqq", "if the role is meant to be missing, expect the reason ROLE_NOT_FOUND"),
        ],
    )
    def test_an_unknown_role_never_passes_as_a_deny(
        self, rolecall: CommandLine, write: Write, role: str, hint: str
    ) -> None:
        write("cases.yaml", cases(case("DENY", role=role)))

        outcome = rolecall("test", ".")

        assert (outcome.code, f"help: {hint}\n" in outcome.out) == (1, True)

    def test_several_principals_are_a_case_each(self, rolecall: CommandLine, write: Write) -> None:
        text = cases(f'  - {{name: users, as: ["{ANN}", "{BOB}"], role: deploy, expect: ALLOW}}\n')
        write("cases.yaml", text)

        out = rolecall("test", ".", "--verbose").out

        assert f"  ✓ users ({ANN})\n  ✗ users ({BOB})\n" in out
        assert out.splitlines()[-1] == "✗ 1 of 2 cases failed"

    def test_every_fact_of_a_question_reaches_the_engine(self, rolecall: CommandLine, write: Write) -> None:
        conditions = (
            'StringEquals: {"sts:ExternalId": x-1, "sts:RoleSessionName": s1, "sts:SourceIdentity": me, "oidc:sub": me}, '
            'IpAddress: {"acs:SourceIp": 10.0.0.0/8}'
        )
        policy = (
            '{Version: "1", Statement: [{Effect: Allow, Action: sts:AssumeRole, '
            f'Principal: {{Federated: "acs:ram::123456789012:oidc-provider/p"}}, Condition: {{{conditions}}}}}]}}'
        )
        facts = (
            ", claims: {oidc:sub: [you, me]}, context: {acs:SourceIp: 10.1.1.1}, external_id: x-1, session_name: s1"
            ", source_identity: me, duration: 900"
        )
        write("roles.yaml", f"apiVersion: rolecall/v1\nname: deploy\ntrust_policy: {policy}\n")
        write("cases.yaml", cases(case("ALLOW", who="acs:ram::123456789012:oidc-provider/p", more=facts)))

        assert rolecall("test", ".").code == 0

    def test_a_case_has_the_time_of_the_file_unless_it_has_its_own(self, rolecall: CommandLine, write: Write) -> None:
        own = case("ALLOW", more=f', time: "{EARLY}"', name="early")
        write("cases.yaml", cases(case("DENY"), own, head=f'time: "{LATE}"\n'))

        assert rolecall("test", ".").code == 0

    def test_a_source_identity_can_need_an_allow(self, rolecall: CommandLine, write: Write) -> None:
        write("cases.yaml", cases(case("ALLOW", more=", source_identity: me")))

        assert rolecall("test", ".").code == 0
        assert rolecall("test", ".", "--source-identity-needs-allow").code == 1


class TestCoverage:
    def test_statements_that_never_apply_are_named(self, rolecall: CommandLine, write: Write) -> None:
        write("cases.yaml", cases(case("ALLOW")))

        outcome = rolecall("test", ".", "--coverage")

        assert outcome.code == 0
        assert "coverage: 1 of 2 statements (50 %)\n" in outcome.out
        missed = "roles.yaml:11:11: acs:ram::123456789012:role/deploy /Statement/1 (NotLate) applies in no case"
        assert f"  {missed}\n" in outcome.out

    def test_a_statement_that_applies_and_loses_is_covered(self, rolecall: CommandLine, write: Write) -> None:
        write("cases.yaml", cases(case("DENY"), head=f'time: "{LATE}"\n'))

        assert "coverage: 2 of 2 statements (100 %)" in rolecall("test", ".", "--coverage").out

    def test_roles_that_no_case_asks_about_count(self, rolecall: CommandLine, write: Write) -> None:
        write("more.json", (REPOSITORY / "examples/policies/github-oidc.json").read_text())
        write("cases.yaml", cases(case("ALLOW")))

        assert "coverage: 1 of 3 statements (33.3 %)" in rolecall("test", ".", "--coverage").out

    def test_a_role_that_several_case_files_name_is_counted_once(self, rolecall: CommandLine, write: Write) -> None:
        write("t/a.yaml", cases(case("ALLOW"), head=f'time: "{EARLY}"\nroles: [../roles.yaml]\n'))
        write(
            "t/b.yaml", cases(case("DENY"), head=f'time: "{LATE}"\nroles: [.., ../roles.yaml]\n').replace("[.., ", "[")
        )

        assert "coverage: 2 of 2 statements (100 %)" in rolecall("test", "t", "roles.yaml", "--coverage").out

    @pytest.mark.parametrize(("least", "code"), [("50", 0), ("50.1", 1), ("100", 1)])
    def test_too_little_coverage_fails(self, rolecall: CommandLine, write: Write, least: str, code: int) -> None:
        write("cases.yaml", cases(case("ALLOW")))

        outcome = rolecall("test", ".", "--fail-under", least)

        assert outcome.code == code
        assert ("✗ 1 case passed, coverage is too low" in outcome.out) == (code == 1)

    @pytest.mark.parametrize(("least", "enough"), [(66.66, True), (66.67, False)])
    def test_the_least_coverage_is_compared_with_the_share_and_not_with_the_rounded_percentage(
        self, least: float, enough: bool
    ) -> None:
        statements = tuple(CoveredStatement(index=i, sid="", location=Location("f"), covered=i < 2) for i in range(3))
        coverage = Coverage(roles=(RoleCoverage(arn="r", location=Location("f"), statements=statements),))

        report = Report(results=(), coverage=coverage, fail_under=least)

        assert coverage.percent == 66.6
        assert (report.covered_enough, report.passed) == (enough, enough)

    @pytest.mark.parametrize(
        ("covered", "total", "percent"),
        [(0, 0, 100.0), (0, 3, 0.0), (2, 3, 66.6), (999, 1000, 99.9), (1999, 2000, 99.9)],
    )
    def test_percentages_are_never_rounded_up(self, covered: int, total: int, percent: float) -> None:
        statements = tuple(
            CoveredStatement(index=i, sid="", location=Location("f"), covered=i < covered) for i in range(total)
        )

        coverage = Coverage(roles=(RoleCoverage(arn="r", location=Location("f"), statements=statements),))

        assert (coverage.covered, coverage.total, coverage.percent) == (covered, total, percent)
        assert coverage.reaches(100) == (covered == total)


def test_the_examples_pass_and_cover_every_statement(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(REPOSITORY)

    outcome = rolecall(
        "test", "examples/tests", "examples/roles", "--oidc-provider=ack-rrsa-c8f2a1", "--fail-under=100"
    )

    assert (outcome.code, outcome.err) == (0, "")
    assert "(100 %)" in outcome.out
