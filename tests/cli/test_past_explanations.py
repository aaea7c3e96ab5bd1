"""An explanation of the past says which revision decided, and which version of the role."""

from __future__ import annotations

import pytest

from rolecall.cli.options.request import RequestOptions
from rolecall.cli.render.explanation import show_explanation
from rolecall_client.v1 import decision_pb2 as pb

QUESTION = RequestOptions(as_="acs:ram::42:user/ann", role="app")


def lines(capsys: pytest.CaptureFixture[str], role_revision: int, **more: bool) -> list[str]:
    decision = pb.Decision(reason=pb.DECISION_REASON_IMPLICIT_DENY, revision=7)
    response = pb.ExplainAssumeRoleResponse(decision=decision, role_revision=role_revision)
    show_explanation(response, QUESTION, **more)
    return capsys.readouterr().out.splitlines()


def test_the_revision_and_the_version_of_the_role_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    first = ["✗ DENIED  IMPLICIT_DENY: no Allow statement applies", "  who   acs:ram::42:user/ann", "  role  app"]

    assert lines(capsys, 5, past=True) == [*first, "  at    revision 7, by the version of revision 5"]
    assert lines(capsys, 0, past=True) == [*first, "  at    revision 7"]
    assert lines(capsys, 5) == first
