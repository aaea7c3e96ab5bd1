"""Values of terraform: addresses, ARNs, numbers of seconds, and the document that a data source will make."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rolecall.cli.sources.terraform_configuration import Configuration, account_of_arn, module_and_index, seconds_of
from rolecall.cli.sources.terraform_documents import later_document


@pytest.mark.parametrize(
    ("address", "module", "index"),
    [
        ("alicloud_ram_role.a", "", ""),
        ("alicloud_ram_role.a[0]", "", "[0]"),
        ('alicloud_ram_role.a["x.y]"]', "", '["x.y]"]'),
        (r'alicloud_ram_role.a["x\"y"]', "", r'["x\"y"]'),
        ("module.m.alicloud_ram_role.a", "module.m.", ""),
        ('module.m["k"].module.n[12].alicloud_ram_role.a[3]', 'module.m["k"].module.n[12].', "[3]"),
        ("alicloud_ram_role", "", ""),
        ("a.b.c.d", "", ""),
        ("alicloud_ram_role.a[x]", "", ""),
    ],
)
def test_an_address_has_a_module_and_an_index(address: str, module: str, index: str) -> None:
    assert module_and_index(address) == (module, index)


@pytest.mark.parametrize(
    ("arn", "account"),
    [
        ("acs:ram::42:role/a", "42"),
        (f"acs:ram::{'1' * 20}:role/a", "1" * 20),
        (f"acs:ram::{'1' * 21}:role/a", ""),
        ("acs:ram::42:role/", ""),
        ("acs:ram::42:user/a", ""),
        ("acs:ram:::role/a", ""),
        ("x", ""),
        ("", ""),
    ],
)
def test_the_account_of_a_role_is_in_its_arn(arn: str, account: str) -> None:
    assert account_of_arn(arn) == account


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (3_600, 3_600), ("3600", 3_600), (-1, -1), ("-1", -1), (999_999_999, 999_999_999), (1_000_000_000, 0), ("x", 0), ("", 0), (None, 0),
        (1.5, 0), ("1.5", 0), ([1], 0), (True, 0),
    ],
)  # fmt: skip
def test_a_number_of_seconds_may_be_a_text(value: object, seconds: int) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize(
    ("expressions", "account"),
    [
        ({"account_id": {"constant_value": "42"}}, "42"),
        ({"account_id": {"constant_value": 42}}, "42"),
        ({"account_id": {"constant_value": "x"}}, ""),
        ({"account_id": {"constant_value": None}}, ""),
        ({"account_id": {"references": ["var.account"]}}, "77"),
        ({"account_id": {"references": ["var.account", "var.other"]}}, ""),
        ({"account_id": {"references": ["local.account"]}}, ""),
        ({"account_id": {"references": ["var.unknown"]}}, ""),
        ({"assume_role": [{"role_arn": {"constant_value": "acs:ram::5:role/a"}}]}, "5"),
        ({"assume_role": [{"role_arn": {"references": ["var.role"]}}]}, "6"),
        ({"assume_role": [{"role_arn": {"constant_value": "acs:ram::5:role/a"}}] * 2}, ""),
        ({"assume_role": []}, ""),
        ({"account_id": {"constant_value": "42"}, "assume_role": [{"role_arn": {"constant_value": "acs:ram::5:role/a"}}]}, "42"),
        ({}, ""),
    ],
)  # fmt: skip
def test_the_account_of_a_provider_is_what_it_is_configured_with(expressions: Any, account: str) -> None:
    configuration = Configuration(
        providers={"p": {"expressions": expressions}, "module.m:p": {"expressions": expressions}},
        variables={"account": {"value": "77"}, "role": {"value": "acs:ram::6:role/a"}, "other": {"value": "1"}},
    )

    assert configuration.account_of("p") == account
    # Within a module a variable is another one.
    assert configuration.account_of("module.m:p") == ("" if "var." in json.dumps(expressions) else account)
    assert configuration.account_of("q") == ""


def document(*statements: object, unknown: object = None, **more: object) -> Any:
    change = {"after": {"statement": list(statements), **more}, "after_unknown": unknown or {}}
    return later_document("data.x.y", 7, change)


def test_a_document_of_which_all_is_known_is_that_of_the_provider() -> None:
    made = document(
        {
            "effect": "Deny",
            "action": ["sts:AssumeRole"],
            "principal": [
                {"entity": "RAM", "identifiers": ["a", "b"]},
                {"entity": "Service", "identifiers": ["s"]},
                {"entity": "RAM", "identifiers": ["c"]},
            ],
            "condition": [
                {"operator": "StringEquals", "variable": "k", "values": ["1", "2"]},
                {"operator": "StringEquals", "variable": "k", "values": ["3", "4"]},
                {"operator": "StringEquals", "variable": "l", "values": ["5"]},
                {"operator": "Bool", "variable": "k", "values": ["true"]},
            ],
        },
        {"action": ["a", "b"], "resource": ["r"]},
        {"action": [], "resource": ["r", "s"]},
        version="2",
    )

    assert (made.address, made.at, made.unknown) == ("data.x.y", 7, ())
    assert json.loads(made.text) == {
        "Version": "2",
        "Statement": [
            {
                "Effect": "Deny",
                "Action": "sts:AssumeRole",
                "Principal": {"RAM": ["a", "b", "c"], "Service": ["s"]},
                "Condition": {"StringEquals": {"k": ["1", "2", "3", "4"], "l": "5"}, "Bool": {"k": "true"}},
            },
            {"Effect": "Allow", "Action": ["a", "b"], "Resource": "r"},
            {"Effect": "Allow", "Action": [], "Resource": ["r", "s"]},
        ],
    }


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [(["1", "2"], ["3"], "3"), (["1"], ["2", "3"], ["2", "3"]), (["1", "2"], ["3", "4"], ["1", "2", "3", "4"])],
)
def test_a_single_value_replaces_those_of_an_earlier_block(first: list[str], second: list[str], joined: object) -> None:
    blocks = [{"operator": "StringEquals", "variable": "k", "values": values} for values in (first, second)]

    made = json.loads(document({"action": ["a"], "condition": blocks}).text)

    assert made["Statement"][0]["Condition"] == {"StringEquals": {"k": joined}}


def test_the_version_of_a_document_is_1_unless_it_is_given() -> None:
    assert json.loads(document({"action": ["a"]}).text)["Version"] == "1"
    assert document().text == ""


@pytest.mark.parametrize(
    ("unknown", "paths"),
    [
        ({"statement": [{"action": [True]}, {"principal": [{"identifiers": True}]}]}, ("statement[0].action[0]", "statement[1].principal[0].identifiers")),
        ({"version": True, "statement": True}, ("version", "statement")),
        ({"version": False, "statement": [{"action": False}]}, ()),
        ({"document": True, "id": True}, ()),
    ],
)  # fmt: skip
def test_what_is_not_known_of_a_document_is_named_as_terraform_names_it(
    unknown: object, paths: tuple[str, ...]
) -> None:
    made = document({"action": ["a"]}, unknown=unknown)

    assert made.unknown == paths
    assert bool(made.text) is not bool(paths)
