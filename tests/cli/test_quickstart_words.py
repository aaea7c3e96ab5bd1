"""The command line that `quickstart` suggests, and the addresses that it refuses to use."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from rolecall.cli.commands import quickstart
from rolecall.cli.failure import CommandError
from rolecall.config.settings import Config
from tests.cli.conftest import CommandLine

ASKED = "explain --role break-glass --as acs:ram::123456789012:user/alice --context acs:SourceIp=203.0.113.9"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rolecall: CommandLine) -> Path:
    """Give the path of a program `rolecall` in the current directory, which runs; `rolecall` removes all variables."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "bin").mkdir()
    path = tmp_path / "bin/rolecall"
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    monkeypatch.setattr(sys, "argv", [str(path)])
    return path


def test_a_program_that_the_shell_finds_has_its_name(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))

    assert quickstart.next_command("127.0.0.1:7") == f"rolecall {ASKED} --address 127.0.0.1:7"


def test_a_program_that_the_shell_does_not_find_has_its_path(
    program: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    nowhere = quickstart.next_command("127.0.0.1:7")
    (tmp_path / "rolecall").write_text("#!/bin/sh\n")
    (tmp_path / "rolecall").chmod(0o755)
    another = quickstart.next_command("127.0.0.1:7")

    assert program.exists()
    assert nowhere == another == f"bin/rolecall {ASKED} --address 127.0.0.1:7"


def test_a_module_is_run_as_one(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", [str(program.with_name("__main__.py"))])

    assert quickstart.next_command("127.0.0.1:7") == f"{sys.executable} -m rolecall {ASKED} --address 127.0.0.1:7"


def test_the_address_that_commands_use_anyway_is_left_out(program: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(program.parent))

    assert quickstart.next_command("127.0.0.1:50051") == f"rolecall {ASKED}"
    monkeypatch.setenv("ROLECALL_ADDRESS", "127.0.0.1:7")
    assert quickstart.next_command("127.0.0.1:7") == f"rolecall {ASKED}"
    assert quickstart.next_command("127.0.0.1:50051") == f"rolecall {ASKED} --address 127.0.0.1:50051"
    monkeypatch.setenv("ROLECALL_ADDRESS", "http://x")
    assert quickstart.next_command("127.0.0.1:50051") == f"rolecall {ASKED} --address 127.0.0.1:50051"


def note_questions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list of the addresses that are asked from now on; none answers."""
    asked: list[str] = []

    def answers(host: str, port: int) -> bool:
        asked.append(f"{host}:{port}")
        return False

    monkeypatch.setattr(quickstart, "_answers", answers)
    return asked


def config(listen: str) -> Config:
    return Config.from_mapping({"listen": listen, "store": "memory://"}, {})


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "unix:/tmp/nowhere.sock"])
def test_an_address_at_which_nothing_can_listen_yet_is_not_asked(listen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = note_questions(monkeypatch)

    quickstart._require_free(config(listen))

    assert asked == []


def test_a_free_address_is_asked_and_used(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = note_questions(monkeypatch)

    quickstart._require_free(config("127.0.0.1:1234"))

    assert asked == ["127.0.0.1:1234"]


@pytest.mark.parametrize(
    ("is_rolecall", "message"),
    [
        (True, "a rolecall server is running on 127.0.0.1:1234 already"),
        (False, "another program listens on 127.0.0.1:1234"),
    ],
)
def test_an_address_in_use_is_refused(monkeypatch: pytest.MonkeyPatch, is_rolecall: bool, message: str) -> None:
    monkeypatch.setattr(quickstart, "_answers", lambda _host, _port: True)
    monkeypatch.setattr(quickstart, "_is_rolecall", lambda _address: is_rolecall)

    with pytest.raises(CommandError, match=message) as caught:
        quickstart._require_free(config("127.0.0.1:1234"))

    assert "--listen 127.0.0.1:PORT" in caught.value.hint
    assert ("use it: `" in caught.value.hint) is is_rolecall
