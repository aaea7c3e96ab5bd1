"""Check the protos offline: buf's lint and format, and no breaking change against the baseline.

`--baseline` makes the present protos the baseline. Do so with each release, never to suppress a breaking change.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from protos.buf import buf
from protos.generate import PROTOS, compile_protos

BASELINE = PROTOS / "baseline/rolecall.v1.binpb"


def main(arguments: list[str]) -> int:
    """Run every check and return 0 if all pass; with `--baseline`, write the baseline."""
    match arguments:
        case ["--baseline"]:
            compile_protos("--include_imports", f"--descriptor_set_out={BASELINE}")
            return 0
        case []:
            return lint()
    print("usage: python -m protos.lint [--baseline]", file=sys.stderr)
    return 2


def lint() -> int:
    """Return 0 if the protos pass all checks; buf prints the violations."""
    with tempfile.TemporaryDirectory() as scratch:
        image = str(Path(scratch) / "rolecall.binpb")
        compile_protos("--include_imports", "--include_source_info", f"--descriptor_set_out={image}")
        ours = ("--config", str(PROTOS / "buf.yaml"), "--path", "rolecall/v1")
        results = [
            buf("format", "--diff", "--exit-code", str(PROTOS)),
            buf("lint", image, *ours),
            buf("breaking", image, "--against", str(BASELINE), *ours),
        ]
    return 1 if any(results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
