"""The parts of the world that no other test uses, and the script: it has only what its format has."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests.conformance.interpreter import Interpreter
from tests.conformance.name_server import NO_SUCH_NAME, NameServer
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
