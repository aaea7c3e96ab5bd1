"""The targets of the fuzzer, without it: their seeds and some changes of these break no promise."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.target import ByteRandom, Target
from tests.fuzz.targets import TARGETS

CHANGES = 150


def changed(random: Random, seed: bytes, words: tuple[str, ...]) -> bytes:
    """Return `seed` with a piece of it replaced by random bytes, by a word or by nothing, once to three times."""
    data = bytearray(seed)
    for _ in range(random.randint(1, 3)):
        at = random.randint(0, len(data))
        by = random.choice([random.randbytes(random.randint(0, 3)), random.choice(words or ("",)).encode()])
        data[at : at + random.choice([0, 0, 1, 2, 8])] = by
    return bytes(data)


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_no_seed_and_no_change_of_one_breaks_a_promise(target: Target) -> None:
    random = Random(20_261_129)

    for seed in (b"", *target.seeds):
        target.check(seed)
    for _ in range(CHANGES):
        target.check(changed(random, random.choice(target.seeds), target.words))


def test_without_the_fuzzer_the_command_says_where_it_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    code = main(["--target", "address"])

    assert (code, "pip install atheris" in capsys.readouterr().err) == (2, True)


def test_the_bytes_of_an_input_are_the_choices_of_a_case() -> None:
    first, second = ByteRandom(bytes(range(40))), ByteRandom(bytes(range(40)))

    drawn = [first.choice("abcdefgh") for _ in range(8)]

    assert drawn == [second.choice("abcdefgh") for _ in range(8)]
    assert len(set(drawn)) > 2
    assert [ByteRandom(b"").randint(3, 9) for _ in range(4)] == [3] * 4


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="pip install atheris: it has packages for Linux"
)
def test_the_fuzzer_runs_a_target_and_reports_how_much(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    code = main(["--target", "address", "--seconds", "1", "--corpus", str(tmp_path), "--faults", str(tmp_path)])

    assert code == 0
    assert "1 targets, 0 with a fault" in capfd.readouterr().out
    assert any((tmp_path / "address").iterdir())


@pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="pip install atheris: it has packages for Linux"
)
def test_the_fuzzer_writes_an_input_that_breaks_a_promise(tmp_path: Path) -> None:
    code = """
import atheris, sys
def check(data): assert data[:1] != b"x"
atheris.Setup([sys.argv[0], "-runs=100000", "-seed=1", f"-artifact_prefix={sys.argv[1]}/"], check)
atheris.Fuzz()
"""

    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)

    assert done.returncode != 0
    assert [path.read_bytes()[:1] for path in tmp_path.iterdir()] == [b"x"]
