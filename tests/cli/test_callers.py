from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from rolecall.security.callers_file import load_callers
from tests.callers.files import ISSUER, ORDERS, TOKEN_HASH
from tests.cli.conftest import CommandLine

ROLE = "acs:ram::123456789012:role/shop-app"
CALLERS = """\
callers:
  - {name: admin, match: {dns: admin.svc}, policies: [AdministratorAccess]}
  - name: orders
    match: {dns: orders.svc}
    principal: acs:ram::123456789012:user/orders
    policies: [RolecallDecider, Shop]
policies:
  Shop:
    Version: "1"
    Statement:
      - Effect: Allow
        Action: ["ram:CreateRole", "*"]
        Resource: acs:ram:*:123456789012:role/shop-*
        Condition: {StringEquals: {"acs:ResourceTag/team": shop}}
        Sid: OwnRoles
"""

KEYS = """\
{"keys": [{"kty": "EC", "crv": "P-256", "x": "MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
           "y": "4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM", "use": "sig", "kid": "1"}]}
"""
"""The public key of RFC 7517, appendix A.1."""

Write = Callable[..., str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(text: str = CALLERS, name: str = "callers.yaml") -> str:
        (tmp_path / name).write_text(text)
        return str(tmp_path / name)

    return write


@pytest.mark.parametrize(
    "admin", ["admin.svc", ORDERS, f"{ISSUER} system:serviceaccount:ops:admin", f"token:{TOKEN_HASH}", "uid:0", "local"]
)
def test_a_file_to_begin_with_is_valid_and_has_one_administrator(
    rolecall: CommandLine, tmp_path: Path, admin: str
) -> None:
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    (tmp_path / "keys.json").write_text(KEYS)
    path = tmp_path / "callers.yaml"
    path.write_text(rolecall("callers", "init", "--admin", admin).out)

    checked = rolecall("callers", "check", str(path), "-o", "json")
    explained = rolecall("callers", "explain", "--as", admin, "--callers", str(path), "ram:DeleteRole", ROLE)

    assert json.loads(checked.out) | {"generation": ""} == {
        "valid": True,
        "generation": "",
        "entries": 1,
        "problems": [],
    }
    assert (explained.code, explained.out.splitlines()[0]) == (0, "✓ ALLOWED")


def test_the_examples_in_a_file_to_begin_with_are_valid(rolecall: CommandLine, write: Write) -> None:
    text = rolecall("callers", "init", "--admin", "admin.svc").out
    commented = "\n".join(
        line.replace("  # ", "  ", 1) if line.startswith(("  # -", "  #  ", "  # Create")) else line
        for line in text.replace("policies: {}", "policies:").splitlines()
    )

    file, *_ = load_callers(write(commented))

    assert [entry.name for entry in file.callers] == ["admin", "gateway", "orders", "shop-team"]
    assert [own.name for own in file.policies] == ["CreateShopRoles"]


def test_a_file_is_written_once(rolecall: CommandLine, tmp_path: Path) -> None:
    path = str(tmp_path / "callers.yaml")

    first, second = (rolecall("callers", "init", "--admin", admin, path) for admin in ("admin.svc", "other.svc"))

    assert (first.code, second.code) == (0, 2)
    assert f"`{path}` exists" in second.err
    assert load_callers(path).file.callers[0].match.text == "admin.svc"


@pytest.mark.parametrize(
    ("admin", "error"),
    [
        ("*.svc", "`*` would make every caller that matches an administrator; write one identity"),
        ("spiffe://td/*", "`*` would make every caller that matches an administrator; write one identity"),
        ("not a name*", "`*` stands for one whole segment, between `:` or `/`; write the segment out, or only `*`"),
        ("", "the text is empty; write a value, or leave out the field"),
    ],
)
def test_an_administrator_is_one_identity(rolecall: CommandLine, admin: str, error: str) -> None:
    outcome = rolecall("callers", "init", f"--admin={admin}")

    assert (outcome.code, outcome.out, outcome.err) == (2, "", f"error: --admin: {error}\n")


def test_every_violation_has_its_place(rolecall: CommandLine, write: Write) -> None:
    path = write(CALLERS.replace("orders.svc", "orders.svc.").replace("[RolecallDecider,", "[RolecallDecide,"))

    outcome = rolecall("callers", "check", path)

    assert outcome.code == 2
    assert f"{path}:4:13: error: `orders.svc.` is not a DNS name" in outcome.out
    assert "did you mean `RolecallDecider`? [UNKNOWN_POLICY]" in outcome.out
    assert outcome.out.endswith(f"✗ {path}: 2 errors\n")


def test_a_valid_file_has_its_remarks_and_its_generation(rolecall: CommandLine, write: Write) -> None:
    path = write(CALLERS.replace("dns: admin.svc", 'dns: "*.admin.svc"'))

    outcome = rolecall("callers", "check", path)
    facts = json.loads(rolecall("callers", "check", path, "-o", "json").out)

    assert outcome.code == 0
    assert f"{path}:2:19: warning: every caller that matches `*.admin.svc` may do everything" in outcome.out
    assert facts["valid"] is True
    assert facts["generation"] == load_callers(path).file.generation
    assert "administrators-by-wildcard" in [problem["reason"] for problem in facts["problems"]]


def test_the_keys_of_tokens_are_checked(rolecall: CommandLine, write: Write, tmp_path: Path) -> None:
    (tmp_path / "good.json").write_text(KEYS)
    (tmp_path / "bad.json").write_text("{}")
    path = write(
        "issuers:\n  a: {jwks_file: good.json}\n  b: {jwks_file: bad.json}\n  c: {jwks_file: none.json}\n"
        '  d: {jwks_url: "https://keys.example/jwks"}\ncallers: []\n'
    )

    outcome = rolecall("callers", "check", path)

    assert outcome.code == 2
    assert f"{path}:3:3: error: the key set must be an object" in outcome.out
    assert (
        f"{path}:4:3: error: cannot read the key set `{tmp_path}/none.json`: no such file or directory" in outcome.out
    )
    assert (
        f"{path}:5:3: note: the server fetches these keys only from a host that it lists: `--jwks-host keys.example`"
        in outcome.out
    )
    assert outcome.out.count(": error: ") == 2


def test_an_explanation_names_the_statements_that_decide(rolecall: CommandLine, write: Write) -> None:
    arguments = ("callers", "explain", "--as", "Orders.svc", "--callers", write(), "ram:CreateRole", ROLE)

    allowed = rolecall(*arguments, "--context", "acs:ResourceTag/team=shop")
    denied = rolecall(*arguments)

    assert allowed.code == 0
    assert "is       acs:ram::123456789012:user/orders" in allowed.out
    assert "entries  orders" in allowed.out
    assert "policies RolecallDecider, Shop" in allowed.out
    assert denied.code == 1
    assert denied.out.startswith("✗ DENIED  IMPLICIT_DENY: no Allow statement applies\n")
    assert "missing  acs:ResourceTag/team" in denied.out
    assert "does not hold: `acs:ResourceTag/team` is `shop`" in denied.out


def test_an_explanation_as_json(rolecall: CommandLine, write: Write) -> None:
    outcome = rolecall(
        *("callers", "explain", "--as", "orders.svc", "--callers", write(), "rolecall:Watch", ROLE, "-o", "json")
    )

    answer = json.loads(outcome.out)
    assert outcome.code == 1
    assert (answer["allowed"], answer["outcome"], answer["caller"]) == (False, "IMPLICIT_DENY", "orders.svc")
    assert [(s["policy"], s["action_matches"], s["out_of_reach"]) for s in answer["statements"]] == [
        ("RolecallDecider", False, False),
        ("Shop", False, True),
    ]


@pytest.mark.parametrize(
    ("identity", "code", "why"),
    [
        ("local", 0, "✓ ALLOWED"),
        ("anonymous", 1, "no Allow statement"),
        ("orders.svc", 1, "no entry matches this caller"),
    ],
)
def test_without_a_file_it_explains_a_server_without_one(
    rolecall: CommandLine, identity: str, code: int, why: str
) -> None:
    outcome = rolecall("callers", "explain", "--as", identity, "ram:CreateRole", ROLE)

    assert outcome.code == code
    assert why in outcome.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--as", "*.svc", "ram:CreateRole"), "--as: `*.svc` has `*`; write the identity of one caller"),
        (("--as", "local", "--via", "uid:x", "ram:CreateRole"), "--via: must be a whole number"),
        (("--as", "local", "ram:*"), "the action `ram:*` is not written out"),
    ],
)
def test_a_question_that_cannot_be_asked(rolecall: CommandLine, arguments: tuple[str, ...], message: str) -> None:
    outcome = rolecall("callers", "explain", *arguments)

    assert outcome.code == 2
    assert f"error: {message}" in outcome.err


def test_a_gain_is_exit_code_2_and_a_loss_is_not(rolecall: CommandLine, write: Write) -> None:
    old, new = (
        write(),
        write(CALLERS.replace("[RolecallDecider, Shop]", "[RolecallDecider, Shop, RolecallAuditor]"), "new.yaml"),
    )

    gain, loss, same = (
        rolecall("callers", "diff", old, new),
        rolecall("callers", "diff", new, old),
        rolecall("callers", "diff", old, old),
    )

    assert (gain.code, loss.code, same.code) == (2, 0, 0)
    assert "gains  orders.svc  may rolecall:Watch on every resource" in gain.out
    assert "loses  orders.svc  may rolecall:Watch on every resource" in loss.out
    assert same.out == "0 gains, 0 losses\n"


def test_keys_are_compared_by_their_content(rolecall: CommandLine, tmp_path: Path) -> None:
    text = f'issuers: {{"{ISSUER}": {{jwks_file: keys.json}}}}\ncallers: []\n'
    for folder, keys in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "keys.json").write_text(keys)
        (tmp_path / folder / "callers.yaml").write_text(text)

    same = rolecall("callers", "diff", str(tmp_path / "a"), str(tmp_path / "b"))
    other = rolecall("callers", "diff", str(tmp_path / "a"), str(tmp_path / "c"), "-o", "json")

    assert same.code == 0
    assert other.code == 2
    assert [change["caller"] for change in json.loads(other.out)["gains"]] == [ISSUER]


def test_a_token_is_printed_once_with_the_entry_that_has_its_hash(rolecall: CommandLine, write: Write) -> None:
    outcome = rolecall("token", "new", "--name", "small")

    token = outcome.out.strip()
    path = write("callers:\n" + outcome.err.partition("\n")[2])
    [entry] = load_callers(path).file.callers
    assert (entry.name, entry.match.text) == ("small", hashlib.sha256(token.encode()).hexdigest())
    assert token not in outcome.err


def test_a_token_as_json(rolecall: CommandLine) -> None:
    made = json.loads(rolecall("token", "new", "-o", "json").out)

    assert made["token_sha256"] == hashlib.sha256(made["token"].encode()).hexdigest()


TOKENS = f"""\
issuers: {{"{ISSUER}": {{jwks_file: keys.json}}}}
callers:
  - {{name: job, match: {{oidc: {{issuer: "{ISSUER}", subject: job, audience: rolecall}}}}, policies: [AtOffice]}}
  - {{name: other, match: {{oidc: {{issuer: "{ISSUER}", subject: job, audience: other}}}}, policies: [RolecallDecider]}}
  - {{name: small, match: {{token_sha256: {TOKEN_HASH}}}, policies: [OverTls]}}
  - {{name: user, match: {{uid: 7}}, policies: [OverTls]}}
policies:
  AtOffice:
    Version: "1"
    Statement:
      - {{Effect: Allow, Action: "ram:GetRole", Resource: "*", Condition: {{IpAddress: {{"acs:SourceIp": 10.0.0.0/8}}}}}}
  OverTls:
    Version: "1"
    Statement:
      - {{Effect: Allow, Action: "ram:GetRole", Resource: "*", Condition: {{Bool: {{"acs:SecureTransport": "true"}}}}}}
"""


@pytest.mark.parametrize(
    ("options", "code", "entries"),
    [
        (["--as", f"{ISSUER} job", "--source-ip=10.1.1.1"], 0, "job, other"),
        (["--as", f"{ISSUER} job", "--source-ip=11.1.1.1"], 1, "job, other"),
        (["--as", f"{ISSUER} job"], 1, "job, other"),
        (["--as", f"{ISSUER} job", "--source-ip=10.1.1.1", "--audience=rolecall"], 0, "job"),
        (["--as", f"{ISSUER} job", "--source-ip=10.1.1.1", "--audience=other"], 1, "other"),
        (["--as", f"token:{TOKEN_HASH}"], 0, "small"),
        (["--as", "uid:7"], 1, "user"),
    ],
)
def test_an_explanation_knows_where_and_how_a_caller_connects(
    rolecall: CommandLine, write: Write, tmp_path: Path, options: list[str], code: int, entries: str
) -> None:
    (tmp_path / "keys.json").write_text(KEYS)

    outcome = rolecall("callers", "explain", "ram:GetRole", "--callers", write(TOKENS), *options)

    assert (outcome.code, f"  entries  {entries}\n" in outcome.out) == (code, True)


def test_the_reason_of_each_statement_is_shown(rolecall: CommandLine, write: Write) -> None:
    arguments = ("callers", "explain", "--as", "orders.svc", "--callers", write())

    far = rolecall(*arguments, "ram:CreateRole", f"acs:ram::{'9' * 12}:role/x").out
    reach = rolecall(*arguments, "rolecall:Watch", ROLE).out

    assert [line.split("Allow")[1].strip() for line in far.splitlines()[-2:]] == ["another action", "another resource"]
    assert reach.splitlines()[-1].endswith("actions `rolecall:` need a pattern that begins with `rolecall:`")


def test_a_file_with_errors_says_so_in_json_and_has_no_generation(rolecall: CommandLine, write: Write) -> None:
    outcome = rolecall("callers", "check", write("callers: 1\n"), "-o", "json")

    answer = json.loads(outcome.out)
    assert (outcome.code, answer["valid"], sorted(answer)) == (2, False, ["problems", "valid"])


class TestStandardInput:
    @pytest.fixture
    def pipe(self, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
        return lambda data: monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))

    def test_a_hyphen_is_a_callers_file_on_standard_input(
        self, rolecall: CommandLine, pipe: Callable[[bytes], None]
    ) -> None:
        pipe(b"callers: []\nzzz: 1\n")
        wrong = rolecall("callers", "check", "-")
        pipe(b"callers: []\n")
        right = rolecall("callers", "check", "-")

        assert (wrong.code, "-:2:1: error: " in wrong.err + wrong.out) == (2, True)
        assert right.code == 0

    def test_either_side_of_a_comparison_may_be_standard_input(
        self, rolecall: CommandLine, pipe: Callable[[bytes], None], tmp_path: Path
    ) -> None:
        (tmp_path / "callers.yaml").write_text("callers: []\n")

        for arguments in (("-", str(tmp_path / "callers.yaml")), (str(tmp_path / "callers.yaml"), "-")):
            pipe(b"callers: []\n")
            assert rolecall("callers", "diff", *arguments).code == 0
        both = rolecall("callers", "diff", "-", "-")

        assert (both.code, "only one of OLD and NEW can be standard input" in both.err) == (2, True)

    def test_what_is_too_long_is_refused(self, rolecall: CommandLine, pipe: Callable[[bytes], None]) -> None:
        pipe(b"#" * 1_048_577)

        outcome = rolecall("callers", "check", "-")

        assert (outcome.code, "standard input has more than 1,048,576 bytes" in outcome.err + outcome.out) == (2, True)

    @pytest.mark.parametrize(
        ("data", "message"),
        [
            (b"apiVersion: rolecall/v1\nroles: []\n", "this is a file of roles, and a callers file is needed"),
            (b'{"Version": "1", "Statement": []}', "this is a policy, and a callers file is needed"),
            ("callers: []".encode("utf-16"), "is UTF-16 text"),
            (b"callers: {{ .Values.callers }}\n", "which helm has not rendered, and a callers file is needed"),
        ],
    )
    def test_a_file_of_another_kind_is_named(
        self, rolecall: CommandLine, pipe: Callable[[bytes], None], tmp_path: Path, data: bytes, message: str
    ) -> None:
        (tmp_path / "callers.yaml").write_bytes(data)
        pipe(data)

        outcomes = [rolecall("callers", "check", path) for path in ("-", str(tmp_path / "callers.yaml"))]

        assert [(outcome.code, message in outcome.err + outcome.out) for outcome in outcomes] == [(2, True)] * 2
