"""The schema of callers files and the reader of them agree."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from rolecall.callers.document import read_callers
from rolecall.callers.match_reader import KINDS
from rolecall.callers.trust_reader import ALGORITHMS
from rolecall.security.callers_file import load_callers
from rolecall.security.yaml_values import read_yaml
from tests.callers.files import ACCOUNT, ISSUER, ORDERS, TOKEN_HASH, allowing, document, entry, violations_of
from tests.cli.conftest import CommandLine
from tests.cli.serving import REPOSITORY

SCHEMA = json.loads((REPOSITORY / "docs/schema/callers.schema.json").read_text())
EXAMPLE = REPOSITORY / "examples/callers/callers.yaml"
PROVIDER = {
    "arn": f"acs:ram::{ACCOUNT}:oidc-provider/ci",
    "issuer": "https://ci",
    "audiences": ["sts"],
    "jwks_file": "k",
}
WHOLE = document(
    entry(principal=f"acs:ram::{ACCOUNT}:role/orders", until="2027-01-01T00:00:00+08:00"),
    entry("dns", match={"dns": "*.svc"}),
    entry("oidc", match={"oidc": {"issuer": ISSUER, "subject": "a:*", "audience": "rolecall"}}, via={"spiffe": ORDERS}),
    entry(
        "token", match={"token_sha256": TOKEN_HASH}, via={"dns": "proxy.svc"}, principal=f"{ACCOUNT}@orders.internal"
    ),
    entry("uid", match={"uid": 0}),
    entry("local", match={"local": True}, policies=["Mine", "AdministratorAccess"]),
    providers=[PROVIDER | {"max_token_age_seconds": 60, "allow_asserted": True, "algorithms": ["ES256"]}],
    policies={"Mine": allowing("ram:Get*", Sid="a", Condition={"StringEquals": {"a": "b"}})},
)


def valid(instance: object) -> bool:
    return bool(Draft202012Validator(SCHEMA).is_valid(instance))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


def test_the_command_prints_the_published_schema(rolecall: CommandLine) -> None:
    outcome = rolecall("schema", "callers")

    assert (outcome.code, json.loads(outcome.out)) == (0, SCHEMA)


def test_the_example_obeys_the_schema_and_is_valid() -> None:
    file, *_ = load_callers(str(EXAMPLE))

    assert valid(read_yaml(EXAMPLE.read_text(), "").value)
    assert len(file.callers) == 6


def test_a_file_with_everything_is_valid_for_both() -> None:
    read_callers(WHOLE)

    assert valid(WHOLE)


def test_the_schema_knows_the_same_words() -> None:
    defined = SCHEMA["$defs"]

    assert set(defined["entry"]["properties"]["match"]["properties"]) == set(KINDS)
    assert defined["algorithms"]["items"]["enum"] == list(ALGORITHMS)


def changed(change: Callable[[Any], object]) -> Any:
    instance = json.loads(json.dumps(WHOLE))
    change(instance)
    return instance


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.pop("callers"),
        lambda file: file.update(extra=1),
        lambda file: file["trust_domains"].update({"Prod": "x"}),
        lambda file: file["issuers"].update({"https://*": {"jwks_file": "x"}}),
        lambda file: file["issuers"][ISSUER].update(jwks_url="https://x"),
        lambda file: file["issuers"].update({ISSUER: {"jwks_url": "http://x"}}),
        lambda file: file["issuers"][ISSUER].update(algorithms=["HS256"]),
        lambda file: file["providers"][0].update(arn="acs:ram::1:user/x"),
        lambda file: file["providers"][0].update(audiences=[]),
        lambda file: file["providers"][0].update(max_token_age_seconds=0),
        lambda file: file["providers"][0].update(allow_asserted="true"),
        lambda file: file["callers"][0].pop("policies"),
        lambda file: file["callers"][0].update(policies=[]),
        lambda file: file["callers"][0].update(policies=["A", "A"]),
        lambda file: file["callers"][0].update(name="a b"),
        lambda file: file["callers"][0].update(until="tomorrow"),
        lambda file: file["callers"][0].update(principal="root"),
        lambda file: file["callers"][0].update(match={}),
        lambda file: file["callers"][0].update(match={"uid": 1, "local": True}),
        lambda file: file["callers"][0].update(match={"spiffe": "spiffe://*/a"}),
        lambda file: file["callers"][0].update(match={"dns": "a.*"}),
        lambda file: file["callers"][0].update(match={"token_sha256": "x"}),
        lambda file: file["callers"][0].update(match={"local": False}),
        lambda file: file["callers"][0].update(via={"uid": 1}),
        lambda file: file["callers"][2]["match"]["oidc"].pop("audience"),
        lambda file: file["policies"]["Mine"].update(Version="2"),
        lambda file: file["policies"]["Mine"]["Statement"][0].update(NotAction="*"),
        lambda file: file["policies"]["Mine"]["Statement"][0].update(Principal="*"),
    ],
)
def test_what_the_schema_refuses_is_refused_when_the_file_is_read(change: Callable[[Any], object]) -> None:
    instance = changed(change)

    assert not valid(instance)
    assert violations_of(instance)
