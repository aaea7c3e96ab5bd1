"""What is not given is empty or off: of problems, of what is found in files, of test cases, and of what a command asks for."""

from __future__ import annotations

from pathlib import Path

from rolecall.cli.commands.changes import Filters
from rolecall.cli.commands.watch import Start
from rolecall.cli.declarations.document import TextSource
from rolecall.cli.declarations.nodes import Scalar
from rolecall.cli.linting.configuration import LintConfiguration, Suppression
from rolecall.cli.linting.options import LintOptions
from rolecall.cli.problems.problem import Location, Problem, error_at
from rolecall.cli.sources.found import Found, FoundPolicy, FoundRole, ServiceAccount, UnknownRole, policies_of
from rolecall.cli.sources.kind import FileKind, Outline
from rolecall.cli.sources.terraform_configuration import Configuration
from rolecall.cli.sources.terraform_plan import Plan, ResourceChange
from rolecall.cli.testing.cases import Case, Expectation, ExpectedOutcome
from rolecall.cli.testing.manifest_cases import Cluster
from rolecall.cli.testing.report import Report
from rolecall.cli.testing.suites import Collection
from rolecall.policy.kind import PolicyKind
from rolecall.roles.documents import DOCUMENT_FIELD
from rolecall_client.v1 import role_pb2 as pb

HERE = Location("f")


def test_a_problem_is_an_error_of_a_whole_file_without_more() -> None:
    assert Problem(location=HERE, message="m").record() == {
        "file": "f", "line": 0, "column": 0, "message": "m", "severity": "error", "reason": "", "pointer": "", "hint": "",
        "finding": False, "changes_meaning": False, "role": "",
    }  # fmt: skip
    assert str(HERE) == "f"
    (problem,) = error_at(HERE, "m").problems
    assert problem == Problem(location=HERE, message="m")


def test_a_found_role_has_only_its_policy() -> None:
    role = FoundRole(name="app", location=HERE, document="{}", source=TextSource("{}", Location("f", 1, 1)), label="l")

    assert (role.account_id, role.description, role.max_session_duration_seconds, role.declared) == ("", "", 0, True)
    assert [len(each) for each in (role.tags, role.fields, role.unread)] == [0, 0, 0]
    assert all(map(role.judges, (DOCUMENT_FIELD, "description", "tags")))
    assert role.field_location("tags") == HERE
    assert role.location_of("/a", 3, 4) == Location("f", 3, 4)
    assert role.location_of("/a") == role.location_of("/a", 0, 9) == Location("f", 1, 1)
    assert policies_of([UnknownRole(name="", label="l", location=HERE, message="m")]) == []


def test_a_position_in_a_policy_that_is_not_known_is_the_whole_file() -> None:
    policy = FoundPolicy(location=HERE, document="{}", kind=PolicyKind.PERMISSION)

    assert policy.location_of("/Statement") == HERE
    assert policy.location_of("/Statement", 3, 4) == Location("f", 3, 4)


def test_at_first_nothing_is_found_and_each_search_has_lists_of_its_own() -> None:
    found, other = Found(), Found()

    found.add_remark(HERE, "r")
    found.add_problem(HERE, "p")

    assert (found.count, other.count) == (2, 0)
    assert found.remarks == [Problem(location=HERE, message="r", severity="note", finding=True)]
    assert found.problems == [Problem(location=HERE, message="p")]
    assert (other.trust_policies, other.roles, other.case_documents) == ([], [], [])


def test_a_kind_of_file_recognises_nothing_by_itself() -> None:
    kind, outline = FileKind(name="k"), Outline(names=["a"])

    assert [kind.recognises(outline), kind.recognises_text("a"), kind.recognises_broken("a")] == [False] * 3
    assert (kind.read, kind.read_text, kind.instead, kind.without, kind.form) == (None, None, "", "", "")
    assert (outline.has("a"), dict(outline.texts), outline.is_json) == (True, {}, False)


def test_a_plan_without_sections_has_no_facts() -> None:
    plan = Plan((), ())

    assert (plan.version, plan.failed) == (None, False)
    assert [plan.resources, plan.before, plan.deferred, plan.problems] == [[], [], [], []]
    assert [plan.changes, plan.later_documents] == [{}, {}]
    assert ResourceChange().changed == ResourceChange().partly_unknown == frozenset()
    assert Configuration().account_of("alicloud") == ""
    assert not plan.configuration.sets("a.b", "name")


def test_a_case_asks_for_nothing_more() -> None:
    case = Case(name="n", who="w", role="r", expect=Expectation(outcome=ExpectedOutcome.DENY), location=HERE)

    assert (case.external_id, case.session_name, case.source_identity, case.duration, case.time) == (
        "",
        "",
        "",
        0,
        None,
    )
    assert [dict(each) for each in (case.locations, case.claims, case.context)] == [{}, {}, {}]
    assert (case.expect.reason, case.expect.statement, case.location_of("as")) == ("", "", HERE)


def test_a_service_account_is_in_the_namespace_that_kubernetes_has_by_default() -> None:
    cluster = Cluster(provider="p")
    account = ServiceAccount(namespace="", name="a", role_name="r", location=HERE)

    assert (cluster.name_of(account), cluster.issuer, cluster.audience) == ("default/a", "", "sts.aliyuncs.com")


def test_a_run_without_results_has_passed() -> None:
    report = Report(results=())

    assert (report.passed, report.covered_enough, report.not_run, report.fail_under) == (True, True, 0, 0)
    assert (report.problems, report.remarks, report.coverage) == ((), (), None)


def test_a_collection_begins_empty() -> None:
    collection = Collection()

    assert collection.add(Found()) == ()
    assert [collection.suites, collection.unknown_roles, collection.remarks, collection.problems] == [[], [], [], []]
    assert collection.roles == {}


def test_a_suppression_covers_every_document_for_ever() -> None:
    suppression = Suppression(finding="open-network", reason="r", location=HERE)
    configuration = LintConfiguration(directory=Path())

    assert (suppression.scope, suppression.until, suppression.test().covers("a/b.json", "any")) == (
        "`open-network`",
        None,
        True,
    )
    assert (configuration.suppressions, configuration.trusted_accounts) == ((), frozenset())
    assert configuration.severity_of(Problem(location=HERE, message="m", severity="note", reason="r")) == "note"
    assert (LintOptions().lint_config, LintOptions().suppress, LintOptions().verbose) == (None, [], False)


def test_a_list_of_changes_and_a_watch_are_of_everything() -> None:
    assert Filters().request(full=False) == pb.ListChangesRequest(view=pb.ROLE_VIEW_BASIC)
    assert (Start().initial, Start().from_, Start().account_id) == (False, "", [])


def test_a_scalar_without_a_style_is_plain() -> None:
    assert [Scalar(HERE, text).literal for text in ("42", "true", "~", "x")] == ["42", "true", "null", ""]
    assert [Scalar(HERE, text, style).literal for text in ("42", "", "null") for style in ("'", '"', "|")] == [""] * 9
