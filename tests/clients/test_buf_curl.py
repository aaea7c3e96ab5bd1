"""A client that knows only the address: `buf curl` asks the server's reflection for the messages."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.serving import ACCOUNT, served

BUF = Path(sys.executable).with_name("buf")
DOCUMENT = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [f"acs:ram::{ACCOUNT}:root"]}}],
}


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    with served(directory=tmp_path) as address:
        yield address


def curl(address: str, method: str, *messages: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    command = [str(BUF), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--data", "@-"]
    return subprocess.run(
        [*command, f"http://{address}/rolecall.v1.{method}"],
        input="\n".join(json.dumps(message) for message in messages),
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_creates_a_role_and_asks_about_it(address: str) -> None:
    query = {"principal": f"acs:ram::{ACCOUNT}:user/bob", "role": "app"}

    created = curl(address, "RoleService/CreateRole", {"roleName": "app", "assumeRolePolicyDocument": json.dumps(DOCUMENT)})  # fmt: skip
    checked = curl(address, "DecisionService/CheckAssumeRole", {"query": query})
    streamed = curl(address, "DecisionService/StreamCheckAssumeRole", *({"sequence": str(n), "query": query} for n in (7, 8)))  # fmt: skip

    assert created.returncode == 0, created.stderr
    assert json.loads(checked.stdout)["decision"]["allowed"], checked.stderr
    assert streamed.returncode == 0, streamed.stderr
    assert '"sequence": "7"' in streamed.stdout
    assert '"sequence": "8"' in streamed.stdout


def test_an_error_arrives_with_its_code_and_details(address: str) -> None:
    done = curl(address, "DecisionService/CheckAssumeRole", {"query": {"principal": "nobody", "role": "app"}})

    error = json.loads(done.stderr)
    assert error["code"] == "invalid_argument"
    assert error["details"]
