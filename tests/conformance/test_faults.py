"""Both Python clients pass every scenario of the fault script."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.conformance.driven import KINDS, eventually_nothing, options_of
from tests.conformance.interpreter import Interpreter
from tests.conformance.world import FAULTS

pytestmark = pytest.mark.long

Json = dict[str, Any]

SCRIPT = json.loads(FAULTS.read_text())
ONLY = os.environ.get("ROLECALL_CONFORMANCE_ONLY", "")
SCENARIOS = [
    pytest.param(scenario, id=scenario["name"]) for scenario in SCRIPT["scenarios"] if ONLY in scenario["name"]
]


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_client_does_in_each_scenario_what_the_script_expects(world: Json, scenario: Json, kind: str) -> None:
    client = KINDS[kind](**options_of(scenario["client"], world))
    interpreter = Interpreter(client, SCRIPT["queries"], world["control"])
    interpreter.control("/reset")

    try:
        interpreter.run(scenario["steps"])
    finally:
        client.close()

    eventually_nothing(client.left)
