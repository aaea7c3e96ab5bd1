"""Every mistake in a file of test cases has its place, and what to do where the message does not say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources import CaseDocument
from rolecall.cli.testing.case_file import read_cases
from tests.cli.test_case_fields import table

HEAD = "apiVersion: rolecall/v1\n"


def problems_of(text: str) -> list[str]:
    try:
        read_cases(CaseDocument(Path("cases.yaml"), text, table(text)))
    except ProblemsError as error:
        return [
            f"{each.location.line}:{each.location.column}: {each.message}"
            + (f" [{each.reason}]" if each.reason else "")
            + (f"; {each.hint}" if each.hint else "")
            for each in error.problems
        ]
    return []


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (HEAD + "cases: []\n", [
            "2:8: the file has no cases [NO_CASES]",
        ]),
        (HEAD + "cases: x\n", [
            "2:8: `cases` must be a list [NO_CASES]",
        ]),
        ("cases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "1:1: `apiVersion` is missing",
        ]),
        ("apiVersion: v2\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "1:13: `apiVersion` must be one of rolecall/v1, not `v2`",
        ]),
        (HEAD + "tmie: x\nzzz: 1\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:1: unknown key `tmie` [UNKNOWN_FIELD]; did you mean `time`?",
            "3:1: unknown key `zzz` [UNKNOWN_FIELD]; known keys are `apiVersion`, `roles`, `time`, `cases`",
        ]),
        (HEAD + "time: noon\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:7: `time` must be a time with its zone, not `noon`; write it as `2026-12-24T18:00:00Z`, or with an offset such as +08:00",
        ]),
        (HEAD + "time: ''\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:7: `time` must not be empty",
        ]),
        (HEAD + "roles: x\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:8: `roles` must be a list of paths and roles; leave it out to use every role of the command line",
        ]),
        (HEAD + "roles: []\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:8: `roles` must be a list of paths and roles; leave it out to use every role of the command line",
        ]),
        (HEAD + "roles: ['', null]\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:9: a path must not be empty",
            "2:13: a path must not be empty",
        ]),
        (HEAD + "roles: [{name: x}]\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:9: the trust policy is missing; add `trust_policy`, `trust_policy_json` or `trust_policy_file`",
        ]),
        (HEAD + "roles: [other.yaml]\ncases: [{name: n, as: w, role: r, expect: DENY}]\n", [
            "2:8: `roles` names a case file, other.yaml; name files with roles",
        ]),
        (HEAD + "cases:\n- x\n- [y]\n", [
            "3:3: a case must be a mapping with `name`, `as`, `role` and `expect`",
            "4:3: a case must be a mapping with `name`, `as`, `role` and `expect`",
        ]),
        (HEAD + "cases:\n- {}\n", [
            "3:3: `name` is missing",
            "3:3: `role` is missing",
            "3:3: `expect` must be ALLOW, DENY or a mapping with `outcome`",
            "3:3: `as` is missing; name a principal, or list several: each is a separate case",
        ]),
        (HEAD + "cases:\n- {name: '', as: [], role: '', expect: ''}\n", [
            "3:10: `name` must not be empty",
            "3:28: `role` must not be empty",
            "3:40: `expect` must not be empty",
            "3:18: `as` is an empty list, so the case tests nothing [NO_CASES]",
        ]),
        (HEAD + "cases:\n- {name: null, as: '', role: [x], expect: [x]}\n", [
            "3:10: `name` must be text; write a text, or leave out the key",
            "3:30: `role` must be text; write a text, or leave out the key",
            "3:43: `expect` must be ALLOW, DENY or a mapping with `outcome`",
            "3:20: `as` must not be empty",
        ]),
        (HEAD + "cases:\n- {name: a, as: [b, '', null, {}], role: r, expect: {}}\n", [
            "3:53: `outcome` is missing",
            "3:21: `as` must not be empty",
            "3:25: `as` must be text, or a list of texts; write a text, or leave out the key",
            "3:31: `as` must be text, or a list of texts; write a text, or leave out the key",
        ]),
        (HEAD + "cases:\n- {name: a, as: b, role: r, expect: allow}\n- {name: b, as: b, role: r, expect: {outcome: ALLOW, reason: NO}}\n- {name: c, as: b, role: r, expect: {outcome: ALLOW, reason: IMPLICIT_DENY}}\n- {name: d, as: b, role: r, expect: {outcome: DENY, reason: ALLOW}}\n", [
            "3:37: `expect` must be one of ALLOW, DENY, not `allow`",
            "4:62: `reason` must be one of ALLOW, EXPLICIT_DENY, IMPLICIT_DENY, ROLE_NOT_FOUND, ROOT_NOT_ALLOWED, not `NO`",
            "5:62: the outcome ALLOW cannot have the reason IMPLICIT_DENY",
            "6:61: the outcome DENY cannot have the reason ALLOW",
        ]),
        (HEAD + "cases:\n- {name: a, as: b, role: r, expect: {outcome: DENY, reason: IMPLICIT_DENY, statement: s}}\n- {name: b, as: b, role: r, expect: {outcome: DENY, reason: ROLE_NOT_FOUND, statement: s}}\n- {name: c, as: b, role: r, expect: {outcome: DENY, reason: EXPLICIT_DENY, statement: s}}\n- {name: d, as: b, role: r, expect: {outcome: ALLOW, reason: ALLOW, statement: s}}\n- {name: e, as: b, role: r, expect: {outcome: ALLOW, statement: s, more: 1}}\n", [
            "3:87: a decision with the reason IMPLICIT_DENY has no determining statement",
            "4:88: a decision with the reason ROLE_NOT_FOUND has no determining statement",
            "7:68: unknown key `more` [UNKNOWN_FIELD]; known keys are `outcome`, `reason`, `statement`",
        ]),
        (HEAD + "cases:\n- {name: n, as: w, role: r, expect: DENY, duration: 1h, context: [x], claims: {k: {}, l: [a, null]}, external_id: [x], session_name: null, source_identity: {}, time: noon, zzz: 1, clams: {}}\n", [
            "3:173: unknown key `zzz` [UNKNOWN_FIELD]; known keys are `name`, `as`, `role`, `claims`, `context`, `external_id`, `session_name`, `source_identity`, `duration`, `time`, `expect`",
            "3:181: unknown key `clams` [UNKNOWN_FIELD]; did you mean `claims`?",
            "3:167: `time` must be a time with its zone, not `noon`; write it as `2026-12-24T18:00:00Z`, or with an offset such as +08:00",
            "3:83: `k` must be text, or a list of texts; write a text, or leave out the key",
            "3:94: `l` must be text, or a list of texts; write a text, or leave out the key",
            "3:66: `context` must be a mapping from condition keys to a value, or to a list of them",
            "3:115: `external_id` must be text; write a text, or leave out the key",
            "3:134: `session_name` must be text; write a text, or leave out the key",
            "3:157: `source_identity` must be text; write a text, or leave out the key",
            "3:53: `duration` must be a whole number of seconds, not `1h`",
        ]),
        (HEAD + "cases:\n- {name: n, as: w, role: r, expect: DENY}\n- {name: n, as: w, role: r, expect: DENY}\n- {name: n, as: w, role: r, expect: DENY}\n", [
            "4:4: the case `n` is given twice; the first is at a.yaml:3:4 [DUPLICATE_CASE]; give each case a different name",
            "5:4: the case `n` is given twice; the first is at a.yaml:3:4 [DUPLICATE_CASE]; give each case a different name",
        ]),
        (HEAD + "cases:\n- {name: n, as: w, role: r, expect: DENY, description: !x y}\n", [
            "3:56: the tag `!x` is not supported [UNSUPPORTED_TAG]; write the value without a tag",
        ]),
    ],
)  # fmt: skip
def test_a_mistake_has_its_place_and_its_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problems: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("other.yaml").write_text(f"{HEAD}cases: [{{name: n, as: w, role: r, expect: DENY}}]\n")

    assert problems_of(text) == problems


@pytest.mark.parametrize("expect", ["", "''", "null"])
def test_a_case_that_expects_nothing_is_not_one_that_expects_a_deny(expect: str) -> None:
    (problem,) = problems_of(f"{HEAD}cases:\n- name: n\n  as: w\n  role: r\n  expect: {expect}\n")

    assert problem.startswith("6:")
    assert "`expect` must" in problem
