"""The code of the client's README runs, as a reader would run it: one block after the other."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rolecall_client import RolecallClient
from rolecall_client.v1 import role_pb2
from tests.clients.test_client import POLICY
from tests.security.certificates import Authority

README = Path(__file__).parents[2] / "clients/python/README.md"
BLOCK = re.compile(r"```python\n(.*?)```", re.DOTALL)


def test_the_readme_does_what_it_says(
    address: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = Authority(tmp_path)
    for name, content in zip(("client.pem", "client.key"), authority.issue(), strict=True):
        (tmp_path / name).write_bytes(content)
    monkeypatch.chdir(tmp_path)
    blocks = [block.replace("127.0.0.1:50051", address) for block in BLOCK.findall(README.read_text())]
    with RolecallClient(address) as client:
        for name in ("deployer", "deployer-7"):
            client.create_role(role_pb2.CreateRoleRequest(role_name=name, assume_role_policy_document=POLICY))

    with RolecallClient(address) as client:
        names: dict[str, object] = {"client": client}
        for block in blocks:
            exec(compile(block, "README.md", "exec"), names)
            names["client"] = client  # the first block closes its own

    out = capsys.readouterr().out.splitlines()
    assert len(blocks) == 11
    copied = names["copy"]
    assert isinstance(copied, dict)
    assert {arn.rpartition("/")[2] for arn in copied} == {"deployer", "deployer-7"}
    assert out[:3] == ["True", "[]", "[True, True]"]
    assert names["allowed"] == ["deployer-7"]
    assert "acs:ram::123456789012:role/deployer 1 []" in out
    assert "Allow acs:ram::123456789012:user/alice []" in out
    assert out[-1] == "2"
    assert names["revision"] == 2
