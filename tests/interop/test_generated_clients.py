"""Clients in other languages: their code is generated from the descriptor set alone, as the page about the contract says."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool

from protos.generate import CONTRACT
from rolecall_client import RolecallClient
from rolecall_client.v1.role_pb2 import CreateRoleRequest
from tests.cli.serving import ACCOUNT, served
from tests.missing import missing
from tests.repository.tree import DOCS, ROOT

pytestmark = pytest.mark.long

BUF = Path(sys.executable).with_name("buf")
INSTALLED = Path(sys.prefix) / "interop"
GO_CLIENT = ROOT / "tests/interop/generated_client"
PAGE = (DOCS / "contract.md").read_text()
TEMPLATES: list[str] = re.findall(r"```yaml\n(# buf\.gen\.yaml\n.*?)```", PAGE, re.DOTALL)
BOB = f"acs:ram::{ACCOUNT}:user/bob"
DOCUMENT = {
    "Version": "1",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": [BOB]}}],
}
PYTHON_CLIENT = """
import sys
import grpc
from rolecall.v1 import decision_pb2 as pb

with grpc.insecure_channel(sys.argv[1]) as channel:
    call = channel.unary_unary(
        "/rolecall.v1.DecisionService/CheckAssumeRole",
        request_serializer=pb.CheckAssumeRoleRequest.SerializeToString,
        response_deserializer=pb.CheckAssumeRoleResponse.FromString,
    )
    query = pb.AssumeRoleQuery(principal=sys.argv[2], role=sys.argv[3])
    print(call(pb.CheckAssumeRoleRequest(query=query)).decision.allowed)
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """Give a server with one role, `app`, which Bob may assume."""
    with served(directory=tmp_path) as address:
        with RolecallClient(address) as client:
            client.create_role(CreateRoleRequest(role_name="app", assume_role_policy_document=json.dumps(DOCUMENT)))
        yield address


def generate(directory: Path, template: str) -> None:
    """Generate code in a directory that has nothing but the descriptor set and a template."""
    shutil.copyfile(CONTRACT, directory / CONTRACT.name)
    (directory / "buf.gen.yaml").write_text(template)
    path = os.pathsep.join([str(INSTALLED), str(BUF.parent), os.environ["PATH"]])
    run([str(BUF), "generate"], directory, PATH=path)


def run(command: list[str], directory: Path, **env: str) -> str:
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, **env}, capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def template_with(plugin: str) -> str:
    (found,) = [template for template in TEMPLATES if plugin in template]
    return found


def test_the_descriptor_set_has_every_file_that_it_imports() -> None:
    pool, files = DescriptorPool(), FileDescriptorSet.FromString(CONTRACT.read_bytes()).file

    for file in files:
        pool.Add(file)

    check = pool.FindServiceByName("rolecall.v1.DecisionService").FindMethodByName("CheckAssumeRole")
    assert check.output_type.fields_by_name["decision"].message_type is pool.FindMessageTypeByName(
        "rolecall.v1.Decision"
    )
    assert {file.name for file in files} >= {"google/rpc/status.proto", "rolecall/v1/watch.proto"}


def test_a_go_client_is_generated_and_asks_a_server(tmp_path: Path, address: str) -> None:
    go = shutil.which("go")
    if go is None or not (INSTALLED / "protoc-gen-go-grpc").exists():
        missing("the plugins for Go are not there: install Go, then `make tools`")
    module = tmp_path / "client"
    shutil.copytree(GO_CLIENT, module)
    generate(module, template_with("protoc-gen-go-grpc"))

    run([go, "build", "-o", "client", "."], module, GOFLAGS="-mod=readonly -buildvcs=false", GOPROXY="off")
    allowed, checkpoint = run(["./client", address, BOB, "app"], module).splitlines()
    (refused,) = run(["./client", address, "nobody", "app"], module).splitlines()

    assert allowed == "true DECISION_REASON_ALLOW"
    assert checkpoint == "1 true"
    assert refused == "InvalidArgument"


def test_python_code_is_generated_with_the_plugins_of_protoc(tmp_path: Path, address: str) -> None:
    generate(tmp_path, template_with("protoc_builtin: python"))
    # buf marks imports, and generates no code for them.
    generated = {path.relative_to(tmp_path / "gen").as_posix() for path in (tmp_path / "gen").rglob("*.py*")}
    stubs = {f"rolecall/v1/{name}_pb2.{kind}" for name in ("caller", "decision", "policy", "role", "watch") for kind in ("py", "pyi")}  # fmt: skip

    # With -S the packages of this repository are not found: the generated one has the name of the server.
    path = os.pathsep.join([str(tmp_path / "gen"), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    answer = run([sys.executable, "-S", "-c", PYTHON_CLIENT, address, BOB, "app"], tmp_path, PYTHONPATH=path)

    assert generated == stubs
    assert answer == "True\n"


def test_protoc_reads_the_descriptor_set(tmp_path: Path) -> None:
    (line,) = re.findall(r"^\$ python (-m grpc_tools\.protoc .*)$", PAGE, re.MULTILINE)
    shutil.copyfile(CONTRACT, tmp_path / CONTRACT.name)
    (tmp_path / "gen").mkdir()

    run([sys.executable, *shlex.split(line)], tmp_path)

    generated = sorted(path.name for path in (tmp_path / "gen/rolecall/v1").iterdir())
    assert generated == ["decision_pb2.py", "decision_pb2_grpc.py"]


def test_the_protos_are_a_module_whose_dependency_may_be_any_copy_of_it(tmp_path: Path) -> None:
    import google.rpc.status_pb2

    googleapis = Path(google.rpc.status_pb2.__file__).with_suffix("").with_name("status.proto")
    shutil.copytree(ROOT / "protos/rolecall", tmp_path / "protos/rolecall")
    (tmp_path / "googleapis/google/rpc").mkdir(parents=True)
    shutil.copyfile(googleapis, tmp_path / "googleapis/google/rpc/status.proto")
    workspace = {"version": "v2", "modules": [{"path": "protos"}, {"path": "googleapis"}]}
    (tmp_path / "buf.yaml").write_text(json.dumps(workspace))

    run([str(BUF), "build", "--output", "built.binpb"], tmp_path)

    built = FileDescriptorSet.FromString((tmp_path / "built.binpb").read_bytes()).file
    assert {file.name for file in built} == {
        file.name for file in FileDescriptorSet.FromString(CONTRACT.read_bytes()).file
    }
