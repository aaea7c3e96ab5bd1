"""What reports of tests and explanations of accesses look like on a narrow terminal with colours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine, show_colours
from tests.cli.test_terminal_answers import styled

ACCOUNT = "acs:ram::123456789012"
ROLES = f"""\
apiVersion: rolecall/v1
name: deploy
trust_policy:
  Version: "1"
  Statement:
    - {{Sid: Ann, Effect: Allow, Action: sts:AssumeRole, Principal: {{RAM: "{ACCOUNT}:user/ann"}}}}
    - {{Sid: Bob, Effect: Allow, Action: sts:AssumeRole, Principal: {{RAM: "{ACCOUNT}:user/bob"}}}}
"""
CASES = f"""\
apiVersion: rolecall/v1
cases:
  - {{name: a first case with a name that is long, as: "{ACCOUNT}:user/ann", role: deploy, expect: ALLOW}}
  - {{name: a second case with a name that is long, as: "{ACCOUNT}:user/carol", role: deploy, expect: ALLOW}}
  - {{name: a third case with a name that is long, as: "{ACCOUNT}:user/ann", role: 42/deploy, expect: DENY}}
"""
NO_SUCH_ROLE = "there is no role `42/deploy`"
REPORT = f"""\
<1>cases-of-this-whole-company.yaml: </><31>1 passed, 2 failed</>
  <32>✓</> a first case with a name that is long
  <1;31>✗</> a second case with a name that is long
  <1;31>✗</> a third case with a name that is long

<1;31>✗ cases-of-this-whole-company.yaml:4:6: </><1>a second case with a name that is long</>
  expected ALLOW, got IMPLICIT_DENY
<2>  /Statement/0 (Ann) is the closest: roles-of-this-whole-company.yaml:6:7</>

<1;31>✗ DENIED</>  IMPLICIT_DENY<2>: no Allow statement applies</>
<2>  who   </>{ACCOUNT}:user/carol
<2>  role  </>deploy

<1;31>✗ Allow</> /Statement/0 (Ann)
<31>does not apply</>
<2>└── </><1;31>✗</> principal is not
<2>    </>{ACCOUNT}:user
<2>    </>/ann
<1;31>✗ Allow</> /Statement/1 (Bob)
<31>does not apply</>
<2>└── </><1;31>✗</> principal is not
<2>    </>{ACCOUNT}:user
<2>    </>/bob

<1;33>closest: </>to be allowed by
/Statement/0, name
`{ACCOUNT}:user/ca
rol` in /Statement/0/Principal

<1;31>✗ cases-of-this-whole-company.yaml:5:6: </><1>a third case with a name that is long</>
  {NO_SUCH_ROLE}
  <1;36>help: </>write `123456789012/deploy`: it is in another account than 42

<1;31>✗ DENIED</>  ROLE_NOT_FOUND<2>: there is no such role</>
<2>  who   </>{ACCOUNT}:user/ann
<2>  role  </>42/deploy

<31>coverage: 1 of 2 statements (50 %), less than 100 %</>
<1>  roles-of-this-whole-company.yaml:7:7: </>{ACCOUNT}:role/deploy /Statement/1 (Bob) applies in no case

<1;31>✗ 2 of 3 cases failed, coverage is too low</>
"""


@pytest.fixture(autouse=True)
def terminal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    show_colours(monkeypatch, columns=30)


def report_of(rolecall: CommandLine, cases: str, *more: str) -> list[str]:
    Path("roles-of-this-whole-company.yaml").write_text(ROLES)
    Path("cases-of-this-whole-company.yaml").write_text(cases)
    return styled(rolecall("test", ".", *more).out)


def test_a_report_has_whole_lines_and_styles(rolecall: CommandLine) -> None:
    assert report_of(rolecall, CASES, "--verbose", "--fail-under=100") == REPORT.splitlines()


def test_a_report_without_the_list_of_cases_is_otherwise_the_same(rolecall: CommandLine) -> None:
    listed = [line for line in REPORT.splitlines() if not line.endswith("that is long") or ": </>" in line]

    assert report_of(rolecall, CASES, "--fail-under=100") == listed


def test_a_report_in_which_all_passes_is_green(rolecall: CommandLine) -> None:
    passing = "".join(CASES.splitlines(keepends=True)[:3])

    assert report_of(rolecall, passing, "--fail-under=50") == [
        "<1>cases-of-this-whole-company.yaml: </><32>1 passed</>",
        "",
        "coverage: 1 of 2 statements (50 %)",
        REPORT.splitlines()[-3],
        "",
        "<1;32>✓ 1 case passed</>",
    ]


def test_cases_that_were_not_run_make_the_sum_red(rolecall: CommandLine) -> None:
    wrong = CASES.splitlines(keepends=True)[2].replace("a first", "another").replace(f"{ACCOUNT}:user/ann", "nobody")
    passing = "".join(CASES.splitlines(keepends=True)[:3])

    assert report_of(rolecall, passing + wrong)[-1] == "<1;31>✗ 1 case passed, 1 not run because of errors</>"


def test_errors_in_files_beside_the_cases_make_the_sum_red(rolecall: CommandLine) -> None:
    Path("other.yaml").write_text("apiVersion: rolecall/v1\nname: other\nmore: 1\n")
    passing = "".join(CASES.splitlines(keepends=True)[:3])

    assert report_of(rolecall, passing)[-1] == "<1;31>✗ 1 case passed, with errors in files</>"


STATEMENTS = [
    {"Sid": "Read", "Effect": "Allow", "Action": "ram:Get*", "Resource": f"{ACCOUNT}:role/shop-*"},
    {"Effect": "Allow", "NotAction": "ecs:*", "Resource": "*", "Condition": {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}},
    {"Effect": "Deny", "Action": "ram:*", "Resource": "*", "Condition": {"StringEquals": {"app:A": "b"}}},
]  # fmt: skip
ACCESS = ("explain", "--policy=p.json", "--action=ram:GetRole", "--context=app:A=c")


RESOURCE = f"{ACCOUNT}:role/a-name-that-is-longer-than-this-terminal"
DENIED = f"""\
<1;31>✗ DENIED</>  IMPLICIT_DENY<2>: no Allow statement applies</>
<2>  action   </>ram:GetRole
<2>  resource </>{RESOURCE}

<1;31>✗ Allow</> /Statement/0 (Read) <31>does not </>
<31>apply</>
<2>├── </><32>✓</> Action ram:Get*
<2>└── </><1;31>✗</> no pattern of Resource matches
<1;31>✗ Allow</> /Statement/1 <31>does not apply</>
<2>├── </><32>✓</> no pattern of NotAction excludes
<2>│   </>it
<2>├── </><32>✓</> Resource *
<2>└── </><1;31>✗</> IpAddress <1>acs:SourceIp</>
<2>    </><2>    expected </>10.0.0.0/8
<2>    </><2>    actual   </>office<33> (unreadable to </>
<2>    </><33>IpAddress)</>
<1;2>✗ Deny</> /Statement/2 <2>does not apply</>
<2>├── </><32>✓</> Action ram:*
<2>├── </><32>✓</> Resource *
<2>└── </><1;31>✗</> StringEquals <1>app:A</>
<2>    </><2>    expected </>b
<2>    </><2>    actual   </>c

<1;33>closest: </>to be allowed by /Statement/1
of policy `p.json`, send a value for
`acs:SourceIp` that IpAddress can read:
`office` cannot be read
"""
SHOP = f"--resource={ACCOUNT}:role/shop-1"


def asked(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch, *more: str) -> list[str]:
    Path("p.json").write_text(json.dumps({"Version": "1", "Statement": STATEMENTS}))
    monkeypatch.setenv("COLUMNS", "40")
    return styled(rolecall(*ACCESS, *more).out)


def test_an_access_that_no_statement_allows_has_whole_lines_and_styles(
    rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = asked(rolecall, monkeypatch, f"--resource={RESOURCE}", "--context=acs:SourceIp=office")

    assert lines == DENIED.splitlines()


def test_an_access_that_is_allowed_is_green(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = asked(rolecall, monkeypatch, SHOP, "--context=acs:SourceIp=10.0.0.1")

    assert lines[0] == "<1;32>✓ ALLOWED</>"
    assert lines[4:16] == [
        "<1;32>✓ Allow</> /Statement/0 (Read) <32>applies</>",
        "<2>├── </><32>✓</> Action ram:Get*",
        "<2>└── </><32>✓</> Resource",
        f"<2>    </>{ACCOUNT}:role/shop-*",
        "<1;32>✓ Allow</> /Statement/1 <32>applies</>",
        "<2>├── </><32>✓</> no pattern of NotAction excludes",
        "<2>│   </>it",
        "<2>├── </><32>✓</> Resource *",
        "<2>└── </><32>✓</> IpAddress <1>acs:SourceIp</>",
        "<2>    </><2>    expected </>10.0.0.0/8",
        "<2>    </><2>    actual   </>10.0.0.1",
        "<1;2>✗ Deny</> /Statement/2 <2>does not apply</>",
    ]


def test_a_deny_that_applies_is_red_and_in_the_way(rolecall: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = asked(rolecall, monkeypatch, SHOP, "--context=app:A=b")

    assert lines[0] == "<1;31>✗ DENIED</>  EXPLICIT_DENY<2>: a Deny statement applies</>"
    assert lines[-12:] == [
        "<2>    </><2>    actual   </><33>absent</>",
        "<1;31>✓ Deny</> /Statement/2 <31>applies</>",
        "<2>├── </><32>✓</> Action ram:*",
        "<2>├── </><32>✓</> Resource *",
        "<2>└── </><32>✓</> StringEquals <1>app:A</>",
        "<2>    </><2>    expected </>b",
        "<2>    </><2>    actual   </>c, b",
        "",
        "<1;33>in the way: </>the Deny at /Statement/2 of",
        "policy `p.json` applies: send a `app:A`",
        "for which StringEquals `b` does not",
        "hold, or change that statement",
    ]
