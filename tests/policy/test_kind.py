"""Of which kind a policy document is, by its content."""

from __future__ import annotations

import pytest

from rolecall.policy.kind import PolicyKind, kind_of_policy

TRUST, PERMISSION = PolicyKind.TRUST, PolicyKind.PERMISSION


@pytest.mark.parametrize(
    ("statements", "kind"),
    [
        ([{"Principal": {}}], TRUST),
        ([{"NotPrincipal": "*"}], TRUST),
        ([{"Principal": {}, "Resource": "*"}], TRUST),
        ([{"Action": "*", "Resource": "*"}], PERMISSION),
        ([{"NotAction": "*"}], PERMISSION),
        ([{"Action": "*"}, {"NotResource": "*"}], PERMISSION),
        ([{"Action": "*"}], None),
        ([{"Effect": "Allow"}, {"Action": "sts:AssumeRole"}], None),
        ({"Action": "*", "Resource": "*"}, PERMISSION),
        ([], TRUST),
        ([{}], TRUST),
        (["x"], TRUST),
        ("x", TRUST),
    ],
)
def test_the_members_of_statements_show_the_kind(statements: object, kind: PolicyKind | None) -> None:
    assert kind_of_policy({"Version": "1", "Statement": statements}) is kind


def test_the_kinds_have_the_names_that_the_command_line_accepts() -> None:
    trust, permission = (kind_of_policy({"Statement": [{name: "*"}]}) for name in ("Principal", "Resource"))

    assert [trust, permission, PolicyKind.SESSION] == list(PolicyKind)
    assert list(PolicyKind) == ["trust-policy", "permission-policy", "session-policy"]


@pytest.mark.parametrize("value", [None, [], "x", {}, {"Version": "1"}])
def test_what_has_no_statements_counts_as_a_trust_policy(value: object) -> None:
    assert kind_of_policy(value) is TRUST
