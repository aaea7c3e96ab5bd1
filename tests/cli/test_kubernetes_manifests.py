"""Service accounts in manifests of Kubernetes: what each is, and every problem with its place and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.problems.problem import Location
from rolecall.cli.sources import ServiceAccount
from tests.cli.problem_lines import lines_of, searched

ROLE_NAME = "pod-identity.alibabacloud.com/role-name"
RENDER = "give what `helm template RELEASE CHART --namespace NAMESPACE` prints"
ACCOUNT = f"""\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: api
  namespace: pay
  annotations:
    other.example/role-name: x
    {ROLE_NAME}: payments
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def found(text: str) -> tuple[list[ServiceAccount], list[str]]:
    """Return the service accounts in a manifest, and each problem and remark in a line."""
    read = searched(text)
    return read.service_accounts, lines_of(read)


def account(line: int = 8, column: int = 5, **changes: str) -> ServiceAccount:
    facts = {"namespace": "pay", "name": "api", "role_name": "payments", **changes}
    return ServiceAccount(location=Location("a.yaml", line, column), **facts)


def test_an_account_has_the_place_of_its_annotation() -> None:
    assert found(ACCOUNT) == ([account()], [])


@pytest.mark.parametrize(
    ("old", "new", "accounts"),
    [
        ("apiVersion: v1\n", "apiVersion: null\n", [account()]),
        ("apiVersion: v1\n", "apiVersion: v2\n", None),
        ("kind: ServiceAccount", "kind: Serviceaccount", None),
        ("kind: ServiceAccount", "kind: null", None),
        ("namespace: pay", "namespace: null", [account(namespace="")]),
        ("namespace: pay", "namespace: [pay]", [account(namespace="")]),
        ("name: api", "name: 7", [account(name="7")]),
        (": payments", ": '7'", [account(role_name="7")]),
        (": payments", ": ' payments'", [account(role_name=" payments")]),
    ],
)
def test_what_makes_an_account(old: str, new: str, accounts: list[ServiceAccount] | None) -> None:
    assert found(ACCOUNT.replace(old, new, 1))[0] == (accounts or [])


@pytest.mark.parametrize("other", ["service-account-token-expiration", "inject-sts-endpoint"])
def test_the_other_annotations_of_the_webhook_are_known(other: str) -> None:
    known = f"    pod-identity.alibabacloud.com/{other}: '3600'\n"

    assert found(ACCOUNT + known) == ([account()], [])


@pytest.mark.parametrize("name", ["role_name", "role-names", "", "service-account-token"])
def test_an_annotation_that_the_webhook_does_not_know_is_a_warning(name: str) -> None:
    unknown = f"pod-identity.alibabacloud.com/{name}"

    warning = f"9:5: warning (finding): `{unknown}` of the service account `api` is not a known annotation []; "
    assert found(f"{ACCOUNT}    {unknown}: x\n") == ([account()], [f"{warning}the role is named by `{ROLE_NAME}`"])


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("  name: api\n", "", "1:1: error: a ServiceAccount must have `metadata.name` []; "),
        ("name: api", "name: null", "1:1: error: a ServiceAccount must have `metadata.name` []; "),
        ("name: api", "name: [a]", "1:1: error: a ServiceAccount must have `metadata.name` []; "),
        (": payments", ": [a]", f"8:5: error: `{ROLE_NAME}` must be the name of a role []; "),
        (
            ": payments",
            ": 7",
            '8:5: error: `7` is not text, so Kubernetes refuses the annotation []; write it in quotes: `"7"`',
        ),
        (
            ": payments",
            ": false",
            '8:5: error: `false` is not text, so Kubernetes refuses the annotation []; write it in quotes: `"false"`',
        ),
        (
            ": payments",
            ": null",
            "8:5: note (finding): the annotation is empty, so the service account `api` has no role []; ",
        ),
        (
            ": payments",
            ": ' '",
            "8:5: note (finding): the annotation is empty, so the service account `api` has no role []; ",
        ),
        *(
            (old, f"{old.partition(' ')[0]} '{{{{ .Values.x }}}}'", f"8:5: error: `{{{{ .Values.x }}}}` is a placeholder of a chart, which helm has not rendered [WRONG_KIND]; {RENDER}")
            for old in ("name: api", "namespace: pay", ": payments")
        ),
    ],
)  # fmt: skip
def test_an_account_that_cannot_be_used_has_one_problem(old: str, new: str, problem: str) -> None:
    assert found(ACCOUNT.replace(old, new, 1)) == ([], [problem])


def test_of_several_placeholders_the_first_is_reported() -> None:
    text = ACCOUNT.replace("name: api", "name: '{{ a }}'", 1).replace(": payments", ": '{{ b }}'")

    assert [line.partition(" is a")[0] for line in found(text)[1]] == ["8:5: error: `{{ a }}`"]


def test_a_metadata_of_another_form_is_a_problem_and_annotations_of_another_form_are_none() -> None:
    assert found("apiVersion: v1\nkind: ServiceAccount\nmetadata: [a]\n")[1] == [
        "1:1: error: a ServiceAccount must have `metadata.name` []; "
    ]
    assert found("apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: a, annotations: [x]}\n")[1] == [
        f"1:1: note (finding): skipped: no service account has the annotation `{ROLE_NAME}` []; "
    ]


ITEM = f"{{apiVersion: v1, kind: ServiceAccount, metadata: {{name: api, annotations: {{{ROLE_NAME}: payments}}}}}}"


@pytest.mark.parametrize(
    ("kind", "item", "count"),
    [
        ("List", ITEM, 2),
        ("ServiceAccountList", ITEM.replace("kind: ServiceAccount, ", ""), 2),
        ("ServiceAccountList", ITEM.replace("ServiceAccount", "Secret"), 0),
        ("SecretList", ITEM.replace("kind: ServiceAccount, ", ""), 0),
        ("SecretList", ITEM, 2),
        ("Lists", ITEM, 0),
        ("ServiceAccount", ITEM, 0),
    ],
)
def test_the_items_of_a_list_have_its_kind_unless_they_have_their_own(kind: str, item: str, count: int) -> None:
    metadata = "" if kind != "ServiceAccount" else "metadata: {name: a}\n"

    accounts, _ = found(f"apiVersion: v1\nkind: {kind}\n{metadata}items:\n  - {item}\n  - {item}\n  - 1\n")

    assert [each.name for each in accounts] == ["api"] * count
