"""By which beginning a text is known that is neither JSON nor YAML: after comments, in any case, and for every word."""

from __future__ import annotations

from pathlib import Path

import pytest

from rolecall.cli.sources import search
from rolecall.cli.sources.kinds import MAX_BYTES, kind_of_broken, kind_of_text

HCL, PEM, PAGE = (
    "terraform configuration (HCL)",
    "a certificate or a key (PEM)",
    "an HTML or XML page, such as the error page of a server",
)
PRINTED, QUOTED = "a terraform plan as it is printed for people", "a policy inside a JSON string"
CHART = "the template of a chart, which helm has not rendered"


def kind(text: str) -> str:
    found = kind_of_text(text)
    return found.name if found else ""


@pytest.mark.parametrize("comment", ["#", "# a", "//", "// a", "/* a */", "/*\n * a\n */", "* a", " \t# a\n\n  // b"])
def test_comments_and_blanks_before_a_text_do_not_matter(comment: str) -> None:
    assert kind(f"{comment}\n  locals {{\n") == HCL
    assert kind(f"{comment}\n\n-----BEGIN CERTIFICATE-----\n") == PEM
    assert kind(f"; a\n{comment}\nlocals {{\n") == ""


@pytest.mark.parametrize(
    ("text", "known"),
    [
        *((f'{word} "a" "b" {{', HCL) for word in ("resource", "data")),
        *((f'{word} "a" {{', HCL) for word in ("variable", "module", "provider", "output", "import", "check")),
        *((f"{word} {{", HCL) for word in ("terraform", "locals", "moved", "removed")),
        *((f"{word}{{", HCL) for word in ("terraform", "locals")),
        ('resource "a" {', ""),
        ('variable "a" "b" {', ""),
        ("variable {", ""),
        ("locals", ""),
        ("locals = {", ""),
        *((f"-----BEGIN {what}-----", PEM) for what in ("CERTIFICATE", "EC PRIVATE KEY", "X509 CRL")),
        ("-----BEGIN certificate-----", ""),
        ("----BEGIN CERTIFICATE-----", ""),
        *((f"{word} x", PAGE) for word in ("<!doctype html>", "<!DOCTYPE HTML>", "<html>", "<?xml", "<Error>", "<head>", "<BODY>")),
        ("<body onload='x'>", PAGE),
        ("<p>", ""),
        ("x <html>", ""),
        ("\n\nTerraform used the selected providers to generate", PRINTED),
        ("a\nTerraform will perform the following actions:", PRINTED),
        ("\x1b[0m\x1b[1mTerraform will perform the following actions:", PRINTED),
        ("a Terraform will perform the following actions:", ""),
        ("Terraform will", ""),
        ('"{\\"Version\\": 1}"', QUOTED),
        ('" \\n {\\r\\t \\"a"', QUOTED),
        ('"a"', ""),
        ('"{}"', ""),
        ("%7B", "percent-encoded JSON"),
        (" \n%7b%22", "percent-encoded JSON"),
        ("%7", ""),
        ("%22", ""),
        ("{{ .Values }}", CHART),
        ("  {{", CHART),
        ("{ {", ""),
    ],
)  # fmt: skip
def test_the_beginning_of_a_text_shows_its_kind(text: str, known: str) -> None:
    assert kind(text) == known


@pytest.mark.parametrize(
    ("text", "known"),
    [("a: {{ b }}", True), ("a: {{ b", False), ("a }} {{", False), ("}}", False), ("{{}}", True), ("", False)],
)
def test_a_placeholder_shows_a_template_where_a_text_is_broken(text: str, known: bool) -> None:
    found = kind_of_broken(text)

    assert (found is not None and found.name == CHART) is known


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ('12:00 {"format_version": "1.2",\n12:01 "planned_values": {}}', True),
        ('12:00 {"format_version": "1.2",\n12:01 "values": {}}', False),
        ('12:00 {"planned_values": {}}', False),
        ("format_version planned_values", False),
    ],
)
def test_a_plan_in_pieces_has_both_of_its_names(text: str, known: bool) -> None:
    found = kind_of_broken(text)

    assert (found is not None and found.name.startswith("a terraform plan with other text")) is known


@pytest.mark.parametrize(
    ("name", "text", "policies", "problem"),
    [
        ("a.json", "x: [", 1, ""),
        ("a.txt", "x: [", 0, "not YAML"),
        ("a.yaml", "x: [", 0, "not YAML"),
        ("a.txt", '"x', 1, ""),
        ("a.txt", '{"Version": ', 1, ""),
        ("a.yaml", '{"Version": ', 0, "not YAML"),
        ("a.yml", '{"Version": ', 0, "not YAML"),
    ],
)
def test_a_text_that_is_neither_json_nor_yaml_is_a_policy_if_it_was_meant_to_be_json(
    tmp_path: Path, name: str, text: str, policies: int, problem: str
) -> None:
    (tmp_path / name).write_text(text)

    found = search([tmp_path / name])

    assert [role.name for role in found.roles] == ["a"] * policies
    assert [each.message.partition(":")[0] for each in found.problems] == [problem] * (1 - policies)


def test_the_longest_file_that_is_read_is_the_longest_plan() -> None:
    assert MAX_BYTES == 134_217_728
    assert kind("no kind") == ""
