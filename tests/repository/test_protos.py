"""The stubs match the protos, and the checks of the protos detect violations."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from protos import generate, lint


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


def test_a_stub_without_a_proto_is_detected(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stubs = tmp_path / "v1"
    shutil.copytree(generate.STUBS, stubs, ignore=shutil.ignore_patterns("__pycache__"))
    (stubs / "gone_pb2.py").touch()
    monkeypatch.setattr(generate, "STUBS", stubs)

    assert generate.main(["--check"]) == 1


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
