"""The parts of the world that no other test uses, and the script: it has only what its format has."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.cli.serving import REPOSITORY
from tests.conformance.__main__ import check
from tests.conformance.checks import run_checks
from tests.conformance.interpreter import Interpreter
from tests.conformance.name_server import NO_SUCH_NAME, NameServer
from tests.conformance.toolchains import Toolchain
from tests.conformance.world import FAULTS

SCRIPT = json.loads(FAULTS.read_text())
AAAA = 28


@pytest.fixture
def names() -> Iterator[NameServer]:
    with closing(NameServer("rolecall.test", ["127.0.0.1", "127.0.0.2"])) as server:
        yield server


def question(name: str, kind: int = 1) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", kind, 1)


def test_a_name_has_all_its_addresses(names: NameServer) -> None:
    answer = names.answer(question("Rolecall.Test")) or b""

    assert struct.unpack_from("!4H", answer) == (7, 0x8500, 1, 2)
    assert answer.endswith(bytes([127, 0, 0, 2]))
    assert bytes([127, 0, 0, 1]) in answer


def test_a_name_has_no_records_of_other_kinds_and_other_names_do_not_exist(names: NameServer) -> None:
    other_kind, other_name = (
        names.answer(question("rolecall.test", AAAA)),
        names.answer(question("_grpc.rolecall.test")),
    )

    assert struct.unpack_from("!4H", other_kind or b"") == (7, 0x8500, 1, 0)
    assert struct.unpack_from("!4H", other_name or b"") == (7, 0x8500 | NO_SUCH_NAME, 1, 0)


@pytest.mark.parametrize("message", [b"", b"\0" * 11, question("rolecall.test")[:-5], b"\xff" * 30])
def test_what_is_no_question_is_not_answered(names: NameServer, message: bytes) -> None:
    assert names.answer(message) is None


def steps_in(steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for step in steps:
        yield step
        yield from steps_in(
            [*step.get("then", []), *step.get("during", []), *([step["step"]] if "step" in step else [])]
        )


def test_scenarios_have_names_of_their_own_and_only_known_steps() -> None:
    names = [scenario["name"] for scenario in SCRIPT["scenarios"]]
    steps = [step for scenario in SCRIPT["scenarios"] for step in steps_in(scenario["steps"])]

    assert len(set(names)) == len(names)
    assert {step["do"] for step in steps} == set(Interpreter.STEPS)


def test_every_step_of_the_script_is_on_the_page_about_it() -> None:
    page = FAULTS.with_name("README.md").read_text()
    lacking = [name for name in Interpreter.STEPS if f"`{name}`" not in page]

    assert lacking == []


def toolchain(*command: str, program: str = "true") -> Toolchain:
    return Toolchain(name="cobol", directory=REPOSITORY, programs=[program], checks=[("tests", command)])


@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_client_without_its_toolchain_is_left_out_with_a_line_and_fails_where_nothing_may_be_left_out(
    ci: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CI", ci)

    assert check([toolchain("true", program="no-such-program")]) == code

    assert "the cobol client is left out: no-such-program is missing" in capsys.readouterr().out


def test_a_check_that_fails_is_named_with_what_it_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert run_checks(toolchain("sh", "-c", "echo why; exit 3")) == ["cobol: tests"]
    assert run_checks(toolchain("true")) == []

    printed = capfd.readouterr().out
    assert "why\n" in printed
    assert "cobol: tests: FAILED in 0 s, exit code 3" in printed
    assert "cobol: tests: passed in 0 s" in printed
