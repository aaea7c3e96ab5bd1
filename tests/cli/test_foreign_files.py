"""Files that are recognisably something else: what they are, and what to give instead."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from rolecall.cli.sources import search
from tests.cli.conftest import CommandLine

POLICY = '{"Version": "1", "Statement": []}'
PLAN = '{"format_version": "1.2", "planned_values": {"root_module": {}}}'
STATE = {"version": 4, "terraform_version": "1.9.8", "serial": 3, "lineage": "6d2e", "outputs": {}, "resources": []}
TEMPLATE = 'apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {{ include "shop.name" . }}\n'
PRINTED = "\nTerraform used the selected providers to generate the following execution plan.\n"


def zipped(*names: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return data.getvalue()


def tarred() -> bytes:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("deploy.json"))
    return data.getvalue()


def only_problem(path: Path) -> tuple[str, str]:
    found = search([path])
    (problem,) = found.problems
    assert (found.roles, found.remarks) == ([], [])
    assert problem.reason == ("WRONG_KIND" if problem.message.startswith(("this is ", "`")) else "")
    return problem.message, problem.hint


@pytest.mark.parametrize(
    ("data", "what", "hint"),
    [
        (PLAN.encode("utf-16"), "UTF-16 text", "Out-File -Encoding utf8"),
        (PLAN.encode("utf-16-le"), "UTF-16 text", "PowerShell"),
        (PLAN.encode("utf-16-be"), "UTF-16 text", "PowerShell"),
        (PLAN.encode("utf-32"), "UTF-32 text", "PowerShell"),
        (zipped("tfplan", "tfstate"), "a binary terraform plan", "`terraform show -json FILE`"),
        (zipped("deploy.json"), "a zip archive", "unpack it"),
        (gzip.compress(PLAN.encode()), "a gzip archive", "`gzip -dc FILE`"),
        (tarred(), "a tar archive", "unpack it"),
        (bz2.compress(PLAN.encode()), "a bzip2 archive", "unpack it"),
        (lzma.compress(PLAN.encode()), "an xz archive", "unpack it"),
        (bytes.fromhex("28b52ffd") + b"frames", "a zstd archive", "unpack it"),
        (bytes.fromhex("377abcaf271c") + b"\0\4", "a 7z archive", "unpack it"),
        (b"%PDF-1.7\n", "a PDF document", "the text itself"),
        (b"SQLite format 3\0\x10\0", "a SQLite database", "`rolecall role list`"),
        (b"\x00\x01\x02\x03policy", "binary data", "JSON or YAML"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",  # some of the bytes contain the time
)  # fmt: skip
@pytest.mark.parametrize("name", ["plan.json", "roles.yaml", "plan"])
def test_bytes_that_are_not_utf8_text_are_named(tmp_path: Path, name: str, data: bytes, what: str, hint: str) -> None:
    path = tmp_path / name
    path.write_bytes(data)

    message, advice = only_problem(path)

    assert message == f"`{path}` is {what}"
    assert hint in advice


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        (json.dumps(STATE), "a terraform state file", "`terraform show -json FILE`"),
        ('# roles\nresource "alicloud_ram_role" "ci" {\n  role_name = "ci"\n}\n', "terraform configuration (HCL)", "`terraform plan"),
        ("locals {\n  a = 1\n}\n", "terraform configuration (HCL)", "`terraform show -json"),
        (PRINTED, "a terraform plan as it is printed for people", "`terraform show -json"),
        (f"\x1b[0m\x1b[1m{PRINTED.strip()}", "a terraform plan as it is printed for people", "`terraform show -json"),
        (TEMPLATE, "the template of a chart, which helm has not rendered", "helm template"),
        ("{{- if .Values.on }}\na: b\n{{- end }}\n", "the template of a chart, which helm has not rendered", "helm template"),
        ("<!DOCTYPE html>\n<html><body>502</body></html>\n", "an HTML or XML page, such as the error page of a server", "login"),
        ('\n<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>', "an HTML or XML page, such as the error page of a server", "login"),
        ('Version: "1"\nStatement: []\n', "a policy in YAML", "`trust_policy`"),
        ("callers: []\n", "a callers file", "`rolecall callers check FILE`"),
        (json.dumps(POLICY), "a policy inside a JSON string", "`jq -r`"),
        ("%7B%22Version%22%3A%221%22%7D", "percent-encoded JSON", "`%7B` is `{`"),
        ("-----BEGIN CERTIFICATE-----\nMII\n", "a certificate or a key (PEM)", "`--tls-ca`"),
        ('{"AWSTemplateFormatVersion": "2010-09-09", "Resources": {}}', "a template of AWS CloudFormation", "ROS"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("name", ["a.json", "a.yaml", "a"])
def test_a_text_of_another_kind_is_named(tmp_path: Path, name: str, text: str, what: str, hint: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")

    message, advice = only_problem(path)

    assert message == f"this is {what}"
    assert hint in advice


@pytest.mark.parametrize("document", [{"name": "x"}, {"format_version": "1.2"}, [1], [], [{"a": 1}], "x", 1])
def test_json_without_any_member_of_a_policy_gets_no_advice_about_policies(tmp_path: Path, document: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    assert only_problem(path)[0].startswith("this is neither roles, a trust policy")


@pytest.mark.parametrize("document", [{}, {"version": "1"}, {"Effect": "Allow"}, [{"Statement": []}]])
def test_json_with_a_member_of_a_policy_is_checked_as_one(tmp_path: Path, document: object) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8")

    assert [role.name for role in search([path]).roles] == ["a"]


@pytest.mark.parametrize("name", ["a.json", "a", "a.yaml"])
def test_a_policy_without_its_first_brace_gets_the_message_of_the_parser_of_policies(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('"Version": "1", "Statement": []}', encoding="utf-8")

    found = search([path])

    assert ([role.name for role in found.roles], found.problems) == (["a"], [])


def test_in_a_directory_a_readable_file_of_another_kind_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "state.json").write_text(json.dumps(STATE), encoding="utf-8")
    (tmp_path / "deploy.json").write_text(POLICY, encoding="utf-8")

    found = search([tmp_path])

    assert [role.name for role in found.roles] == ["deploy"]
    assert [(r.severity, r.message, r.reason) for r in found.remarks] == [
        ("warning", "skipped: it is a terraform state file", "WRONG_KIND")
    ]


def test_a_document_of_another_kind_does_not_stop_the_rest_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "all.yaml"
    role = f"apiVersion: rolecall/v1\nname: a\ntrust_policy: {POLICY}\n"
    path.write_text(f"Statement: []\n---\n{role}", encoding="utf-8")

    found = search([path])

    assert [role.name for role in found.roles] == ["a"]
    assert [(p.location.line, p.message) for p in found.problems] == [(1, "this is a policy in YAML")]


def test_placeholders_inside_a_text_of_rendered_yaml_are_no_template(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("apiVersion: v1\nkind: ConfigMap\ndata:\n  a: |\n    b: {{ c }}\n", encoding="utf-8")

    assert search([path]).problems == []


def test_many_opening_braces_are_searched_once(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("a: " + "{{" * 200_000, encoding="utf-8")

    assert only_problem(path)[0] == "a key must be text"


@pytest.mark.parametrize(
    "text",
    [
        '"' + " " * 60_000,
        '"{' + "\\n" * 30_000,
        "resource " + '"a" ' * 15_000,
        "\x1b[0m" * 15_000,
        "<" * 60_000,
        "\n" * 300_000 + "x",
    ],
)
def test_recognising_takes_no_longer_than_reading(tmp_path: Path, text: str) -> None:
    path = tmp_path / "a"
    path.write_text(text, encoding="utf-8")

    found = search([path])

    assert len(found.problems) + len(found.roles) == 1


def test_a_byte_order_mark_is_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "deploy.json"
    path.write_text(POLICY, encoding="utf-8-sig")

    assert [role.document for role in search([path]).roles] == [POLICY]


def test_what_is_not_text_is_named_also_where_it_is_too_long(tmp_path: Path, rolecall: CommandLine) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(zipped("tfplan") + b"\x00" * 1_100_000)

    run = rolecall("check", "--as", "acs:ram::123456789012:user/a", "--policy", str(path))

    assert run.code == 2
    assert "is a binary terraform plan" in run.err
