"""A small file of each kind that the command line recognises, for tests of every command with every kind."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from dataclasses import dataclass
from enum import Enum, auto

from tests.cli.terraform_plans import plan, role

ANN = "acs:ram::123456789012:user/ann"
TRUST = {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": ANN}}]}
TEXT = json.dumps(TRUST)
PERMISSION = '{"Version": "1", "Statement": [{"Effect": "Allow", "Action": "ram:GetRole", "Resource": "*"}]}'
PLAN = json.dumps(plan(role("a", document=TEXT)))


class Has(Enum):
    """What a kind of file has, which determines what each command does with it."""

    ROLES = auto()
    DECLARATIONS = auto()
    POLICY = auto()
    PERMISSION = auto()
    UNKNOWN_ROLES = auto()
    CASES = auto()
    SERVICE_ACCOUNTS = auto()
    CALLERS = auto()
    OTHER = auto()
    NOTHING = auto()


@dataclass(frozen=True)
class Sample:
    """A file: the name of its kind, what it has, and its content. `what` is how it is named where it is not of use."""

    kind: str
    has: Has
    data: bytes
    what: str = ""

    @property
    def named(self) -> str:
        """Return what the commands that cannot use it call it."""
        return self.what or f"this is {self.kind}"


def _text(kind: str, has: Has, text: str) -> Sample:
    return Sample(kind, has, text.encode())


def _zip(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, "x")
    return data.getvalue()


_ROLE_FILE = {"apiVersion": "rolecall/v1", "roles": [{"name": "a", "trust_policy": TRUST}]}
_CASES = "apiVersion: rolecall/v1\nroles: [{name: a, trust_policy: %s}]\ncases: [{name: x, as: '%s', role: a, expect: ALLOW}]\n"
_ACCOUNT = """\
---
# Source: shop/templates/serviceaccount.yaml
apiVersion: v1
kind: ServiceAccount
metadata:
  name: api
  namespace: shop
  annotations: {pod-identity.alibabacloud.com/role-name: a}
---
apiVersion: v1
kind: Secret
data: {k: !!binary aGVsbG8=}
"""
_RESOURCE = {"Type": "ALIYUN::RAM::Role", "Properties": {"RoleName": "a", "AssumeRolePolicyDocument": TRUST}}
_TEMPLATE = {"ROSTemplateFormatVersion": "2015-09-01", "Resources": {"A": _RESOURCE}}
_YAML_TEMPLATE = f"""\
ROSTemplateFormatVersion: '2015-09-01'
Resources: {json.dumps(_TEMPLATE["Resources"])}
Outputs: {{A: {{Value: !GetAtt [A, RoleId]}}}}
"""
_ROLE = {"RoleName": "a", "RoleId": "3", "Arn": "acs:ram::123456789012:role/a"}
_ANSWER = {"RequestId": "1", "Role": {**_ROLE, "AssumeRolePolicyDocument": TEXT}}
_LIST = {"RequestId": "1", "IsTruncated": False, "Roles": {"Role": [_ROLE]}}
_LOG = '{"@level":"info","@message":"Terraform 1.9.8","@module":"terraform.ui","type":"version"}\n'
_STATE = {"version": 4, "terraform_version": "1.9.8", "serial": 3, "lineage": "x", "resources": []}

SAMPLES: tuple[Sample, ...] = (
    _text("a file of roles", Has.DECLARATIONS, json.dumps(_ROLE_FILE)),
    _text("a file of roles", Has.DECLARATIONS, f"apiVersion: rolecall/v1\nname: !!str a\ntrust_policy: {TEXT}\n"),
    _text("a policy", Has.POLICY, TEXT),
    _text("a policy", Has.POLICY, "\ufeff" + TEXT),
    _text("a policy", Has.PERMISSION, PERMISSION),
    _text("a file of test cases", Has.CASES, _CASES % (TEXT, ANN)),
    _text("a terraform plan", Has.ROLES, PLAN),
    _text(
        "a terraform plan",
        Has.ROLES,
        f"[command]/usr/bin/terraform show -json\n{PLAN}\n\n::debug::exited with code 0.\n",
    ),
    _text("a terraform plan", Has.ROLES, json.dumps({"workspace": "x", "stdout": f"+ terraform show\n{PLAN}\n"})),
    _text("a ROS template", Has.ROLES, json.dumps(_TEMPLATE)),
    _text("a ROS template", Has.ROLES, _YAML_TEMPLATE),
    _text("an answer of RAM about roles", Has.ROLES, json.dumps(_ANSWER)),
    _text("an answer of RAM about roles", Has.ROLES, json.dumps([_ANSWER], indent=2)),
    _text("an answer of RAM about roles", Has.UNKNOWN_ROLES, json.dumps(_LIST)),
    _text("a Kubernetes manifest", Has.SERVICE_ACCOUNTS, _ACCOUNT),
    _text("a callers file", Has.CALLERS, "callers: []\n"),
    _text("a configuration of the linter", Has.OTHER, "suppressions: []\n"),
    _text("the log of `terraform plan -json`, which has no trust policies", Has.OTHER, _LOG * 2),
    _text(
        "a terraform plan with other text between its lines, such as the time of each line of a log",
        Has.OTHER,
        "".join(f"12:00:00 {line}\n" for line in json.dumps(json.loads(PLAN), indent=1).splitlines()),
    ),
    _text("a terraform plan in YAML", Has.OTHER, "format_version: '1.2'\nplanned_values: {root_module: {}}\n"),
    _text("a terraform state file", Has.OTHER, json.dumps(_STATE)),
    _text("terraform configuration (HCL)", Has.OTHER, 'resource "alicloud_ram_role" "a" {\n  role_name = "a"\n}\n'),
    _text(
        "a terraform plan as it is printed for people", Has.OTHER, "\nTerraform will perform the following actions:\n"
    ),
    _text("the template of a chart, which helm has not rendered", Has.OTHER, "kind: {{ .Values.kind }}\n"),
    _text(
        "the template of a chart, which helm has not rendered", Has.OTHER, "{{- if .Values.on }}\nkind: x\n{{- end }}\n"
    ),
    _text("an HTML or XML page, such as the error page of a server", Has.OTHER, "<!DOCTYPE html><html></html>\n"),
    _text("a certificate or a key (PEM)", Has.OTHER, "-----BEGIN CERTIFICATE-----\nMII\n"),
    _text("a policy inside a JSON string", Has.OTHER, json.dumps(TEXT)),
    _text("percent-encoded JSON", Has.OTHER, "%7B%22Version%22%3A%221%22%7D"),
    _text(
        "terraform configuration in JSON", Has.OTHER, '{"resource": {"alicloud_ram_role": {"a": {"role_name": "a"}}}}'
    ),
    _text("a policy in YAML", Has.OTHER, 'Version: "1"\nStatement: []\n'),
    _text("a template of AWS CloudFormation", Has.OTHER, '{"AWSTemplateFormatVersion": "2010-09-09"}'),
    Sample("", Has.NOTHING, PLAN.encode("utf-16"), "is UTF-16 text"),
    Sample("", Has.NOTHING, _zip("tfplan"), "is a binary terraform plan"),
    Sample("", Has.NOTHING, _zip("a.json"), "is a zip archive"),
    Sample("", Has.NOTHING, gzip.compress(PLAN.encode()), "is a gzip archive"),
    Sample("", Has.NOTHING, b"\xff\x00\x01", "is binary data"),
)
