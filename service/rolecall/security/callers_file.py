"""Loads the callers file: one YAML file, or all `*.yaml` and `*.yml` files of a directory together.

Paths in it are relative to its directory. The CA files of its trust domains are read with it, since its generation depends on
what they contain.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rolecall.callers.declarations import CallersFile, KeySource
from rolecall.callers.document import read_callers
from rolecall.callers.errors import CallersViolation, InvalidCallersError
from rolecall.callers.limits import MAX_CALLERS_BYTES, MAX_CALLERS_FILES
from rolecall.policy.positions import escaped
from rolecall.policy.wording import quoted
from rolecall.regular_file import FileTooLongError, read_regular, reason_of
from rolecall.security.yaml_values import PlacedValues, read_yaml

ATTEMPTS = 3
MAX_AUTHORITY_BYTES = 1024 * 1024

_SUFFIXES = frozenset({".yaml", ".yml"})
_LISTS = ("providers", "callers")
_MAPPINGS = ("trust_domains", "issuers", "policies")


class CallersContents(NamedTuple):
    """What the files contain, with their names: those of the callers, and the CA files of the trust domains by domain."""

    files: tuple[tuple[str, bytes], ...]
    authorities: tuple[tuple[str, bytes], ...] = ()


class LoadedCallers(NamedTuple):
    """The callers file as values, the contents that they were read from, and the place of each value by its pointer."""

    file: CallersFile
    contents: CallersContents
    places: Mapping[str, str]


def load_callers(path: str) -> LoadedCallers:
    """Return the callers that a file or the files of a directory declare; raise `InvalidCallersError`."""
    for _ in range(ATTEMPTS):
        files = read_files(path)
        loaded = callers_in(files, _folder(path))
        # All files are of one moment: a mounted ConfigMap changes them together, through a link.
        if files == read_files(path):
            return loaded
    raise _error(path, "UNSTABLE", f"the files of {quoted(path)} change while they are read; retry")


def callers_in(files: tuple[tuple[str, bytes], ...], folder: Path) -> LoadedCallers:
    """Return the callers that the contents of files declare, with paths relative to `folder`; raise as `load_callers` does."""
    placed = _merged([read_yaml(_text(name, data), name) for name, data in files])
    file = _resolved(_declarations(placed), folder)
    contents = CallersContents(files, read_authorities(file, placed.places))
    return LoadedCallers(file.with_authorities(dict(contents.authorities)), contents, placed.places)


def read_files(path: str) -> tuple[tuple[str, bytes], ...]:
    """Return the names and contents of the files; raise `InvalidCallersError` if one cannot be read or they are too large."""
    names = _names(Path(path))
    contents, room = [], MAX_CALLERS_BYTES
    for name in names:
        data = _read(name, room, f"the callers have more than {MAX_CALLERS_BYTES:,} bytes together, which is the limit")
        contents.append((name, data))
        room -= len(data)
    return tuple(contents)


def read_authorities(file: CallersFile, places: Mapping[str, str]) -> tuple[tuple[str, bytes], ...]:
    """Return what the CA files contain, by trust domain; raise `InvalidCallersError` for those that are not certificates."""
    contents, violations = [], []
    for domain in file.trust_domains:
        pointer = f"/trust_domains/{escaped(domain.name)}"
        try:
            contents.append((domain.name, _authority(domain.path)))
        except InvalidCallersError as error:
            violations += [replace(v, pointer=pointer, place=places.get(pointer, "")) for v in error.violations]
    if violations:
        raise InvalidCallersError(violations)
    return tuple(contents)


def nearest_place(pointer: str, places: Mapping[str, str]) -> str:
    """Return the place of a value, or of the nearest one around it: a policy given as text has no places inside."""
    while pointer not in places:
        pointer = pointer.rpartition("/")[0]
    return places[pointer]


def _names(path: Path) -> list[str]:
    if not path.is_dir():
        return [str(path)]
    try:
        files = list(path.iterdir())
    except OSError as error:
        raise _unreadable(str(path), error) from None
    # A mounted ConfigMap has hidden directories beside the files.
    names = sorted(str(file) for file in files if file.suffix in _SUFFIXES and not file.name.startswith("."))
    if not names:
        raise _error(str(path), "NO_FILES", f"the directory {quoted(str(path))} has no `*.yaml` file")
    if len(names) > MAX_CALLERS_FILES:
        raise _error(str(path), "TOO_MANY", f"there are {len(names)} files; {MAX_CALLERS_FILES} are allowed")
    return names


def _read(name: str, limit: int, too_large: str) -> bytes:
    try:
        return read_regular(Path(name), limit)
    except FileTooLongError:
        raise _error(name, "TOO_LARGE", too_large) from None
    except OSError as error:
        raise _unreadable(name, error) from None


def _text(name: str, data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise _error(name, "INVALID_UNICODE", "not UTF-8 text") from None


def _merged(files: Iterable[PlacedValues]) -> PlacedValues:
    """Return all files as one; raise `InvalidCallersError` for what two of them declare."""
    files = list(files)
    if len(files) == 1 or not all(isinstance(file.value, dict) for file in files):
        return next((file for file in files if not isinstance(file.value, dict)), files[0])
    merged = _Merged()
    for file in files:
        merged.add(file)
    merged.raise_if_any()
    return PlacedValues(merged.value, merged.places)


class _Merged:
    """Several files as one: their lists one after the other, their mappings together, each name once."""

    def __init__(self) -> None:
        self.value: dict[str, object] = {}
        self.places: dict[str, str] = {}
        self._violations: list[CallersViolation] = []

    def add(self, file: PlacedValues) -> None:
        value = file.value if isinstance(file.value, dict) else {}
        moved: dict[str, str] = {}
        for field, content in value.items():
            present = self.value.get(field)
            if field in _LISTS and isinstance(present, list) and isinstance(content, list):
                moved |= {f"/{field}/{i}": f"/{field}/{len(present) + i}" for i in range(len(content))}
                present += content
            elif field in _MAPPINGS and isinstance(present, dict) and isinstance(content, dict):
                self._add_members(field, present, content, file)
            elif field not in self.value:
                self.value[field] = content
            else:
                self._refuse(f"/{field}", f"{quoted(field)} is given in two files and cannot be put together", file)
        for pointer, place in file.places.items():
            self.places.setdefault(_moved(pointer, moved), place)

    def _add_members(
        self, field: str, present: dict[str, object], content: dict[str, object], file: PlacedValues
    ) -> None:
        for name, value in content.items():
            pointer = f"/{field}/{escaped(name)}"
            if name in present:
                self._refuse(pointer, f"{quoted(name)} is declared twice", file)
            present[name] = value

    def _refuse(self, pointer: str, message: str, file: PlacedValues) -> None:
        message = f"{message}; the first is at {self.places[pointer]}; keep one of the two"
        self._violations.append(
            CallersViolation(pointer=pointer, reason="DUPLICATE_KEY", message=message, place=file.places[pointer])
        )

    def raise_if_any(self) -> None:
        if self._violations:
            raise InvalidCallersError(self._violations)


def _moved(pointer: str, moved: Mapping[str, str]) -> str:
    """Return the pointer that an element of a list has after its list was added to that of another file."""
    head = "/".join(pointer.split("/")[:3])
    return moved[head] + pointer[len(head) :] if head in moved else pointer


def _declarations(placed: PlacedValues) -> CallersFile:
    try:
        return read_callers(placed.value)
    except InvalidCallersError as error:
        raise InvalidCallersError(_placed(violation, placed.places) for violation in error.violations) from None


def _placed(violation: CallersViolation, places: Mapping[str, str]) -> CallersViolation:
    first = f"; the first is at {nearest_place(violation.first, places)}" if violation.first else ""
    return replace(violation, place=nearest_place(violation.pointer, places), message=f"{violation.message}{first}")


def _folder(path: str) -> Path:
    return Path(path) if Path(path).is_dir() else Path(path).parent


def _resolved(file: CallersFile, folder: Path) -> CallersFile:
    """Return the declarations with all paths as seen from the working directory."""
    return replace(
        file,
        trust_domains=tuple(replace(d, path=str(folder / d.path)) for d in file.trust_domains),
        issuers=tuple(replace(i, keys=_keys(i.keys, folder)) for i in file.issuers),
        providers=tuple(replace(p, keys=_keys(p.keys, folder)) for p in file.providers),
    )


def _keys(keys: KeySource, folder: Path) -> KeySource:
    return replace(keys, file=str(folder / keys.file)) if keys.file else keys


def _authority(path: str) -> bytes:
    data = _read(
        path, MAX_AUTHORITY_BYTES, f"{quoted(path)} has more than {MAX_AUTHORITY_BYTES:,} bytes, which is the limit"
    )
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=data.decode("ascii"))
    except (ssl.SSLError, ValueError):
        raise _error(path, "INVALID_CA", f"{quoted(path)} has no CA certificates in PEM form") from None
    return data


def _unreadable(name: str, error: OSError) -> InvalidCallersError:
    return _error(name, "UNREADABLE", f"cannot read {quoted(name)}: {reason_of(error)}")


def _error(place: str, reason: str, message: str) -> InvalidCallersError:
    return InvalidCallersError([CallersViolation(pointer="", reason=reason, message=message, place=place)])
