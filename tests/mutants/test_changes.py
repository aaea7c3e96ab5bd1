from __future__ import annotations

import random
from textwrap import dedent

import pytest

from tests.mutants.changes import Change, all_changes, changes_of, sample
from tests.mutants.signatures import Signatures
from tests.mutants.source import Source
from tests.mutants.tree import REPOSITORY

pytestmark = pytest.mark.long


def changes(code: str) -> list[Change]:
    """Return the valid changes of the code of a module."""
    source = Source("service/rolecall/policy/module.py", dedent(code).encode())
    return [change for change in changes_of(source, Signatures([source.tree])) if change.is_valid()]


def changed(code: str) -> set[str]:
    """Return each changed line of the code of a module."""
    before = dedent(code).splitlines()
    return {
        line.strip() for change in changes(code) for line in change.after.decode().splitlines() if line not in before
    }


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("x = a < b", {"x = a <= b"}),
        ("x = a >= b", {"x = a > b"}),
        ("x = a == b != c", {"x = a != b != c", "x = a == b == c"}),
        ("x = a is not b", {"x = a is b"}),
        ("x = a not in b", {"x = a in b"}),
        ("x = a and b and c", {"x = a or b and c", "x = a and b or c"}),
        ("x = not a", {"x = (a)"}),
        ("x = b if a else c", {"x = b if (not (a)) else c"}),
        ("x = [a for a in b if a.c]", {"x = [a for a in b if (not (a.c))]"}),
        ("x = a + b - c", {"x = a - b - c", "x = a + b + c"}),
        ("x = f'a' + b", set()),
        ("x = min(a, b)", {"x = max(a, b)"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = 0", {"x = 1", "x = (-1)"}),
        ("x = 0.5", {"x = 1.0"}),
        ("x = True", {"x = False"}),
        ("x = 'name'", {'x = "name~"'}),
        ("x = 'a sentence for people'", set()),
        ("x = 'SELECT one FROM many'", {'x = "SELECT one FROM many~"'}),
        ("x = 'JSON quotes with double quotes'", set()),
        ("x = 'utf-8'", set()),
        ("x = {a, b}", {"x = {b}", "x = {a}"}),
        ("x = (a, b)", {"x = (b,)", "x = (a,)"}),
        ("x = [(a, b)]", {"x = []"}),
        ("x = {**a, b: c}", {"x = {**a}"}),
        ("x = a[b:c]", {"x = a[:c]", "x = a[b:]"}),
        ("x = a(b, c=d, *e)", {"x = a(b, *e)"}),
        ("x = a(b for b in c)", set()),
        ("x = d.get(a, b)", {"x = d.get(a)"}),
        ("x = open(a, encoding='utf-8')", set()),
    ],
)
def test_an_expression_is_changed_in_one_place(line: str, expected: set[str]) -> None:
    assert changed(line) == expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("f(1)", {"pass", "f(2)", "f(0)"}),
        ("a.b = c", {"pass"}),
        ("a = c", set()),
        ("a += c", {"pass", "a -= c"}),
        ("del a", {"pass"}),
        ("return a", {"return None"}),
        ("return None", set()),
        ("return False", {"return True"}),
        ("raise ValueError(f'{a}')", {"pass"}),
        ("raise NotImplementedError", set()),
        ("assert_never(a)", {"pass"}),
        ("yield a", set()),
        ("if a: return", {"if (not (a)): return"}),
    ],
)
def test_a_statement_is_left_out(line: str, expected: set[str]) -> None:
    assert changed(f"def function(a, b, c):\n    {line}\n") == expected


@pytest.mark.parametrize(
    "code",
    [
        '"""A docstring."""',
        '__all__ = ["name"]',
        "x: Literal['a'] | None",
        "@lru_cache(maxsize=7)\ndef f(): ...",
        "def f(a: 'b') -> 'c': ...",
        "class C(Protocol):\n    def f(self, a=7): return 7",
        "if TYPE_CHECKING:\n    x = 7",
        "if __name__ == '__main__':\n    main()",
        "from a import b",
        "T = TypeVar('T')",
        "A = B | C",
        "x = f'{a!r:>7}'",
        "x = cast('A', b)",
    ],
)
def test_what_means_nothing_is_left_alone(code: str) -> None:
    assert changed(code) == set()


def test_a_protocol_of_the_event_loop_is_a_class_as_any_other() -> None:
    assert changed("class C(asyncio.Protocol):\n    x = True") == {"x = False"}


def test_the_strings_of_messages_are_left_alone_and_those_beside_them_are_not() -> None:
    code = """
    def f():
        log.info("message", key="x")
        return XError("message")
    """

    found = changed(code)

    assert found == {"pass", 'log.info("message")', "return None"}


def test_an_argument_is_left_out_only_if_it_has_a_default() -> None:
    code = """
    def f(a, b=None, *, c, d=None): ...
    f(a, b, c=c, d=d)
    f(a, c=c)
    """

    found = changed(code)

    assert found == {"f(a, c=c, d=d)", "f(a, b, c=c)", "pass"}


def test_a_field_of_a_dataclass_is_left_out_only_if_it_has_a_default() -> None:
    code = """
    class C:
        a: int
        b: str = name
    C(a=x, b=y)
    """

    assert changed(code) == {"C(a=x)", "pass"}


def test_everything_else_stays_byte_for_byte() -> None:
    text = 'x = "é€" ;  y = [ 1 ,2 ]   # é\r\nz = (  "é", 3)\r\n'
    source = Source("x.py", text.encode())

    found = {change.after.decode() for change in changes_of(source, Signatures([]))}

    assert text.replace("1 ", "2 ") in found
    assert text.replace('"é", 3', '"é", 4') in found
    assert text.replace("1 ,2 ]", "1 ]") in found


def test_a_change_knows_its_line_and_the_lines_of_its_statement() -> None:
    code = "def f():\n    if (a and\n        b):\n        g()\n"

    places = {(change.edit.what, change.line, change.lines) for change in changes(code)}

    assert ("`and` -> `or`", 2, range(2, 4)) in places
    assert ("drop `g()`", 4, range(4, 5)) in places


def test_what_an_import_runs_is_known() -> None:
    code = "LIMIT = 7\ndef f(a=True):\n    g()\n"

    found = {change.edit.what: change.at_import for change in changes(code)}

    assert found == {"`7` -> `8`": True, "`7` -> `6`": True, "`True` -> `False`": True, "drop `g()`": False}


def test_a_text_with_half_a_character_can_be_changed() -> None:
    (change,) = changes(r'x = "\ud800"')

    assert change.is_valid()
    assert change.after == rb"x = '\ud800~'"


def test_the_changes_of_this_project_compile() -> None:
    found = random.Random(1).sample(all_changes(REPOSITORY), 100)

    assert [change.place for change in found if not change.is_valid()] == []


def test_the_same_seed_draws_the_same_sample_and_a_larger_count_adds_to_it() -> None:
    found = changes("\n".join(f"x{number} = {number}" for number in range(40)))

    first, same, larger, other = (
        [change.edit for change in sample(found, seed=seed, count=count)]
        for seed, count in ((1, 10), (1, 10), (1, 20), (2, 10))
    )

    assert first == same == larger[:10]
    assert (len(first), len(larger)) == (10, 20)
    assert first != other
