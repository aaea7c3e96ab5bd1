"""A project of one module and one test file, in which a trial takes seconds."""

from __future__ import annotations

from pathlib import Path

SIGN = "service/rolecall/policy/sign.py"
_FILES = {
    ".gitignore": "__pycache__/\n.mutants_cache/\n",
    "pyproject.toml": '[tool.pytest.ini_options]\npythonpath = ["."]\naddopts = ["--import-mode=importlib"]\n',
    "service/rolecall/__init__.py": "",
    "service/rolecall/policy/__init__.py": "",
    SIGN: """
LIMIT = 3


def sign(number: int) -> int:
    if number < 0:
        return -1
    return min(number, LIMIT)


def count(number: int) -> int:
    while number > 0:
        number -= 1
    return number


def unused() -> str:
    return "never"
""",
    "tests/policy/test_sign.py": """
from rolecall.policy.sign import count, sign


def test_a_negative_number_has_its_sign():
    assert sign(-5) == -1


def test_a_large_number_is_cut():
    assert sign(5) == 3


def test_counting_ends():
    assert count(2) == 0
""",
}


def make_small_tree(root: Path) -> None:
    """Write the project into a directory, with the plug-in that runs in its tests."""
    for name, text in _FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    plugin = Path(__file__).with_name("pytest_plugin.py")
    (root / "tests" / "mutants").mkdir()
    (root / "tests" / "mutants" / plugin.name).write_bytes(plugin.read_bytes())
