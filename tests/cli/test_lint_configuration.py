"""`.rolecall-lint.yaml`: what a team accepts is not reported, and what it no longer needs to accept is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from rolecall.cli.linting.configuration import CONFIGURED_FINDINGS, FINDINGS
from rolecall.cli.linting.path_patterns import path_test
from rolecall.cli.linting.reader import MAX_SUPPRESSIONS, read_configuration
from rolecall.cli.problems.problem import ProblemsError
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY
from tests.cli.test_policy_test_reports import valid_sarif

SCHEMA = json.loads((REPOSITORY / "docs/schema/lint.schema.json").read_text())
PARTNER, OTHER = "acs:ram::210987654321:root", "acs:ram::42:root"

Write = Callable[[str, str], Path]
Configure = Callable[..., Path]


def trusting(principal: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": principal}}
    return json.dumps({"Version": "1", "Statement": [statement]})


def suppression(**changes: str | None) -> dict[str, str]:
    whole = {"finding": "root-without-external-id", "path": "**", "reason": "looked at", **changes}
    return {key: value for key, value in whole.items() if value is not None}


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    monkeypatch.chdir(tmp_path)

    def write(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    return write


@pytest.fixture
def configure(write: Write) -> Configure:
    def configure(*suppressions: dict[str, str], name: str = ".rolecall-lint.yaml", **more: object) -> Path:
        return write(name, yaml.safe_dump({"suppressions": list(suppressions), **more}))

    return configure


def reported(rolecall: CommandLine, *arguments: str) -> list[tuple[str, str]]:
    """Return the severity and the reason of each problem that `validate` reports."""
    answer = json.loads(rolecall("validate", *arguments, "-o", "json").out)
    return [(problem["severity"], problem["reason"]) for problem in answer["problems"]]


FOUND = [("warning", "root-without-external-id")]


def test_a_suppressed_finding_is_counted_and_does_not_fail(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting(PARTNER))
    assert rolecall("validate", "p.json", "--fail-on", "warning").code == 2
    configure(suppression())

    outcome = rolecall("validate", "p.json", "--fail-on", "note")

    assert (outcome.code, outcome.out) == (0, "✓ 1 trust policy: no problems, 1 suppressed\n")


def test_a_suppressed_finding_is_shown_with_its_reason_when_asked_for(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting(PARTNER))
    configure(suppression(until="2199-12-31"))

    outcome = rolecall("validate", "p.json", "-v")

    (first, second, _) = outcome.out.splitlines()
    assert first.startswith("p.json:1:")
    assert "suppressed warning: every user and role" in first
    assert second == "  reason: looked at (until 2199-12-31), .rolecall-lint.yaml:2:3"


def test_json_has_what_is_suppressed_and_sarif_only_with_verbose(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting(PARTNER))
    configure(suppression(until="2199-12-31"))

    answer = json.loads(rolecall("validate", "p.json", "-o", "json").out)
    brief = valid_sarif(rolecall("validate", "p.json", "-o", "sarif").out)
    whole = valid_sarif(rolecall("validate", "p.json", "-o", "sarif", "-v").out)

    ((suppressed),) = answer["suppressed"]
    assert (answer["problems"], suppressed["reason"]) == ([], "root-without-external-id")
    assert suppressed["suppression"]["reason"] == "looked at"
    assert (suppressed["suppression"]["until"], suppressed["suppression"]["line"]) == ("2199-12-31", 2)
    assert brief["results"] == []
    ((why),) = whole["results"][0]["suppressions"]
    assert (why["kind"], why["justification"]) == ("external", "looked at")


@pytest.mark.parametrize(
    ("changes", "covered"),
    [
        ({"path": "deep/p.json"}, True),
        ({"path": "./deep/*.json"}, True),
        ({"path": "deep/"}, True),
        ({"path": "**/p.json"}, True),
        ({"path": "*.json"}, False),
        ({"path": "deep"}, False),
        ({"path": None, "role": "P"}, True),
        ({"path": None, "role": "p*"}, True),
        ({"path": None, "role": "q*"}, False),
        ({"path": "**", "role": "q"}, False),
        ({"finding": "open-network"}, False),
    ],
)
def test_a_suppression_covers_its_files_and_roles(
    rolecall: CommandLine, write: Write, configure: Configure, changes: dict[str, Any], covered: bool
) -> None:
    write("deep/p.json", trusting(PARTNER))
    configure(suppression(**changes))

    assert reported(rolecall, "deep/p.json")[:1] == ([] if covered else FOUND)


def test_a_violation_is_never_suppressed(rolecall: CommandLine, write: Write, configure: Configure) -> None:
    write("p.json", trusting("*"))
    configure(*(suppression(finding=finding) for finding in FINDINGS))

    assert ("error", "WILDCARD_PRINCIPAL") in reported(rolecall, "p.json")


def test_trusted_accounts_are_no_finding(rolecall: CommandLine, write: Write, configure: Configure) -> None:
    write("own.json", trusting(PARTNER))
    write("other.json", trusting(OTHER))
    configure(trusted_accounts=["210987654321"])

    assert reported(rolecall, "own.json") == []
    assert reported(rolecall, "other.json") == FOUND


def test_a_severity_decides_whether_a_finding_fails(rolecall: CommandLine, write: Write, configure: Configure) -> None:
    write("p.json", trusting(PARTNER))
    configure(severities={"root-without-external-id": "error"})

    outcome = rolecall("validate", "p.json")

    assert (outcome.code, ": error: " in outcome.out) == (2, True)
    assert json.loads(rolecall("validate", "p.json", "-o", "json").out)["valid"] is True


def test_a_suppression_counts_on_its_last_day_and_is_reported_after_it(
    rolecall: CommandLine, write: Write, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("p.json", trusting(PARTNER))
    configure(suppression(until="2027-01-31"))
    last, next_day = 1_801_439_999_999_999, 1_801_440_000_000_000

    def on(time: int) -> list[tuple[str, str]]:
        monkeypatch.setattr("rolecall.cli.commands.validate.now_micros", lambda: time)
        return reported(rolecall, "p.json")

    assert on(last) == []
    assert on(next_day) == [*FOUND, ("warning", "ended-suppression")]


def test_a_suppression_that_matches_nothing_is_reported(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting(PARTNER))
    configure(suppression(), suppression(finding="open-network"), suppression(path="gone.json"))

    outcome = rolecall("validate", "p.json", "--fail-on", "warning")

    assert outcome.code == 2
    assert (
        ".rolecall-lint.yaml:5:3: warning: the suppression of `open-network` for path `**` matches nothing"
        in outcome.out
    )
    assert "path `gone.json` matches nothing: it covers no policy; there is `p.json`" in outcome.out
    assert outcome.out.count("[unused-suppression]") == 2


def test_what_is_about_files_that_were_not_examined_is_not_reported(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("a/p.json", trusting(PARTNER))
    write("a/other.json", trusting(OTHER))
    configure(
        suppression(path="p.json"),
        suppression(path="other.json"),
        suppression(path=None, role="x"),
        name="a/.rolecall-lint.yaml",
    )

    one, all_of_them = reported(rolecall, "a/p.json"), reported(rolecall, "a")

    assert one == []
    assert all_of_them == [("warning", "unused-suppression")]


def test_of_several_suppressions_of_a_finding_the_first_is_the_reason_and_none_is_unused(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting(PARTNER))
    configure(suppression(reason="first"), suppression(reason="second"))

    answer = json.loads(rolecall("validate", ".", "--suppress", f"{FOUND[0][1]}=third", "-o", "json").out)

    assert answer["problems"] == []
    assert [each["suppression"]["reason"] for each in answer["suppressed"]] == ["first"]


def test_a_role_is_covered_by_its_own_file_and_by_that_of_its_policy(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting(PARTNER))
    write("roles.yaml", "apiVersion: rolecall/v1\nname: a\ntrust_policy_file: p.json\n")
    configure(*(suppression(finding="open-network", path=path) for path in ("roles.yaml", "p.json", "q.json")))

    problems = json.loads(rolecall("validate", ".", "-o", "json").out)["problems"]

    assert [each["message"].partition(" nothing: ")[2] for each in problems[1:]] == [
        "no policy that it covers has the finding",
        "no policy that it covers has the finding",
        "it covers no policy; there is `p.json`",
    ]


@pytest.mark.parametrize(
    ("pattern", "unused"), [("gone.json", True), ("g*.json", False), ("x?.json", False), ("other.json", False)]
)
def test_a_path_is_looked_up_unless_it_has_wildcards(
    rolecall: CommandLine, write: Write, configure: Configure, pattern: str, unused: bool
) -> None:
    write("a/p.json", trusting(PARTNER))
    write("a/other.json", trusting(OTHER))
    configure(suppression(path=pattern), name="a/.rolecall-lint.yaml")

    assert (("warning", "unused-suppression") in reported(rolecall, "a/p.json")) is unused


def test_the_nearest_configuration_counts(rolecall: CommandLine, write: Write, configure: Configure) -> None:
    write("a/b/p.json", trusting(PARTNER))
    configure(suppression())
    configure(severities={"root-without-external-id": "note"}, name="a/.rolecall-lint.yaml")

    assert reported(rolecall, "a/b/p.json") == [("note", "root-without-external-id")]


def test_a_configuration_above_what_was_named_does_not_count(
    rolecall: CommandLine, write: Write, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = write("a/b/p.json", trusting(PARTNER))
    configure(suppression(), name="a/.rolecall-lint.yaml")
    write("elsewhere/x", "")
    monkeypatch.chdir("elsewhere")

    assert reported(rolecall, str(policy)) == FOUND
    assert reported(rolecall, str(policy.parent)) == FOUND
    assert reported(rolecall, str(policy.parent.parent)) == []


def test_a_problem_of_a_directory_does_not_lead_above_it(
    rolecall: CommandLine, write: Write, configure: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("a/notes.txt", "")
    configure({"finding": "x"})
    monkeypatch.chdir("a")

    outcome = rolecall("validate", ".")

    assert (outcome.code, "rolecall-lint" in outcome.out) == (2, False)


def test_a_given_configuration_counts_alone(rolecall: CommandLine, write: Write, configure: Configure) -> None:
    write("a/p.json", trusting(PARTNER))
    configure(name="a/.rolecall-lint.yaml", severities={"root-without-external-id": "note"})
    configure(suppression(path="../a/*.json"), name="ci/lint.yaml")

    assert reported(rolecall, "a/p.json", "--lint-config", "ci/lint.yaml") == []


def test_the_command_line_suppresses_with_a_reason(rolecall: CommandLine, write: Write) -> None:
    write("p.json", trusting(PARTNER))

    assert reported(rolecall, "p.json", "--suppress", "root-without-external-id=ours") == []
    assert reported(rolecall, "p.json", "--suppress", "open-network=ours") == [
        *FOUND,
        ("warning", "unused-suppression"),
    ]
    empty, unknown = (rolecall("validate", "p.json", "--suppress", text) for text in ("open-network=", "open-netwrk=x"))
    assert (empty.code, "the reason for suppressing `open-network` is empty" in empty.err) == (2, True)
    assert (unknown.code, "did you mean `open-network`?" in unknown.err) == (2, True)


def test_a_suppression_for_a_document_with_errors_is_not_said_to_be_unused(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    write("p.json", trusting("*"))
    write("q.json", trusting(PARTNER))
    configure(suppression(path="p.json"), suppression(path=None, role="p"), suppression(path="q.json"))

    assert [reason for _, reason in reported(rolecall, ".")] == ["WILDCARD_PRINCIPAL"]


@pytest.mark.parametrize("name", [".rolecall-lint.yml", ".rolecall-lint.json"])
def test_a_configuration_with_another_name_is_pointed_out(
    rolecall: CommandLine, write: Write, configure: Configure, name: str
) -> None:
    write("p.json", trusting(PARTNER))
    configure(suppression(), name=name)

    outcome = rolecall("validate", "p.json")

    assert f"{name}: warning: this file is not read" in outcome.out


def test_a_configuration_that_is_given_as_a_document_is_recognised(
    rolecall: CommandLine, write: Write, configure: Configure
) -> None:
    configure()

    outcome = rolecall("validate", ".rolecall-lint.yaml")

    assert (outcome.code, "this is a configuration of the linter" in outcome.out) == (2, True)


@pytest.mark.parametrize("text", ["", "# nothing\n", "null\n"])
def test_an_empty_configuration_changes_nothing(rolecall: CommandLine, write: Write, text: str) -> None:
    write("p.json", trusting(PARTNER))
    write(".rolecall-lint.yaml", text)

    assert reported(rolecall, "p.json") == FOUND


def test_a_configuration_that_cannot_be_read_suppresses_nothing(
    rolecall: CommandLine, write: Write, tmp_path: Path
) -> None:
    write("p.json", trusting(PARTNER))
    (tmp_path / ".rolecall-lint.yaml").symlink_to("nowhere")

    outcome = rolecall("validate", "p.json")

    assert outcome.code == 2
    assert ".rolecall-lint.yaml: error: cannot read" in outcome.out
    assert "[root-without-external-id]" in outcome.out


def whole() -> dict[str, Any]:
    return {
        "trusted_accounts": ["1", "12345678901234567890"],
        "severities": {"mutable-subject": "error", "unused-suppression": "note"},
        "suppressions": [suppression(role="a", until="2027-02-28"), suppression(path=None, role="b?*")],
    }


def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    instance = whole()
    change(instance)
    return instance


def problems_of(path: Path, instance: object) -> tuple[Any, ...]:
    path.write_text(yaml.safe_dump(instance))
    try:
        read_configuration(path)
    except ProblemsError as error:
        return error.problems
    return ()


def test_a_configuration_with_everything_is_valid_for_the_schema_and_the_reader(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(SCHEMA)

    assert Draft202012Validator(SCHEMA).is_valid(whole())
    assert problems_of(tmp_path / "c.yaml", whole()) == ()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.update(trusted=["1"]), "unknown key `trusted`"),
        (lambda c: c.update(trusted_accounts="1"), "`trusted_accounts` must be a list"),
        (lambda c: c.update(trusted_accounts=["prod"]), "written as its id, 1 to 20 digits"),
        (lambda c: c.update(trusted_accounts=["1" * 21]), "written as its id, 1 to 20 digits"),
        (
            lambda c: c.update(severities={"open-network": "off"}),
            "a severity is `error`, `warning` or `note`, not `off`",
        ),
        (lambda c: c.update(severities={"open-netwrk": "note"}), "there is no finding `open-netwrk`"),
        (lambda c: c.update(severities=["open-network"]), "`severities` must be a mapping"),
        (lambda c: c.update(suppressions={}), "`suppressions` must be a list"),
        (lambda c: c.update(suppressions=["open-network"]), "a suppression is a mapping"),
        (lambda c: c["suppressions"][0].pop("finding"), "`finding` is missing"),
        (lambda c: c["suppressions"][0].update(finding="DUPLICATE_KEY"), "`DUPLICATE_KEY` is a violation"),
        (
            lambda c: c["suppressions"][0].update(finding="unused-suppression"),
            "is about this file, and cannot be suppressed",
        ),
        (lambda c: c["suppressions"][0].pop("reason"), "`reason` is missing"),
        (lambda c: c["suppressions"][0].update(reason=" "), "`reason` must be a text that is not empty"),
        (lambda c: c["suppressions"][0].update(reason="x" * 1025), "`reason` is longer than 1,024 characters"),
        (lambda c: c["suppressions"][0].update(path="x" * 513), "`path` is longer than 512 characters"),
        (lambda c: c["suppressions"][0].update(path="/etc/x"), "`path` is relative to the directory"),
        (lambda c: c["suppressions"][0].update(path="a\\b"), "`path` is relative to the directory"),
        (lambda c: c["suppressions"][1].pop("role"), "a suppression needs `path` or `role`"),
        (lambda c: c["suppressions"][0].update(until="tomorrow"), "`until` is the last day, such as `2026-12-31`"),
        (lambda c: c["suppressions"][0].update(untill="2027-01-01"), "unknown key `untill`"),
        (
            lambda c: c.update(suppressions=[suppression()] * (MAX_SUPPRESSIONS + 1)),
            "1,001 entries; the limit is 1,000",
        ),
    ],
)
def test_what_the_schema_refuses_is_refused_with_its_place(
    tmp_path: Path, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    instance = changed(change)

    problems = problems_of(tmp_path / "c.yaml", instance)

    assert any(message in problem.message for problem in problems), problems
    assert all(problem.location.line for problem in problems)
    assert not Draft202012Validator(SCHEMA).is_valid(instance)


def test_a_day_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path / "c.yaml", {"suppressions": [suppression(until="2027-02-29")]})

    assert "not `2027-02-29`" in problem.message


def test_every_mistake_of_a_configuration_is_reported_at_once(tmp_path: Path) -> None:
    problems = problems_of(tmp_path / "c.yaml", {"suppressions": [{"finding": "x"}], "severities": {"y": "z"}})

    assert len(problems) == 5


def test_a_duplicate_key_does_not_hide_other_mistakes(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("suppressions:\n  - {finding: past-date, finding: x, role: a}\nextra: 1\n")

    with pytest.raises(ProblemsError) as caught:
        read_configuration(path)

    reasons = [(problem.location.line, problem.reason) for problem in caught.value.problems]
    assert reasons == [(2, "DUPLICATE_KEY"), (3, "LINT_CONFIGURATION"), (2, "LINT_CONFIGURATION")]


def test_the_schema_knows_the_same_findings_and_is_printed(rolecall: CommandLine) -> None:
    assert SCHEMA["$defs"]["finding"]["enum"] == sorted(FINDINGS)
    assert SCHEMA["properties"]["severities"]["propertyNames"]["anyOf"][1]["enum"] == [*CONFIGURED_FINDINGS]
    assert json.loads(rolecall("schema", "lint").out) == SCHEMA


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("**", "a", True),
        ("**", "a/b/c", True),
        ("a/**", "a", True),
        ("a/**/c", "a/c", True),
        ("a/**/c", "a/b/b/c", True),
        ("a/**/c", "a/b/d", False),
        ("**/x/**/y", "x/x/y", True),
        ("*", "a/b", False),
        ("?.json", "a.json", True),
        ("?.json", "ab.json", False),
        ("a", "A", False),
        ("../a/*", "../a/b", True),
    ],
)
def test_patterns_of_paths(pattern: str, path: str, matches: bool) -> None:
    assert path_test(pattern)(path) == matches


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    test = path_test("/".join(["**", "*a*a*a*"] * 32 + ["b"]))

    assert not test("/".join(["a" * 200] * 200))


class TestDryRunsOfApply:
    """`apply --dry-run` reads the same configuration as `validate`."""

    ROLE = f"apiVersion: rolecall/v1\nname: lint-{{name}}\naccount_id: '1'\ntrust_policy_json: '{trusting(PARTNER)}'\n"

    def role(self, write: Write, name: str) -> str:
        write(f"{name}/role.yaml", self.ROLE.replace("{name}", name))
        return f"{name}/role.yaml"

    def test_a_finding_is_suppressed_and_counted(self, online: CommandLine, write: Write, configure: Configure) -> None:
        file = self.role(write, "a")
        found = online("apply", "-f", file, "--dry-run")
        configure(suppression(path=None, role="lint-*"), name="a/.rolecall-lint.yaml")

        brief, whole = online("apply", "-f", file, "--dry-run"), online("apply", "-f", file, "--dry-run", "-v")
        answer = json.loads(online("apply", "-f", file, "--dry-run", "-o", "json").out)

        assert "[root-without-external-id]" in found.err
        assert (brief.code, brief.err) == (0, "1 suppressed\n")
        assert "  reason: looked at, a/.rolecall-lint.yaml:2:3\n" in whole.err
        assert (answer["findings"], [each["reason"] for each in answer["suppressed"]]) == (
            [],
            ["root-without-external-id"],
        )

    def test_trusted_accounts_and_severities_count(
        self, online: CommandLine, write: Write, configure: Configure
    ) -> None:
        file = self.role(write, "b")
        configure(severities={"root-without-external-id": "note"}, name="b/.rolecall-lint.yaml")
        note = online("apply", "-f", file, "--dry-run").err
        configure(trusted_accounts=["210987654321"], name="b/.rolecall-lint.yaml")

        none = online("apply", "-f", file, "--dry-run").err

        assert ": note: " in note
        assert none == ""

    def test_a_configuration_that_cannot_be_read_stops_the_dry_run(
        self, online: CommandLine, write: Write, configure: Configure
    ) -> None:
        file = self.role(write, "c")
        configure({"finding": "open-network"}, name="c/.rolecall-lint.yaml")

        outcome = online("apply", "-f", file, "--dry-run")

        assert (outcome.code, "c/.rolecall-lint.yaml:2:3: error: `reason` is missing" in outcome.err) == (2, True)

    def test_the_options_are_for_a_dry_run(self, online: CommandLine, write: Write) -> None:
        outcome = online("apply", "-f", self.role(write, "d"), "--suppress", "open-network=x")

        assert (outcome.code, "add --dry-run" in outcome.err) == (2, True)
