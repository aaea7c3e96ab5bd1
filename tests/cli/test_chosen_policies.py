"""Which policy of a file is chosen, and every problem where none or several are meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.found import FoundPolicy, FoundRole
from rolecall.cli.sources.one_policy import one_policy
from tests.cli.problem_lines import line_of, searched
from tests.cli.terraform_plans import plan, policy, resource, role

TRUST = json.loads(policy())
PERMISSION = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetRole", "Resource": "*"}]}'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def roles(*names: str) -> str:
    """Return a file of roles, each named NAME or ACCOUNT/NAME."""
    parts = [name.rpartition("/") for name in names]
    accounts = [{"account_id": account} if account else {} for account, _, _ in parts]
    written = [
        {"name": name, "trust_policy": TRUST, **more} for (_, _, name), more in zip(parts, accounts, strict=True)
    ]
    return json.dumps({"apiVersion": "rolecall/v1", "roles": written})


def chosen(text: str, name: str = "", *, any_name: bool = False) -> FoundRole | FoundPolicy:
    Path("f").write_text(text)
    return one_policy("f", name, any_name=any_name)


def problems(text: str, name: str = "", *, any_name: bool = False) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        chosen(text, name, any_name=any_name)
    return [line_of(problem) for problem in caught.value.problems]


def name_of(found: FoundRole | FoundPolicy) -> str:
    assert isinstance(found, FoundRole)
    return f"{found.account_id}/{found.name}"


@pytest.mark.parametrize(
    ("names", "asked", "name"),
    [
        (["a"], "", "/a"),
        (["a"], "A", "/a"),
        (["a", "b"], "b", "/b"),
        (["a", "b"], "42/B", "/b"),
        (["a", "42/b"], "42/b", "42/b"),
        (["1/a", "2/a"], "2/a", "2/a"),
        (["1/a", "2/a"], "acs:ram::2:role/a", "2/a"),
        (["1/a", "2/a", "b"], "b", "/b"),
        (["2/a"], "acs:ram::2:role/path/a", "2/a"),
    ],
)
def test_a_role_is_chosen_by_its_name_and_its_account(names: list[str], asked: str, name: str) -> None:
    assert name_of(chosen(roles(*names), asked)) == name


def test_a_single_role_may_have_another_name_if_any_is_meant() -> None:
    assert name_of(chosen(roles("a"), "b", any_name=True)) == "/a"
    assert problems(roles("a", "c"), "b", any_name=True) == [
        "0:0: error: `f` has no role `b` [NO_POLICY]; it has `a`, `c`"
    ]


@pytest.mark.parametrize("name", ["", "x"])
def test_a_policy_alone_has_any_name(name: str) -> None:
    trust, permission = chosen(policy(), name), chosen(PERMISSION, name)

    assert isinstance(trust, FoundRole)
    assert isinstance(permission, FoundPolicy)
    assert (trust.declared, trust.document, permission.document) == (False, policy(), PERMISSION)


@pytest.mark.parametrize(
    ("names", "asked", "problem"),
    [
        ("ab", "", "`f` has 2 roles, and one is needed [SEVERAL_ROLES]; choose it by its name: `a`, `b`"),
        ("abcde", "", "`f` has 5 roles, and one is needed [SEVERAL_ROLES]; choose it by its name: `a`, `b`, `c`, `d`, `e`"),
        ("abcdef", "", "`f` has 6 roles, and one is needed [SEVERAL_ROLES]; choose it by its name: `a`, `b`, `c`, `d`, `e` and 1 more"),
        ("a", "b", "`f` has no role `b` [NO_POLICY]; it has `a`"),
        (["1/a", "2/a", "b"], "a", "`f` has 2 roles of the name `a` [SEVERAL_ROLES]; name the account too: `1/a`, `2/a`"),
        (["1/a", "2/a", "b"], "3/A", "`f` has 2 roles of the name `A` [SEVERAL_ROLES]; name the account too: `1/a`, `2/a`"),
        (["1/a", "b"], "acs:ram::3:role/a", "`f` has no role `acs:ram::3:role/a` [NO_POLICY]; it has `1/a`"),
        (["1/a", "b"], "acs:ram:1", "`f` has no role `acs:ram:1` [NO_POLICY]; it has `1/a`, `b`"),
    ],
)  # fmt: skip
def test_a_choice_that_is_not_one_role_is_refused_with_what_there_is(
    names: list[str], asked: str, problem: str
) -> None:
    assert problems(roles(*names), asked) == [f"0:0: error: {problem}"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        (
            "apiVersion: rolecall/v1\ncases:\n  - {name: a, as: x, role: y, expect: DENY}\n",
            ["0:0: error: test cases have no trust policy []; `rolecall test` runs them"],
        ),
        (
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: a\n  annotations: {pod-identity.alibabacloud.com/role-name: r}\n",
            ["0:0: error: service accounts have no trust policy []; `rolecall test` tests them"],
        ),
        (
            "apiVersion: v1\nkind: Secret\n",
            [
                "0:0: error: there is no trust policy in `f` [NO_POLICY]; ",
                "1:1: note (finding): skipped: no service account has the annotation `pod-identity.alibabacloud.com/role-name` []; ",
            ],
        ),
        ("", ["0:0: error: the file is empty []; "]),
    ],
)
def test_a_file_without_a_policy_says_what_it_has(text: str, lines: list[str]) -> None:
    assert problems(text) == lines


NAMELESS = resource({"assume_role_policy_document": policy()})
WITHOUT_POLICY = resource({"role_name": "Later"}, "alicloud_ram_role.later")


def test_the_policy_of_a_role_whose_name_is_known_later_is_one_alone() -> None:
    found = chosen(json.dumps(plan(NAMELESS)))

    assert isinstance(found, FoundRole)
    assert (found.name, found.declared, found.document) == ("", False, policy())
    assert chosen(json.dumps(plan(NAMELESS)), "x", any_name=True).document == policy()


def test_a_role_that_is_known_later_is_named_with_the_reason() -> None:
    text = json.dumps(plan(role("a"), role("b", "alicloud_ram_role.b"), WITHOUT_POLICY))
    column = text.index('"address": "alicloud_ram_role.later"') + 1

    assert problems(text, "42/later") == [
        f"1:{column}: error: `alicloud_ram_role.later`: the trust policy is not known before the plan is applied []; "
    ]
    assert problems(text, "none") == ["0:0: error: `f` has no role `none` [NO_POLICY]; it has `a`, `b`"]


def test_a_role_without_a_name_beside_another_one_makes_two() -> None:
    text = json.dumps(plan(role("a", "alicloud_ram_role.a"), NAMELESS))

    assert name_of(chosen(text, "a")) == "/a"
    assert problems(text) == [
        "0:0: error: `f` has 2 roles, and one is needed [SEVERAL_ROLES]; choose it by its name: `a`"
    ]
    assert problems(text, "b") == ["0:0: error: `f` has no role `b` [NO_POLICY]; it has `a`"]


def test_a_role_has_its_name_in_messages_if_it_has_one() -> None:
    named = chosen(roles("a"))
    nameless = searched(json.dumps({"apiVersion": "rolecall/v1", "roles": [{"trust_policy": TRUST}]}))

    assert isinstance(named, FoundRole)
    assert named.label == "role `a`"
    assert [each.label for each in nameless.roles] == ["the role without a name"]
