"""The stubs match the protos, and the checks of the protos detect violations."""

from __future__ import annotations

import copy
import json
import shutil
import sys
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorSet, FileOptions

from protos import generate, generate_clients, lint
from protos.buf import buf
from tests.conformance.toolchains import TOOLCHAINS

MANAGED = """
version: v2
managed:
  enabled: true
  override:
    - file_option: go_package_prefix
      value: buf.build/gen/go/rolecall/rolecall/protocolbuffers/go
plugins:
  - local: {plugin}
    out: .
"""
PLUGIN = """
import sys
from google.protobuf.compiler import plugin_pb2

request = plugin_pb2.CodeGeneratorRequest.FromString(sys.stdin.buffer.read())
response = plugin_pb2.CodeGeneratorResponse(supported_features=1)
for file in request.proto_file:
    options = file.options.SerializeToString().hex()
    response.file.add(name=f"{file.name}.options", content=options)
sys.stdout.buffer.write(response.SerializeToString())
"""
"""Writes the options of each file in hexadecimal."""


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the protos, which the tools use instead of the real ones."""
    copy = tmp_path / "with a space"
    shutil.copytree(generate.PROTOS, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    for module in (generate, lint):
        monkeypatch.setattr(module, "PROTOS", copy)
    return copy


def change(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_committed_stubs_match_the_protos() -> None:
    assert generate.main(["--check"]) == 0


def test_a_changed_proto_is_detected(copied: Path, capfd: pytest.CaptureFixture[str]) -> None:
    change(
        copied / "rolecall/v1/watch.proto", "string reason = 1;", "string reason = 1;\n  // More.\n  string more = 2;"
    )

    status = generate.main(["--check"])

    assert status == 1
    assert "watch_pb2.py does not match the protos" in capfd.readouterr().err


def test_a_descriptor_set_that_lacks_a_change_is_detected(
    copied: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    change(copied / "rolecall/v1/watch.proto", "// The cause, in a sentence.", "// The cause.")

    status = generate.main(["--check"])
    complaint = capfd.readouterr().err
    monkeypatch.setattr(generate, "CONTRACT", copied / "missing.binpb")
    without = generate.main(["--check"])

    # A comment is in no stub.
    assert (status, without) == (1, 1)
    assert complaint == "rolecall.v1.binpb does not match the protos; run `make proto` and commit the result\n"


def test_a_stub_without_a_proto_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubs = tmp_path / "v1"
    shutil.copytree(generate.STUBS, stubs, ignore=shutil.ignore_patterns("__pycache__"))
    (stubs / "gone_pb2.py").touch()
    monkeypatch.setattr(generate, "STUBS", stubs)

    assert generate.main(["--check"]) == 1


def test_the_options_of_the_files_are_those_of_managed_mode(tmp_path: Path) -> None:
    plain = FileDescriptorSet.FromString(generate.CONTRACT.read_bytes())
    options = {file.name: file.options for file in plain.file if file.package == "rolecall.v1"}
    expected = copy.deepcopy(options)
    for file in plain.file:
        if file.package == "rolecall.v1":
            file.ClearField("options")
    (tmp_path / "plain.binpb").write_bytes(plain.SerializeToString())
    (tmp_path / "buf.gen.yaml").write_text(MANAGED.format(plugin=json.dumps([sys.executable, "-c", PLUGIN])))

    buf(
        "generate",
        str(tmp_path / "plain.binpb"),
        "--template",
        str(tmp_path / "buf.gen.yaml"),
        "--output",
        str(tmp_path),
    )

    managed = {
        name: FileOptions.FromString(bytes.fromhex((tmp_path / f"{name}.options").read_text())) for name in expected
    }
    assert managed == expected


def test_the_protos_pass_their_checks() -> None:
    assert lint.main([]) == 0


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("  // The cause, in a sentence.\n", "", "should have a non-empty comment"),
        (
            "string reason = 1;",
            "string reason = 2;",
            '"reason" on message "ResyncRequired" was deleted',
        ),
        ("string reason = 1;", "int32 reason = 1;", 'changed type from "string" to "int32"'),
        ("string reason = 1;", "string Reason = 1;", "should be lower_snake_case"),
        ("  string reason = 1;", "    string reason = 1;", "-    string reason"),
    ],
)
def test_a_violation_in_the_protos_is_reported(
    copied: Path, capfd: pytest.CaptureFixture[str], old: str, new: str, complaint: str
) -> None:
    change(copied / "rolecall/v1/watch.proto", old, new)

    status = lint.main([])

    found = capfd.readouterr()
    assert status == 1
    assert complaint in found.out + found.err


def test_an_unknown_flag_is_refused() -> None:
    assert generate.main(["--chekc"]) == 2
    assert lint.main(["--chekc"]) == 2


def test_every_client_with_a_template_has_its_stubs_generated_and_is_tested() -> None:
    templates = {path.parent.name for path in (generate_clients.ROOT / "clients").glob("*/buf.gen.yaml")}

    assert set(generate_clients.CLIENTS) == templates
    assert set(TOOLCHAINS) == templates | {"python"}


def test_a_stub_of_a_client_that_differs_or_is_missing_or_is_left_over_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generate_clients, "ROOT", tmp_path)
    fresh, committed = tmp_path / "fresh", tmp_path / "committed"
    for folder, names in ((fresh, "same changed v1/missing"), (committed, "same changed v1/left")):
        for name in names.split():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(folder.name if name == "changed" else name)

    stale = generate_clients.report("go", fresh, committed)
    generate_clients.replace(fresh, committed)

    assert stale == 3
    reported = capsys.readouterr().err.splitlines()
    assert [line.split()[0] for line in reported[:3]] == [
        "committed/changed",
        "committed/v1/left",
        "committed/v1/missing",
    ]
    assert generate_clients.report("go", fresh, committed) == 0
