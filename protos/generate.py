"""Generate the Python stubs and the descriptor set of the protos; with `--check`, compare them only.

The stubs are in `rolecall_client.v1` of the client distribution, so the imports that protoc writes (`from rolecall.v1 import ...`)
are rewritten.
protoc generates types of messages but not of services: the `_pb2_grpc.pyi` files are generated here from the descriptors.
"""

from __future__ import annotations

import filecmp
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import google.rpc.status_pb2
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet, MethodDescriptorProto
from grpc_tools import protoc

from protos.buf import buf

PROTOS = Path(__file__).parent
STUBS = PROTOS.parent / "clients/python/rolecall_client/v1"
PACKAGE = "rolecall_client.v1"
CONTRACT = PROTOS / "rolecall.v1.binpb"
"""All files of the API and what they import, for clients in other languages."""


def main(arguments: list[str]) -> int:
    """Write the stubs and the descriptor set; with `--check`, report which of them are not up to date."""
    if arguments not in ([], ["--check"]):
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        fresh, contract = generate(Path(scratch)), descriptor_set(Path(scratch))
        if arguments:
            return check(fresh, contract)
        STUBS.mkdir(parents=True, exist_ok=True)
        for path in _outdated(fresh):
            path.unlink()
        for path in fresh.iterdir():
            shutil.copyfile(path, STUBS / path.name)
        shutil.copyfile(contract, CONTRACT)
    return 0


def generate(scratch: Path) -> Path:
    """Generate every stub below `scratch`; return the directory."""
    descriptors = scratch / "descriptors.bin"
    outputs = [f"--{kind}_out={scratch}" for kind in ("python", "pyi", "grpc_python")]
    compile_protos(*outputs, f"--descriptor_set_out={descriptors}")
    fresh = scratch / "rolecall/v1"
    for path in fresh.iterdir():
        path.write_text(path.read_text().replace("from rolecall.v1 import", f"from {PACKAGE} import"))
    for file in FileDescriptorSet.FromString(descriptors.read_bytes()).file:
        (fresh / f"{_module(file)}_grpc.pyi").write_text(service_types(file))
    (fresh / "__init__.py").write_text('"""Generated stubs of the contract `rolecall.v1`."""\n')
    return fresh


def descriptor_set(scratch: Path) -> Path:
    """Generate the descriptor set below `scratch`; return the file."""
    all_files, marked = scratch / "all.binpb", scratch / "marked.binpb"
    compile_protos("--include_imports", "--include_source_info", f"--descriptor_set_out={all_files}")
    # buf marks the imports, so that `buf generate` does not generate code of them.
    if status := buf("build", str(all_files), "--path", "rolecall/v1", "--output", str(marked)):
        raise SystemExit(status)
    return marked


def compile_protos(*flags: str) -> None:
    """Run protoc on all protos; exit if it fails, since it has printed the errors."""
    protobuf = Path(protoc.__file__).parent / "_proto"
    googleapis = Path(google.rpc.status_pb2.__file__).parents[2]  # google/rpc comes with an installed package
    includes = [f"-I{path}" for path in (PROTOS, protobuf, googleapis)]
    sources = sorted(path.relative_to(PROTOS).as_posix() for path in PROTOS.glob("rolecall/v1/*.proto"))
    if status := protoc.main(["protoc", *includes, *flags, *sources]):
        raise SystemExit(status)


def check(fresh: Path, contract: Path) -> int:
    """Print every committed stub that differs from `fresh`, and the descriptor set if it differs; return the exit status."""
    names = sorted(path.name for path in fresh.iterdir())
    _, different, missing = filecmp.cmpfiles(fresh, STUBS, names, shallow=False)
    stale = sorted([*different, *missing, *(path.name for path in _outdated(fresh))])
    if not CONTRACT.exists() or not filecmp.cmp(contract, CONTRACT, shallow=False):
        stale.append(CONTRACT.name)
    for name in stale:
        print(f"{name} does not match the protos; run `make proto` and commit the result", file=sys.stderr)
    return 1 if stale else 0


def service_types(file: FileDescriptorProto) -> str:
    """Return the type stubs for the code that protoc's gRPC plugin generates for `file`."""
    module = _module(file)
    lines = [
        "from collections.abc import AsyncIterator, Awaitable",
        "from typing import overload, type_check_only",
        "",
        "import grpc",
        "import grpc.aio",
        "",
        f"from {PACKAGE} import {module}",
    ]
    for service in file.service:
        name, methods = service.name, service.method
        lines += ["", f"class {name}Stub:"]
        for kind, result in (("grpc", "Stub"), ("grpc.aio", "AsyncStub")):
            lines += ["    @overload", f"    def __new__(cls, channel: {kind}.Channel) -> {name}{result}: ..."]
        lines += [f"    {method.name}: {_callable('grpc', module, method)}" for method in methods]
        lines += ["", "@type_check_only", f"class {name}AsyncStub({name}Stub):"]
        for method in methods:
            lines += [f"    {method.name}: {_callable('grpc.aio', module, method)}  # type: ignore[assignment]"]
        lines += ["", f"class {name}Servicer:", *(_served(module, method) for method in methods), ""]
        parameters = f"servicer: {name}Servicer, server: grpc.Server | grpc.aio.Server"
        lines += [f"def add_{name}Servicer_to_server({parameters}) -> None: ..."]
    return "\n".join(lines) + "\n"


def _callable(kind: str, module: str, method: MethodDescriptorProto) -> str:
    request, response = (
        "Stream" if streams else "Unary" for streams in (method.client_streaming, method.server_streaming)
    )
    return f"{kind}.{request}{response}MultiCallable[{', '.join(_messages(module, method))}]"


def _served(module: str, method: MethodDescriptorProto) -> str:
    request, response = _messages(module, method)
    argument = f"AsyncIterator[{request}]" if method.client_streaming else request
    result = f"AsyncIterator[{response}]" if method.server_streaming else f"Awaitable[{response}]"
    context = f"grpc.aio.ServicerContext[{request}, {response}]"
    return f"    def {method.name}(self, request: {argument}, context: {context}, /) -> {result}: ..."


def _messages(module: str, method: MethodDescriptorProto) -> Iterator[str]:
    for full_name in (method.input_type, method.output_type):
        yield f"{module}.{full_name.rpartition('.')[2]}"


def _module(file: FileDescriptorProto) -> str:
    return re.sub(r"\.proto$", "_pb2", file.name.rpartition("/")[2])


def _outdated(fresh: Path) -> list[Path]:
    expected = {path.name for path in fresh.iterdir()}
    return [path for path in STUBS.glob("*.py*") if path.name not in expected]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
