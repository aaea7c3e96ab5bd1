"""Files that are recognisably something else, and what to give instead."""

from __future__ import annotations

import re

from rolecall.cli.sources.kind import FileKind, Outline

RENDER = "give what `helm template RELEASE CHART --namespace NAMESPACE` prints"

_MAKE_A_PLAN = (
    "make a plan and give it as JSON: `terraform plan -out plan.out`, `terraform show -json plan.out > plan.json`"
)
_HEAD_CHARACTERS = 64 * 1024
_COMMENTS = ("#", "//", "/*", "*")
_HCL = re.compile(
    r'(?:(?:resource|data)\s+"[^"\n]+"\s+"[^"\n]+"|(?:variable|module|provider|output|import|check)\s+"[^"\n]+"|(?:terraform|locals|moved|removed))\s*\{',
    re.ASCII,
)
_BLOCKS = frozenset(
    [
        "//",
        "check",
        "data",
        "import",
        "locals",
        "module",
        "moved",
        "output",
        "provider",
        "removed",
        "resource",
        "terraform",
        "variable",
    ]
)
_MARKUP = re.compile(r"<!doctype html|<html|<\?xml|<error>|<head>|<body", re.IGNORECASE | re.ASCII)
_PRINTED_PLAN = re.compile(
    r"^(?:\x1b\[[0-9;]*m)*Terraform (?:used the selected providers|will perform the following actions)",
    re.MULTILINE | re.ASCII,
)
_PEM = re.compile(r"-----BEGIN [A-Z0-9 ]+-----", re.ASCII)
_QUOTED_POLICY = re.compile(r'"(?:\\[nrt]|\s)*\{(?:\\[nrt]|\s)*\\"', re.ASCII)


def _head(text: str) -> str:
    """Return the beginning of a text, without blanks before it."""
    return text[:_HEAD_CHARACTERS].lstrip()


def _first_line(text: str) -> str:
    """Return the first line that is neither blank nor a comment."""
    lines = (line.strip() for line in _head(text).splitlines())
    return next((line for line in lines if line and not line.startswith(_COMMENTS)), "")


def _has_placeholder(text: str) -> bool:
    return "}}" in text.partition("{{")[2]


def _is_state(outline: Outline) -> bool:
    return outline.has("version", "lineage") or outline.has("version", "terraform_version", "resources")


def _is_yaml_policy(outline: Outline) -> bool:
    return not outline.is_json and outline.has("Statement")


def _is_callers_file(outline: Outline) -> bool:
    return outline.has("callers") and not outline.has_any("apiVersion", "roles")


def _is_configuration_of_the_linter(outline: Outline) -> bool:
    return outline.has_any("suppressions", "severities", "trusted_accounts") and not outline.has_any(
        "apiVersion", "roles"
    )


def _is_configuration_in_json(outline: Outline) -> bool:
    return outline.is_json and outline.has("resource") and set(outline.names) <= _BLOCKS


def _is_template_of_another_cloud(outline: Outline) -> bool:
    return outline.has("AWSTemplateFormatVersion")


CALLERS = FileKind(
    name="a callers file", recognises=_is_callers_file, instead="`rolecall callers check FILE` checks it"
)

FOREIGN: tuple[FileKind, ...] = (
    FileKind(
        name="an HTML or XML page, such as the error page of a server",
        recognises_text=lambda text: _MARKUP.match(_head(text)) is not None,
        instead="look at it, and fetch the file again; a page like this one often means that a login has expired",
    ),
    FileKind(
        name="terraform configuration (HCL)",
        recognises_text=lambda text: _HCL.match(_first_line(text)) is not None,
        instead=_MAKE_A_PLAN,
    ),
    FileKind(
        name="a terraform plan as it is printed for people",
        recognises_text=lambda text: _PRINTED_PLAN.search(text[:_HEAD_CHARACTERS]) is not None,
        instead="give the plan as JSON: `terraform plan -out plan.out`, `terraform show -json plan.out > plan.json`",
    ),
    FileKind(
        name="a certificate or a key (PEM)",
        recognises_text=lambda text: _PEM.match(_first_line(text)) is not None,
        instead="give it to `--tls-ca`, `--tls-cert` or `--tls-key`",
    ),
    FileKind(
        name="a policy inside a JSON string",
        recognises_text=lambda text: _QUOTED_POLICY.match(_head(text)) is not None,
        instead="give the text of the string, as `jq -r` prints it",
    ),
    FileKind(
        name="percent-encoded JSON",
        recognises_text=lambda text: _head(text)[:3].lower() == "%7b",
        instead="decode it: `%7B` is `{`",
    ),
    FileKind(
        name="the template of a chart, which helm has not rendered",
        recognises_text=lambda text: _head(text).startswith("{{"),
        recognises_broken=_has_placeholder,
        instead=RENDER,
    ),
    FileKind(
        name="a terraform state file",
        recognises=_is_state,
        instead="give what `terraform show -json FILE` prints",
    ),
    FileKind(name="terraform configuration in JSON", recognises=_is_configuration_in_json, instead=_MAKE_A_PLAN),
    FileKind(
        name="a policy in YAML",
        recognises=_is_yaml_policy,
        instead="write it in JSON, or write it under `trust_policy` in a file of roles",
    ),
    CALLERS,
    FileKind(
        name="a configuration of the linter",
        recognises=_is_configuration_of_the_linter,
        instead="give the documents beside it, or name it with `--lint-config`",
    ),
    FileKind(
        name="a template of AWS CloudFormation",
        recognises=_is_template_of_another_cloud,
        instead="give policies of RAM, or a template of ROS",
    ),
)
