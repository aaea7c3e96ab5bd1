"""Read the arguments of a command by its own declarations, which is several times faster than building the command in Typer.

Typer imports pydantic to convert values. It is left for what needs it: help, completion, and a command line that does not fit.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

import typer
from typer.models import ArgumentInfo, OptionInfo

from rolecall.cli.options.plain_values import ValueKind, is_readable

_UNDERSTOOD = frozenset(
    {"default", "param_decls", "help", "metavar", "show_default", "min", "max", "hidden", "autocompletion"}
)
"""The settings of a declaration that this module obeys, or that only the help shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parameter:
    """An option, or an argument, which has no flags."""

    name: str
    flags: tuple[str, ...]
    kind: ValueKind
    repeated: bool
    default: object

    @property
    def is_switch(self) -> bool:
        return self.kind.type is bool

    @property
    def absent(self) -> object:
        """Return the value of a parameter that is not given."""
        return list(self.default) if isinstance(self.default, list | tuple) else self.default


class _NotPlainError(Exception):
    """Typer must read the command line."""


def plain_call(command: typer.Typer | Callable[..., object], arguments: Sequence[str]) -> Callable[[], object] | None:
    """Return the call that a command line asks for, or None if Typer must read it; raise `CommandError` for a value.

    `arguments` are those after the name of the command.
    """
    function: Callable[..., object] | None = None
    if isinstance(command, typer.Typer):
        name, *arguments = arguments or [""]
        function = _subcommand(command, name)
    else:
        function = command
    if function is None:
        return None
    try:
        values = _values(list(_parameters(function)), arguments)
    except _NotPlainError:
        return None
    called = function
    return lambda: called(**values)


def _subcommand(group: typer.Typer, name: str) -> Callable[..., object] | None:
    for info in group.registered_commands:
        if info.callback is not None and name == (info.name or info.callback.__name__.replace("_", "-")):
            return info.callback
    return None


def _parameters(function: Callable[..., object]) -> Iterator[_Parameter]:
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        hint = hints.get(parameter.name, parameter.annotation)
        if get_origin(hint) is not Annotated:
            raise _NotPlainError
        yield _parameter(parameter, *get_args(hint)[:2])


def _parameter(parameter: inspect.Parameter, hint: Any, info: object) -> _Parameter:  # noqa: ANN401 - any annotation
    if not isinstance(info, OptionInfo | ArgumentInfo) or not _is_understood(info):
        raise _NotPlainError
    needed = _without_none(hint)
    repeated = get_origin(needed) is list
    plain = get_args(needed)[0] if repeated else needed
    if not is_readable(plain):
        raise _NotPlainError
    declared = _declared_flags(info)
    if any("/" in flag for flag in declared) or (plain is bool and not declared):
        raise _NotPlainError  # a switch that can be turned off, too
    return _Parameter(
        name=parameter.name,
        flags=(declared or (f"--{parameter.name.replace('_', '-')}",)) if isinstance(info, OptionInfo) else (),
        kind=ValueKind(plain, info.min, info.max),
        repeated=repeated,
        default=parameter.default,
    )


def _without_none(hint: Any) -> Any:  # noqa: ANN401 - any annotation
    named = [each for each in get_args(hint) if each is not types.NoneType]
    return named[0] if get_origin(hint) in (Union, types.UnionType) and len(named) == 1 else hint


def _declared_flags(info: OptionInfo | ArgumentInfo) -> tuple[str, ...]:
    # In an annotation the first flag stands where Typer's function has the default.
    texts = (info.default, *(info.param_decls or ()))
    return tuple(text for text in texts if isinstance(text, str))


def _is_understood(info: OptionInfo | ArgumentInfo) -> bool:
    usual = vars(type(info)())
    return all(name in _UNDERSTOOD or value == usual[name] for name, value in vars(info).items())


def _values(parameters: Sequence[_Parameter], arguments: Sequence[str]) -> Mapping[str, object]:
    by_flag = {flag: parameter for parameter in parameters for flag in parameter.flags}
    given: dict[str, list[tuple[str, str]]] = {}
    words: list[str] = []
    for flag, text in _tokens(by_flag, arguments):
        if flag:
            given.setdefault(by_flag[flag].name, []).append((flag, text))
        else:
            words.append(text)
    _place(words, [parameter for parameter in parameters if not parameter.flags], given)
    return {parameter.name: _value(parameter, given.get(parameter.name, [])) for parameter in parameters}


def _tokens(by_flag: Mapping[str, _Parameter], arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each option with its value, empty for a switch, and each other word with an empty option."""
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            yield from (("", word) for word in rest)
        elif argument[:1] != "-" or argument == "-":
            yield "", argument
        else:
            flag, equals, value = argument.partition("=") if argument.startswith("--") else (argument, "", "")
            parameter = by_flag.get(flag)
            if parameter is None or (parameter.is_switch and equals):
                raise _NotPlainError
            yield flag, value if equals or parameter.is_switch else _next(rest)


def _next(rest: Iterator[str]) -> str:
    for value in rest:
        return value
    raise _NotPlainError


def _place(words: Sequence[str], places: Sequence[_Parameter], given: dict[str, list[tuple[str, str]]]) -> None:
    """Give the words that belong to no option to the arguments, in order."""
    left = list(words)
    for place in places:
        taken = left if place.repeated else left[:1]
        left = left[len(taken) :]
        if taken:
            given[place.name] = [(place.name, word) for word in taken]
    if left:
        raise _NotPlainError


def _value(parameter: _Parameter, given: Sequence[tuple[str, str]]) -> object:
    if not given:
        if parameter.default is inspect.Parameter.empty:
            raise _NotPlainError
        return parameter.absent
    if parameter.is_switch:
        return True
    # Of an option that is given twice, Typer reads only the last value.
    read = [parameter.kind.read(text, flag) for flag, text in (given if parameter.repeated else given[-1:])]
    return read if parameter.repeated else read[0]
