from __future__ import annotations

import json

from rolecall.policy.compiler import compile_policy
from rolecall.policy.evaluator import Outcome, evaluate
from rolecall.policy.parser import parse_policy
from rolecall.policy.principal import principal_of_request

ROOT = "acs:ram::123456789012:root"
POLICY = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [ROOT, ROOT]}}],
}


def test_an_account_root_that_makes_a_request_matches_no_statement() -> None:
    policy = compile_policy(parse_policy(json.dumps(POLICY)))

    evaluation = evaluate(policy, principal_of_request(ROOT), "123456789012", (), 0)

    assert (evaluation.outcome, evaluation.determining) == (Outcome.IMPLICIT_DENY, ())


def test_a_statement_that_names_a_principal_twice_applies_once() -> None:
    policy = compile_policy(parse_policy(json.dumps(POLICY)))

    evaluation = evaluate(policy, principal_of_request("acs:ram::123456789012:user/alice"), "123456789012", (), 0)

    assert [statement.index for statement in evaluation.determining] == [0]
