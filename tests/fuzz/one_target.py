"""One target under Atheris, in a process of its own: `python -m tests.fuzz.one_target NAME [option of libFuzzer ...]`.

Only the product's modules are instrumented, so that the fuzzer looks for new paths in the product and not in the checks.
"""

from __future__ import annotations

import sys

import atheris

with atheris.instrument_imports(include=["rolecall"]):
    from tests.fuzz.targets import TARGETS


def main() -> None:
    """Fuzz until libFuzzer ends the process: 0 at its limit, another code after a fault, whose input it has written."""
    name, *options = sys.argv[1:]
    atheris.Setup([sys.argv[0], *options], TARGETS[name].check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
