"""What is said of documents that are not JSON, and where."""

from __future__ import annotations

from collections.abc import Iterator

from rolecall.policy.errors import InvalidPolicyError
from rolecall.policy.json_text import decode
from rolecall.policy.positions import scan
from rolecall.policy.wording import printable

_DOCUMENT = '{"a": ["x", 10, true], "b": {"c": -0.5e3}}'
_INSERTED = ['"', ",", "}", "]", "{", ":", "\\", "1", "a", "\n"]
_PLACES = {
    "a value": '{"a":\n %s}',
    "an element": '{"a": [%s]}',
    "a name": '{"a": 1, %s: 1}',
    "a colon": '{"a" %s 1}',
    "the end of a member": '{"a": "x" %s }',
    "the end of an element": '["x" %s ]',
    "after the document": '{"a": 1} %s\nmore',
}
_FRAGMENTS = [
    "// why", "/* why */", "# why", "'x'", "\u201cx\u201d", "\u2018x\u2019", "\u201d", "\u2019", "\0",
    "\\[x", "\\]", "\\_", "\\*", "\\{", "\\}", "\\", "${x}", "{{ x }}", "{% x %}", "$(x)", "<%= x %>", "$x", "$_", "$1",
    "<x>", "<1", "NaN", "Infinity", "-Infinity", "+nan", "inf", "info", ".5", "+1", "01", "1.", "1e", "1x", "0x1f", "1_000",
    "+", "-", "-x", "True", "FALSE", "None", "undefined", "null", "word", "a-b.c_d", "=", ";", "]", "}", ",", "\u00e9",
    '"y"', "{", "[", "x" * 40, "two words",
]  # fmt: skip
_STRINGS = [
    '"open', '"a\nb"', '"a\rb"', '"a\tb"', '"a\0b"', '"a\\', '"a\\x41"', '"\\u12"', '"\\u00e9\\n\\q"', '"\\["', '"a\\*b"',
    '"\\ "', '"\\"', '"\x1f"', '"\\u0041\\/\\b\\f\\r\\t\\\\ \\u12G4"',
]  # fmt: skip
_WHOLE = {
    "nothing": "", "blanks": " \t\r\n", "a byte order mark": '\ufeff{"a": 1}', "a form feed": "\f{}", "a comma too many": '{"a": 1,}',
    "a comma too many in an array": '{"a": [1 , \n ]}', "two commas": "[1,,2]", "a comma alone": "[,]", "no value after a comma": "[1,~]", "a number's tail": "[10.5.1]",
    "a number's tail at a sign": "[1+1]", "a date": "[2026-01-01]", "a template in the line before": '{"a": "x" ${b} "c"\n, "d" 1}',
    "a template in another line": '{"a": "${b}",\n "c" "d"}', "a comma that is lost after the line of a template": '{"a": "${b}",\n "c": 1 "d": "${e}"}', "a template at the end": '{"a": "${b}"', "deep": "[" * 3 + "]" * 3,
    "too deep": '{"a": ' * 4 + "1" + "}" * 4, "too deep in a list": "[[[[", "too long": '"' + "x" * 200 + '"', "an end": '{"a"',
    "an end after a colon": '{"a":', "an end in an array": "[1", "an end after a comma": "[1,", "an open object": "{", "a pointer": '{"a/b": {"~": [1, {"c": x}]}}',
}  # fmt: skip
_PLACED = ' {"a": [1, -2.5e1, "x\\n", true ,null, []],\n\t"b/~": {"c": {}}, "": false, "a": "\\ud800", "\\u0000": "\\u0000"}\n'


def written() -> str:
    """Return the text of the page as it should be."""
    return "\n".join([*_slips(), *_fragments(), *_others(), *_positions(), ""])


def _slips() -> Iterator[str]:
    yield f"# one character of {_DOCUMENT} is left out, or inserted"
    for at in range(len(_DOCUMENT)):
        yield from _refused(f"{at} -", _DOCUMENT[:at] + _DOCUMENT[at + 1 :])
    for character in _INSERTED:
        for at in range(0, len(_DOCUMENT) + 1, 3):
            yield from _refused(f"{at} + {printable(character)}", _DOCUMENT[:at] + character + _DOCUMENT[at:])


def _fragments() -> Iterator[str]:
    for place, template in _PLACES.items():
        yield f"# in place of {place}"
        for fragment in _FRAGMENTS:
            yield from _refused(printable(fragment), template.replace("%s", fragment))


def _others() -> Iterator[str]:
    yield "# strings"
    for text in _STRINGS:
        yield from _refused(printable(text), f'["x", {text}')
    yield "# whole documents"
    for name, text in _WHOLE.items():
        yield from _refused(name, text)
    yield from _refused("characters", "[" + "1," * 80 + "1]", max_characters=160)


def _positions() -> Iterator[str]:
    yield "# positions"
    found = scan(_PLACED, max_depth=32)
    for number, place in enumerate(found.places):
        values = f"{place.offset} {place.name_offset} parent {place.parent}"
        yield f"{found.pointer_of(number) or '/'}: {values} {printable(place.token)} {printable(place.source)}"
    for flaw in found.flaws:
        yield f"{printable(flaw.pointer)}: {flaw.reason} {flaw.offset}"


def _refused(name: str, text: str, max_characters: int | None = None) -> Iterator[str]:
    try:
        decode(text, max_bytes=170, max_depth=3, max_characters=max_characters)
    except InvalidPolicyError as error:
        for found in error.violations:
            at = f"{found.line}:{found.column} {found.pointer or '/'}"
            yield f"{name}: {at} {found.reason}: {found.message}{f' -> {found.suggestion}' if found.suggestion else ''}"
