"""Fuzz every parser of foreign text: `python -m tests.fuzz --seconds 3600`. Needs Atheris, which has packages for Linux.

Each target gets an equal part of the time, in a process of its own. What a run has learned stays in `--corpus`, from which
the next one continues. An input that breaks a promise is written to `--faults`, and the command ends with 1.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import re
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic

from tests.fuzz.target import Target
from tests.fuzz.targets import TARGETS, TOPIC_OF

HANG_SECONDS = 10
MEMORY_MB = 1_024


def main(arguments: list[str] | None = None) -> int:
    """Run the targets; return the exit code."""
    options = _parser().parse_args(arguments)
    if importlib.util.find_spec("atheris") is None:
        print("Atheris is missing; it has packages for Linux with x86-64: pip install atheris", file=sys.stderr)
        return 2
    chosen = [TARGETS[name] for name in options.target or TARGETS]
    began = monotonic()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.processes) as pool:
        seconds = options.seconds * options.processes / len(chosen)
        corpus = options.corpus or Path(scratch)
        runs = [pool.submit(_run, target, seconds, options.seed, corpus, options.faults) for target in chosen]
        results = [run.result() for run in runs]
    faults = sum(not result for result in results)
    print(
        f"{len(chosen)} targets, {faults} with a fault, in {monotonic() - began:.0f} s, seed {options.seed}", flush=True
    )
    return 1 if faults else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="of all targets together")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--target", action="append", choices=TARGETS, help="only these")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--corpus", type=Path, help="where inputs that reach new code are stored between runs")
    parser.add_argument("--faults", type=Path, default=Path(), help="where inputs that break a promise are written")
    return parser


def _run(target: Target, seconds: float, seed: int, corpus: Path, faults: Path) -> bool:
    """Fuzz one target, print what came of it, and return whether no promise was broken."""
    inputs = corpus / target.name
    inputs.mkdir(parents=True, exist_ok=True)
    faults.mkdir(parents=True, exist_ok=True)
    for seed_input in target.seeds:
        (inputs / hashlib.sha256(seed_input).hexdigest()[:16]).write_bytes(seed_input)
    words = inputs.with_suffix(".words")
    words.write_text("".join(f'"{_escaped(word)}"\n' for word in target.words or ("\0",)))  # an empty file is refused
    limits = (
        f"-max_total_time={max(1, round(seconds))}", f"-seed={seed}", f"-max_len={target.max_bytes}",
        f"-timeout={HANG_SECONDS}", f"-rss_limit_mb={MEMORY_MB}", f"-artifact_prefix={faults}/{target.name}-", f"-dict={words}",
    )  # fmt: skip
    command = [
        sys.executable,
        "-m",
        "tests.fuzz.one_target",
        TOPIC_OF[target.name],
        target.name,
        *limits,
        "-print_final_stats=1",
        str(inputs),
    ]
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    print(f"{target.name}: {int(executed[1]) if executed else 0} inputs, {_outcome(target, done)}", flush=True)
    return done.returncode == 0


def _outcome(target: Target, done: subprocess.CompletedProcess[str]) -> str:
    """Return what came of a run; after a fault how its input fails here, or the end of what the run printed."""
    if done.returncode == 0:
        return "no fault"
    written = re.search(r"Test unit written to (\S+)", done.stderr)
    if written is None:
        return "FAULT: " + done.stderr[-2_000:]
    data = Path(written[1]).read_bytes()
    try:
        target.check(data)
    except Exception:  # noqa: BLE001  (whatever it is, it is the fault)
        return f"FAULT in {written[1]}: {data!r}\n{traceback.format_exc(limit=-6)}"
    return f"FAULT in {written[1]}: {data!r}, too slow or only under the fuzzer\n{done.stderr[-2_000:]}"


def _escaped(word: str) -> str:
    return "".join(chr(b) if 32 <= b < 127 and chr(b) not in '"\\' else f"\\x{b:02x}" for b in word.encode())


if __name__ == "__main__":
    sys.exit(main())
