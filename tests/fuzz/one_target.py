"""One target under Atheris, in a process of its own: `python -m tests.fuzz.one_target MODULE NAME [option of libFuzzer ...]`.

Only the product's modules are instrumented, so that the fuzzer looks for new paths in the product and not in the checks.
"""

from __future__ import annotations

import sys
from importlib import import_module

import atheris


def main() -> None:
    """Fuzz until libFuzzer ends the process: 0 at its limit, another code after a fault, whose input it has written."""
    topic, name, *options = sys.argv[1:]
    with atheris.instrument_imports(include=["rolecall"]):
        targets = import_module(topic).TARGETS
    target = next(target for target in targets if target.name == name)
    atheris.Setup([sys.argv[0], *options], target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
