"""The questions of `quickstart`, and the table of their decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rolecall.cli.examples import Question, _ensure_roles, _questions, show_examples
from rolecall.cli.options.shared import Connection
from rolecall.cli.problems.problem import ProblemsError
from rolecall_client.v1 import decision_pb2 as d, role_pb2 as r
from tests.cli.conftest import show_colours
from tests.cli.recording import recording

QUESTIONS = """\
questions:
  - role: App
    as: acs:ram::42:user/alice
    context: {acs:SourceIp: 10.0.0.1, app:Team: red}
  - {role: Pod, as: "k8s:ack/pay/api", claims: {oidc:aud: x}}
"""
ROLES = "apiVersion: rolecall/v1\nroles:\n  - {name: App, trust_policy: {}}\n  - {name: Pod, trust_policy: {}}\n"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "questions.yaml").write_text(QUESTIONS)
    (tmp_path / "roles").mkdir()
    (tmp_path / "roles/roles.yaml").write_text(ROLES)
    return tmp_path


def test_questions_are_read_with_their_facts(directory: Path) -> None:
    assert list(_questions(directory / "questions.yaml")) == [
        Question(
            role="App",
            as_="acs:ram::42:user/alice",
            claims={},
            context={"acs:SourceIp": ["10.0.0.1"], "app:Team": ["red"]},
        ),
        Question(role="Pod", as_="k8s:ack/pay/api", claims={"oidc:aud": ["x"]}, context={}),
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "questions.yaml: `questions` must be a list"),
        ("[]", "questions.yaml: `questions` must be a list"),
        ("questions: x", "questions.yaml: `questions` must be a list"),
        ("questions: [x]", "questions.yaml:1:13: a question must be a mapping with `role` and `as`"),
        ("questions: [{role: a}]", "questions.yaml:1:13: `as` must be text"),
        ("questions: [{as: a}]", "questions.yaml:1:13: `role` must be text"),
        ("questions: [{role: a, as: b, claims: x}]", "questions.yaml:1:38: `claims` must be a mapping"),
        ("questions: [{role: a, as: b, context: {k: [x]}}]", "questions.yaml:1:39: `k` must be text"),
    ],
)
def test_a_question_of_another_form_is_refused_at_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("questions.yaml").write_text(text)

    with pytest.raises(ProblemsError) as caught:
        list(_questions(Path("questions.yaml")))

    assert str(caught.value) == problem


def test_a_file_of_questions_has_at_most_a_mebibyte(tmp_path: Path) -> None:
    (tmp_path / "questions.yaml").write_text("#" * 1_048_577)

    with pytest.raises(ProblemsError, match="is longer than 1,048,576 bytes"):
        list(_questions(tmp_path / "questions.yaml"))


def shown(directory: Path, capsys: pytest.CaptureFixture[str], **answers: Any) -> tuple[list[str], list[str]]:
    """Return the lines that are printed, and the calls of the server."""
    decision = d.CheckAssumeRoleResponse(decision=d.Decision(allowed=True, missing_keys=["acs:MFAPresent"]))
    with recording(CheckAssumeRole=decision, **answers) as (address, calls):
        show_examples(Connection(address=address), directory, "rolecall explain")
        lines = [line.rstrip() for line in capsys.readouterr().out.replace(address, "ADDRESS").splitlines()]
        return lines, [call.text for call in calls]


def test_a_store_that_has_roles_keeps_them_and_its_account_is_used(
    directory: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = r.ListRolesResponse(roles=[r.Role(account_id="77")])

    lines, calls = shown(directory, capsys, ListRoles=stored)

    assert lines == [
        "rolecall is serving on ADDRESS (the store has roles already, so no examples were applied)",
        "",
        "DECISION   ROLE  PRINCIPAL AND FACTS",
        lines[3],
        "✓ ALLOWED  App   acs:ram::42:user/alice",
        "                 acs:SourceIp=10.0.0.1",
        "                 app:Team=red",
        "                 acs:MFAPresent is absent",
        "✓ ALLOWED  Pod   k8s:ack/pay/api",
        "                 oidc:aud=x",
        "                 acs:MFAPresent is absent",
        "",
        lines[12],
        "",
        "Next, in another terminal (Ctrl-C here stops the server):",
        "  rolecall explain",
    ]
    assert lines[12].endswith("say what each may do: `rolecall callers init --admin IDENTITY`.")
    assert [call.partition("\n")[0] for call in calls] == ["ListRoles", "CheckAssumeRole", "CheckAssumeRole"]
    assert calls[0] == "ListRoles\npage_size: 1"
    assert 'key: "acs:SourceIp" value { values: "10.0.0.1" }' in calls[1]
    assert 'key: "app:Team" value { values: "red" }' in calls[1]
    assert "acs:ram::77:oidc-provider/ack" in calls[2]
    assert 'claims { key: "oidc:aud" value { values: "x" } }' in calls[2]


def test_a_question_that_is_denied_has_the_other_mark(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    stored = r.ListRolesResponse(roles=[r.Role(account_id="77")])
    with recording(ListRoles=stored) as (address, _):
        show_examples(Connection(address=address), directory, "next")

    assert capsys.readouterr().out.count("✗ DENIED ") == 2


def test_on_a_terminal_verdicts_are_coloured_and_lines_to_copy_are_not_broken(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    show_colours(monkeypatch, columns=60)
    stored = r.ListRolesResponse(roles=[r.Role(account_id="77")])
    denied = d.CheckAssumeRoleResponse()

    lines, _ = shown(directory, capsys, ListRoles=stored)
    with recording(ListRoles=stored, CheckAssumeRole=denied) as (address, _):
        show_examples(Connection(address=address), directory, "rolecall " + "x" * 100)
    other = [line.rstrip() for line in capsys.readouterr().out.splitlines()]

    assert lines[0] == "rolecall is serving on ADDRESS (the store has roles already, so no examples were applied)"
    assert lines[4].startswith("\x1b[32m✓ ALLOWED\x1b[0m  App   acs:ram::42:user/alice")
    assert lines[5].strip() == "\x1b[2macs:SourceIp=10.0.0.1\x1b[0m"
    assert lines[12] == (
        "\x1b[2mEveryone on this machine may do everything here. For callers elsewhere say what each may do: "
        "`rolecall callers init --admin IDENTITY`.\x1b[0m"
    )
    assert lines[-2:] == [
        "Next, in another terminal (Ctrl-C here stops the server):",
        "\x1b[1m  rolecall explain\x1b[0m",
    ]
    assert other[4].startswith("\x1b[31m✗ DENIED\x1b[0m ")
    assert other[-1] == f"\x1b[1m  rolecall {'x' * 100}\x1b[0m"


class EmptyServer:
    """A server without roles, which has those that are applied."""

    def __init__(self) -> None:
        self.roles: list[r.Role] = []
        self.asked: list[r.ListRolesRequest] = []
        self.written: list[tuple[list[str], dict[str, str]]] = []

    def list_roles(self, request: r.ListRolesRequest) -> r.ListRolesResponse:
        self.asked.append(request)
        return r.ListRolesResponse(roles=self.roles)

    def apply_roles(self, roles: list[r.RoleDeclaration], **author: str) -> None:
        self.written.append(([role.role_name for role in roles], author))
        self.roles = [r.Role(account_id="77"), r.Role(account_id="78")]


def test_an_empty_store_gets_the_examples_with_their_origin(directory: Path) -> None:
    server: Any = EmptyServer()

    first = _ensure_roles(server, directory / "roles")
    second = _ensure_roles(server, directory / "roles")

    assert (first, second) == (("77", 2), ("77", 0))
    assert server.written == [(["App", "Pod"], {"change_reason": "quickstart", "source": "examples/roles"})]
    assert server.asked == [r.ListRolesRequest(page_size=1)] * 3


def test_examples_are_applied_before_anything_is_asked(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (directory / "questions.yaml").write_text("questions: []")
    with recording() as (address, calls), pytest.raises(IndexError):
        # The server of this test remains empty.
        show_examples(Connection(address=address), directory, "next")

    assert [call.method for call in calls] == ["ListRoles", "ApplyRoles", "ListRoles"]
    assert capsys.readouterr().out == ""


def test_no_variable_says_how_to_reach_the_server_that_was_just_started(
    directory: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ROLECALL_CONTEXT", "ROLECALL_TLS_CA", "ROLECALL_TOKEN_FILE", "ROLECALL_TIMEOUT"):
        monkeypatch.setenv(name, "/nowhere")

    lines, _ = shown(directory, capsys, ListRoles=r.ListRolesResponse(roles=[r.Role(account_id="77")]))

    assert lines[0].startswith("rolecall is serving on ADDRESS (")


def test_a_file_of_questions_may_have_a_whole_mebibyte(tmp_path: Path) -> None:
    text = "questions: []\n"
    (tmp_path / "questions.yaml").write_text(text + "#" * (1_048_576 - len(text)))

    assert list(_questions(tmp_path / "questions.yaml")) == []


def test_of_several_documents_the_first_has_the_questions(tmp_path: Path) -> None:
    (tmp_path / "questions.yaml").write_text("questions: []\n---\nquestions: x\n")

    assert list(_questions(tmp_path / "questions.yaml")) == []
