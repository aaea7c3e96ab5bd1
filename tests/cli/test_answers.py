"""How each answer of a server is printed for people: every field that is meant for them, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from rolecall_client.v1 import caller_pb2 as caller, decision_pb2 as d, role_pb2 as r
from tests.cli.case_files import VALID
from tests.cli.conftest import CommandLine
from tests.cli.recording import recording

ARN = "acs:ram::42:role/App"
WHO = "--as=acs:ram::42:user/alice"
TIME = Timestamp(seconds=1_700_000_000, nanos=5_000_000)
ROLE = r.Role(
    arn=ARN,
    account_id="42",
    role_name="App",
    role_id="7f3c",
    description="what it is for",
    max_session_duration_seconds=7_200,
    tags={"team": "blue", "env": "prod"},
    create_time=Timestamp(seconds=1_600_000_000),
    update_time=TIME,
    revision=12,
    etag='"12-1"',
    assume_role_policy_document='{\n\t"Version": "1"\n}',
)
BARE = r.Role(arn=ARN, account_id="42", role_name="App", role_id="7f3c", revision=3, etag='"3-1"')
POLICY = '{"Version": "1", "Statement": []}'


def printed(rolecall: CommandLine, *arguments: str, **answers: Any) -> tuple[int, list[str], list[str]]:
    """Return the exit code, and the lines of both outputs without blanks at their ends."""
    with recording(**answers) as (address, _):
        code, out, err = rolecall(*arguments, "--address", address)
    return code, [line.rstrip() for line in out.splitlines()], err.splitlines()


def decided(**fields: Any) -> d.CheckAssumeRoleResponse:
    return d.CheckAssumeRoleResponse(decision=d.Decision(**fields))


FACTS = (
    "--as=acs:ram::42:oidc-provider/p", "--role=App", "--claim=oidc:sub=me", "--context=app:Team=red", "--external-id=partner",
    "--session-name=build", "--source-identity=carol",
)  # fmt: skip
SHOWN_FACTS = [
    ("who", "acs:ram::42:oidc-provider/p"), ("", "oidc:sub=me"), ("", "app:Team=red"), ("", "sts:ExternalId=partner"),
    ("", "sts:RoleSessionName=build"), ("", "sts:SourceIdentity=carol"), ("role", "App"),
]  # fmt: skip


def test_an_allow_has_every_fact_that_matters_to_its_use(rolecall: CommandLine) -> None:
    answer = decided(
        allowed=True,
        reason=d.DECISION_REASON_ALLOW,
        determining_statements=[
            d.DeterminingStatement(index=0, pointer="/Statement/0", sid="Blue"),
            d.DeterminingStatement(index=1, pointer="/Statement/1"),
        ],
        missing_keys=["acs:SourceIp", "app:x"],
        role_id="7f3c",
        valid_until=TIME,
        identity_side=d.SIDE_OUTCOME_NOT_EVALUATED,
    )

    code, out, err = printed(rolecall, "check", *FACTS, CheckAssumeRole=answer)

    assert (code, err) == (0, [])
    assert out == [
        "✓ ALLOWED",
        *(f"  {name:<7}{fact}" for name, fact in SHOWN_FACTS),
        "  by     /Statement/0 (Blue)",
        "  by     /Statement/1",
        "  absent acs:SourceIp, app:x",
        "  until  2023-11-14T22:13:20.005Z, or the role changes",
        "  only the trust policy was evaluated, not the caller's own policies",
    ]


@pytest.mark.parametrize(
    ("fields", "lines"),
    [
        ({"reason": d.DECISION_REASON_EXPLICIT_DENY}, ["✗ DENIED  EXPLICIT_DENY: a Deny statement applies"]),
        ({"reason": d.DECISION_REASON_IMPLICIT_DENY}, ["✗ DENIED  IMPLICIT_DENY: no Allow statement applies"]),
        ({"reason": d.DECISION_REASON_ROLE_NOT_FOUND}, ["✗ DENIED  ROLE_NOT_FOUND: there is no such role"]),
        ({"reason": d.DECISION_REASON_ROOT_NOT_ALLOWED}, ["✗ DENIED  ROOT_NOT_ALLOWED: an account root cannot assume roles"]),
        ({}, ["✗ DENIED  UNSPECIFIED"]),
        ({"role_id": "1", "identity_side": d.SIDE_OUTCOME_NOT_EVALUATED}, ["✗ DENIED  UNSPECIFIED", "  until  the role changes"]),
        ({"allowed": True}, ["✓ ALLOWED", "  until  the role changes"]),
    ],
)  # fmt: skip
def test_a_decision_is_a_headline_with_its_reason(
    rolecall: CommandLine, fields: dict[str, Any], lines: list[str]
) -> None:
    code, out, _ = printed(rolecall, "check", WHO, "--role=App", CheckAssumeRole=decided(**fields))

    codes = {d.DECISION_REASON_ROLE_NOT_FOUND: 3}
    assert code == (0 if fields.get("allowed") else codes.get(fields.get("reason", 0), 1))
    assert [line for line in out if not line.startswith(("  who", "  role"))] == lines


def test_every_decision_reason_of_the_contract_has_a_sentence(rolecall: CommandLine) -> None:
    for reason in set(d.DecisionReason.values()) - {d.DECISION_REASON_UNSPECIFIED, d.DECISION_REASON_ALLOW}:
        _, out, _ = printed(rolecall, "check", WHO, "--role=App", CheckAssumeRole=decided(reason=reason))

        assert ": " in out[0]


def condition(**fields: Any) -> d.ConditionTrace:
    usual = {"operator": "StringEquals", "key": "app:Team", "expected": ["red"], "actual": ["red"], "present": True}
    return d.ConditionTrace(**{**usual, **fields})


def statement(effect: str, *conditions: d.ConditionTrace, **fields: Any) -> d.StatementTrace:
    usual = {"pointer": "/Statement/0", "principal_matched": True, "matched_principal": "acs:ram::42:root"}
    return d.StatementTrace(effect=effect, conditions=conditions, **{**usual, **fields})


@pytest.mark.parametrize(
    ("trace", "lines"),
    [
        (
            statement("Allow", condition(holds=True), sid="Blue", applies=True),
            ["✓ Allow /Statement/0 (Blue) applies", "├── ✓ principal acs:ram::42:root", "└── ✓ StringEquals app:Team red"],
        ),
        (
            statement("Allow", condition(actual=["blue", "green"], expected=["red", "rose"])),
            [
                "✗ Allow /Statement/0 does not apply", "├── ✓ principal acs:ram::42:root", "└── ✗ StringEquals app:Team",
                "        expected red or rose", "        actual   blue, green",
            ],
        ),
        (
            statement("Allow", condition(holds=True, actual=["r*d"])),
            [
                "✗ Allow /Statement/0 does not apply", "├── ✓ principal acs:ram::42:root", "├── ✓ StringEquals app:Team",
                "│       expected red", "│       actual   r*d", "└── its actions are not those of the request",
            ],
        ),
        (
            statement("Deny", condition(present=False, actual=[]), condition(actual=["x"], unreadable=True, operator="IpAddress")),
            [
                "✗ Deny /Statement/0 does not apply", "├── ✓ principal acs:ram::42:root", "├── ✗ StringEquals app:Team",
                "│       expected red", "│       actual   absent", "└── ✗ IpAddress app:Team", "        expected red",
                "        actual   x (unreadable to IpAddress)",
            ],
        ),
        (
            statement("Allow", principal_matched=False, matched_principal="", principals=["a", "b"]),
            ["✗ Allow /Statement/0 does not apply", "└── ✗ principal is not a or b"],
        ),
        (
            statement("Allow", principal_matched=False, matched_principal=""),
            ["✗ Allow /Statement/0 does not apply", "└── ✗ principal: none is named"],
        ),
        (
            statement("Allow", condition(expected=["", " x", *"abcdef"], actual=["y" * 201])),
            [
                "✗ Allow /Statement/0 does not apply", "├── ✓ principal acs:ram::42:root", "└── ✗ StringEquals app:Team",
                '        expected "" or " x" or a or b or c or d and 2 more', f"        actual   {'y' * 200}…",
            ],
        ),
        (
            statement("Allow", condition(expected=[*"abcdef"], actual=["y" * 200])),
            [
                "✗ Allow /Statement/0 does not apply", "├── ✓ principal acs:ram::42:root", "└── ✗ StringEquals app:Team",
                "        expected a or b or c or d or e or f", f"        actual   {'y' * 200}",
            ],
        ),
    ],
)  # fmt: skip
def test_a_statement_is_a_tree_of_its_principal_and_conditions(
    rolecall: CommandLine, trace: d.StatementTrace, lines: list[str]
) -> None:
    answer = d.ExplainAssumeRoleResponse(decision=d.Decision(), statements=[trace])

    code, out, _ = printed(rolecall, "explain", WHO, "--role=App", ExplainAssumeRole=answer)

    assert (code, out[:4]) == (1, ["✗ DENIED  UNSPECIFIED", "  who   acs:ram::42:user/alice", "  role  App", ""])
    assert out[4:] == lines


def test_an_explanation_ends_with_the_smallest_changes(rolecall: CommandLine) -> None:
    misses = [
        d.NearMiss(pointer="/Statement/0", effect="Allow", suggestion="name `x`"),
        d.NearMiss(pointer="/Statement/1", effect="Deny", suggestion="send `y`"),
    ]
    decision = d.Decision(allowed=True, identity_side=d.SIDE_OUTCOME_NOT_EVALUATED)
    answer = d.ExplainAssumeRoleResponse(decision=decision, near_misses=misses)

    code, out, _ = printed(rolecall, "explain", *FACTS, ExplainAssumeRole=answer)

    assert code == 0
    assert out == [
        "✓ ALLOWED",
        *(f"  {name:<5} {fact}" for name, fact in SHOWN_FACTS),
        "",
        "closest: name `x`",
        "",
        "in the way: send `y`",
        "  only the trust policy was evaluated, not the caller's own policies",
    ]


def test_a_role_is_shown_with_every_field_that_it_has(rolecall: CommandLine) -> None:
    whole = printed(rolecall, "role", "get", "App", GetRole=r.GetRoleResponse(role=ROLE))
    bare = printed(rolecall, "role", "get", "App", GetRole=r.GetRoleResponse(role=BARE))

    assert whole == (
        0,
        [
            f"arn         {ARN}",
            "role id     7f3c",
            "description what it is for",
            "max session 7200 s",
            "tags        env=prod, team=blue",
            "created     2020-09-13 12:26:40Z",
            "updated     2023-11-14 22:13:20Z (revision 12)",
            'etag        "12-1"',
            "",
            "{",
            '    "Version": "1"',
            "}",
        ],
        [],
    )
    assert [line.split()[0] for line in bare[1] if line] == ["arn", "role", "max", "created", "updated", "etag"]


def test_roles_are_listed_with_their_fields(rolecall: CommandLine) -> None:
    code, out, err = printed(rolecall, "role", "list", ListRoles=r.ListRolesResponse(roles=[ROLE, BARE]))

    assert (code, err) == (0, [])
    assert out[0].split() == ["NAME", "ACCOUNT", "UPDATED", "REVISION", "TAGS", "DESCRIPTION"]
    assert out[2].split() == [
        "App",
        "42",
        "2023-11-14",
        "22:13:20Z",
        "12",
        "env=prod,",
        "team=blue",
        "what",
        "it",
        "is",
        "for",
    ]
    assert out[3].split() == ["App", "42", "1970-01-01", "00:00:00Z", "3"]


def test_a_history_has_the_fields_of_each_revision(rolecall: CommandLine) -> None:
    revision = r.RoleRevision(
        revision=12, change_time=TIME, actor="CN=ci", change_reason="moved", kind=r.CHANGE_KIND_UPDATED
    )
    answer = r.ListRoleRevisionsResponse(revisions=[revision], next_page_token="more")

    more = printed(rolecall, "role", "history", "App", ListRoleRevisions=answer)
    answer.next_page_token = ""
    last = printed(rolecall, "role", "history", "App", ListRoleRevisions=answer)

    assert more[1][0].split() == ["REVISION", "TIME", "CHANGE", "BY", "REASON"]
    assert more[1][2].split() == ["12", "2023-11-14", "22:13:20Z", "UPDATED", "CN=ci", "moved"]
    assert (more[2], last[2]) == (["there are older revisions; show more with --limit"], [])


def test_changes_have_their_author_and_a_restored_role_says_so(rolecall: CommandLine) -> None:
    restored = r.Role(arn=ARN, create_time=TIME)
    changes = [
        r.RecordedChange(revision=12, time=TIME, actor="CN=ci", reason="moved", kind=r.CHANGE_KIND_UPDATED, role=ROLE),
        r.RecordedChange(revision=11, actor="ann", source="git", kind=r.CHANGE_KIND_CREATED, role=restored),
        r.RecordedChange(revision=10, actor="ann", kind=r.CHANGE_KIND_CREATED, role=r.Role(arn=ARN)),
    ]
    answer = r.ListChangesResponse(changes=changes, revision=12)

    all_ = printed(rolecall, "changes", ListChanges=answer)
    newest = printed(rolecall, "changes", "--limit=2", ListChanges=answer)
    first = printed(rolecall, "changes", "--limit=2", "--from-revision=10", ListChanges=answer)
    none = printed(rolecall, "changes", ListChanges=r.ListChangesResponse())

    assert all_[1][0].split() == ["REVISION", "TIME", "CHANGE", "ROLE", "BY", "REASON"]
    assert [line.split() for line in all_[1][2:]] == [
        ["10", "1970-01-01", "00:00:00Z", "CREATED", ARN, "ann"],
        ["11", "1970-01-01", "00:00:00Z", "UNDELETED", ARN, "ann", "(git)"],
        ["12", "2023-11-14", "22:13:20Z", "UPDATED", ARN, "CN=ci", "moved"],
    ]
    assert [line.split()[0] for line in newest[1][2:]] == ["11", "12"]
    assert newest[2] == ["there are older changes; show more with --limit"]
    assert first[2] == ["there are later changes; show more with --limit, or from a later --from-revision"]
    assert none[1:] == ([], ["no changes"])


@pytest.mark.parametrize(
    ("arguments", "done", "rehearsed"),
    [
        (["create", "App", "--policy=p.json"], "created", "would create"),
        (["update", "App", "--no-tags"], "updated", "would update"),
        (["undelete", "App"], "restored", "would restore"),
        (["rollback", "App", "--revision=3"], "restored", ""),
    ],
)
def test_a_write_says_what_it_did_to_which_revision(
    rolecall: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    done: str,
    rehearsed: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.json").write_text(POLICY)
    answers = {
        "CreateRole": r.CreateRoleResponse(role=ROLE),
        "UpdateRole": r.UpdateRoleResponse(role=ROLE),
        "UndeleteRole": r.UndeleteRoleResponse(role=ROLE),
        "RollbackRole": r.RollbackRoleResponse(role=ROLE),
    }

    assert printed(rolecall, "role", *arguments, **answers)[1] == [f'{done} {ARN} (revision 12, etag "12-1")']
    for answer in answers.values():
        answer.role.revision = 0  # type: ignore[attr-defined]
    if rehearsed:
        assert printed(rolecall, "role", *arguments, "--dry-run", **answers)[1] == [f"{rehearsed} {ARN} (not written)"]


def test_a_deletion_names_the_role_as_it_was_named(rolecall: CommandLine) -> None:
    assert printed(rolecall, "role", "delete", "42/app")[1] == ["deleted 42/app"]
    assert printed(rolecall, "role", "delete", "42/app", "--dry-run")[1] == ["would delete 42/app"]


def changed(kind: Any, name: str, diff: str = "") -> r.RoleChange:
    return r.RoleChange(role_arn=f"acs:ram::42:role/{name}", kind=kind, diff=diff)


def test_an_apply_lists_its_changes_and_their_sum(
    rolecall: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("r.yaml").write_text(f"apiVersion: rolecall/v1\nname: a\ntrust_policy_json: '{VALID}'\n")
    diff = "--- before\n+++ after\n@@ -1 +1 @@\n-old\n+new\n same"
    answer = r.ApplyRolesResponse(
        changes=[
            changed(r.CHANGE_KIND_CREATED, "a", "+whole"),
            changed(r.CHANGE_KIND_UPDATED, "b", diff),
            changed(r.CHANGE_KIND_DELETED, "c", "-whole"),
            changed(r.CHANGE_KIND_UNCHANGED, "d"),
            changed(r.CHANGE_KIND_UNSPECIFIED, "e"),
        ]
    )
    lines = [
        "+ acs:ram::42:role/a", "~ acs:ram::42:role/b", "    @@ -1 +1 @@", "    -old", "    +new", "     same",
        "- acs:ram::42:role/c", "? acs:ram::42:role/e",
    ]  # fmt: skip

    done = printed(rolecall, "apply", "-f", "r.yaml", ApplyRoles=answer)
    rehearsed = printed(rolecall, "apply", "-f", "r.yaml", "--dry-run", ApplyRoles=answer)
    nothing = printed(rolecall, "apply", "-f", "r.yaml", ApplyRoles=r.ApplyRolesResponse())

    assert done == (0, [*lines, "created 1, updated 1, deleted 1; 1 unchanged"], [])
    assert rehearsed == (0, [*lines, "would create 1, update 1, delete 1; 1 unchanged"], [])
    assert nothing == (0, ["0 unchanged"], [])


def test_what_a_principal_can_assume_names_what_it_depends_on(rolecall: CommandLine) -> None:
    roles = [
        d.AssumableRole(role_arn=ARN, outcome=d.ASSUMABILITY_ALLOW),
        d.AssumableRole(role_arn=ARN + "2", outcome=d.ASSUMABILITY_CONDITIONAL, missing_keys=["acs:SourceIp", "app:x"]),
        d.AssumableRole(role_arn=ARN + "3"),
    ]

    _, out, _ = printed(rolecall, "what-can", WHO, ListAssumableRoles=d.ListAssumableRolesResponse(roles=roles))
    nothing = printed(rolecall, "what-can", WHO)

    assert [line.split("  ")[0] for line in out] == ["ROLE", out[1], ARN, ARN + "2", ARN + "3"]
    assert out[0].split() == ["ROLE", "OUTCOME", "DEPENDS", "ON"]
    assert [line.split()[1:] for line in out[2:]] == [
        ["ALLOW"],
        ["CONDITIONAL", "acs:SourceIp,", "app:x"],
        ["UNSPECIFIED"],
    ]
    assert nothing == (0, [], ["no roles"])


def test_a_grant_has_a_line_of_its_own(rolecall: CommandLine) -> None:
    grants = [
        d.TrustGrant(principal_pattern="acs:ram::42:root", type="RAM", effect="Allow", conditions=["`a` is `b`", "c"], statement_pointer="/Statement/0"),
        d.TrustGrant(principal_pattern="ecs.aliyuncs.com", type="Service", effect="Deny", statement_pointer="/Statement/1"),
    ]  # fmt: skip

    _, out, _ = printed(
        rolecall, "who-can", "App", ListTrustedPrincipals=d.ListTrustedPrincipalsResponse(grants=grants)
    )

    assert out[0].split() == ["WHO", "TYPE", "EFFECT", "CONDITIONS", "STATEMENT"]
    assert out[2].split() == ["acs:ram::42:root", "RAM", "Allow", "`a`", "is", "`b`", "and", "c", "/Statement/0"]
    assert out[3].split() == ["ecs.aliyuncs.com", "Service", "Deny", "none", "/Statement/1"]


def test_a_caller_is_shown_with_what_the_server_knows_of_it(rolecall: CommandLine) -> None:
    answer = caller.WhoAmIResponse(
        identity="spiffe://td/a",
        credential_kind=caller.CREDENTIAL_KIND_LOCAL_ADMIN,
        entries=["one", "two"],
        principal="acs:ram::42:user/a",
        policies=["RolecallDecider", "Own"],
        generation="abc",
    )
    answer.expire_time.FromSeconds(1_798_106_400)

    code, out, _ = printed(rolecall, "whoami", WhoAmI=answer)
    _, unknown, _ = printed(rolecall, "whoami")

    assert code == 0
    assert [" ".join(line.split()) for line in out[2:]] == [
        "identity spiffe://td/a",
        "recognised by local admin",
        "principal acs:ram::42:user/a",
        "entries one, two",
        "policies RolecallDecider, Own",
        "callers file abc",
        "expires 2026-12-24T10:00:00+00:00",
    ]
    assert [" ".join(line.split()) for line in unknown[4:]] == [
        "principal none",
        "entries none",
        "policies none",
        "callers file none",
        "expires with the connection",
    ]


def test_what_a_caller_may_do_is_shown_with_the_statements_that_say_so(rolecall: CommandLine) -> None:
    explanation = caller.AccessExplanation(
        determining_statements=[caller.AccessStatement(policy="Own", index=2, sid="S")],
        missing_keys=["ram:ServiceNames"],
    )

    allowed = printed(rolecall, "can", "ram:GetRole", CanI=caller.CanIResponse(allowed=True, explanation=explanation))
    denied = printed(rolecall, "can", "ram:GetRole", "acs:ram::42:role/a")
    as_json = printed(rolecall, "can", "ram:GetRole", "-o", "json")

    assert (allowed[0], allowed[1][0], allowed[1][3].split()) == (0, "yes", ["Own", "/Statement/2", "S"])
    assert allowed[1][-1].endswith("ram:ServiceNames")
    assert denied[:2] == (1, ["no"])
    assert (as_json[0], json.loads("".join(as_json[1]))) == (1, {"allowed": False})
