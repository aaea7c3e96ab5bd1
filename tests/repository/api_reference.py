"""The reference of the API, generated from the descriptor set of the protos; run this module to update the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from rolecall.transport.rights.methods import NEEDS, Need
from tests.repository.tree import DOCS, ROOT

PAGE = DOCS / "api.md"
DESCRIPTORS = ROOT / "protos/rolecall.v1.binpb"
PACKAGE = "rolecall.v1"
_INTRODUCTION = """# The API

Every service, method, message, field and value of `rolecall.v1`, with its comment. `make docs` writes this page from [the protos](../protos/rolecall/v1).

How to generate a client, and what a release promises, is in [the contract](contract.md); every error with its reason in [errors](errors.md); what a right means in [security](security.md#rights).
"""

# The numbers of fields in `descriptor.proto`, which make the path of a comment.
_MESSAGES, _ENUMS, _SERVICES, _MEMBERS, _NESTED = 4, 5, 6, 2, 3


class Commented:
    """A file of the API with the comments of its elements."""

    def __init__(self, file: FileDescriptorProto) -> None:
        self.file = file
        self._comments = {
            tuple(place.path): " ".join(place.leading_comments.split()) for place in file.source_code_info.location
        }

    def __call__(self, *path: int) -> str:
        """Return the comment of the element at a path, in one line."""
        return self._comments.get(path, "")


def written_page() -> str:
    """Return the page as it should be."""
    files = [Commented(file) for file in _files()]
    services = chain.from_iterable(map(_services, files))
    messages = sorted(chain.from_iterable(map(_messages, files)), key=lambda part: part.partition("\n")[0].lower())
    return "\n".join([_INTRODUCTION, *services, "## Messages and enums\n", *messages])


def _files() -> list[FileDescriptorProto]:
    descriptors = FileDescriptorSet.FromString(DESCRIPTORS.read_bytes())
    return [file for file in descriptors.file if file.package == PACKAGE]


def _services(comments: Commented) -> Iterator[str]:
    for index, service in enumerate(comments.file.service):
        yield f"## {service.name}\n\n{comments(_SERVICES, index)}\n"
        for number, method in enumerate(service.method):
            comment = comments(_SERVICES, index, _MEMBERS, number)
            needs = NEEDS[f"/{PACKAGE}.{service.name}/{method.name}"]
            yield f"### {method.name}\n\n{_signature(method)}\n\n{comment}\n\n{_rights(needs)}\n"


def _signature(method: MethodDescriptorProto) -> str:
    asked = _streamed(method.input_type, streams=method.client_streaming)
    return f"{asked} → {_streamed(method.output_type, streams=method.server_streaming)}"


def _streamed(name: str, *, streams: bool) -> str:
    return f"stream of {_type_link(name)}" if streams else _type_link(name)


def _rights(needs: Sequence[Need]) -> str:
    if not needs:
        return "Rights: none; a valid credential suffices."
    return "\n".join(["Rights:", "", *(f"* `{need.action}` on {need.resource}" for need in needs)])


def _messages(comments: Commented) -> Iterator[str]:
    for index, enum in enumerate(comments.file.enum_type):
        yield _enum(enum.name, enum, comments, (_ENUMS, index))
    for index, message in enumerate(comments.file.message_type):
        yield from _message(message.name, message, comments, (_MESSAGES, index))


def _message(name: str, message: DescriptorProto, comments: Commented, path: tuple[int, ...]) -> Iterator[str]:
    maps = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    rows = [
        f"| `{field.name}` | {field.number} | {_field_type(field, maps)} | {_cell(_oneof(message, field) + comments(*path, _MEMBERS, number))} |"
        for number, field in enumerate(message.field)
    ]
    fields = ["| field | number | type | meaning |", "|---|---|---|---|", *rows] if rows else ["No fields."]
    yield _section(name, comments(*path), fields)
    for index, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _message(f"{name}.{nested.name}", nested, comments, (*path, _NESTED, index))
    for index, enum in enumerate(message.enum_type):
        yield _enum(f"{name}.{enum.name}", enum, comments, (*path, _MESSAGES, index))


def _enum(name: str, enum: EnumDescriptorProto, comments: Commented, path: tuple[int, ...]) -> str:
    rows = [
        f"| `{value.name}` | {value.number} | {_cell(comments(*path, _MEMBERS, number))} |"
        for number, value in enumerate(enum.value)
    ]
    return _section(name, comments(*path), ["| value | number | meaning |", "|---|---|---|", *rows])


def _section(name: str, comment: str, lines: Iterable[str]) -> str:
    return "\n".join([f"### {name}", "", comment, "", *lines, ""])


def _oneof(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    if not field.HasField("oneof_index") or field.proto3_optional:
        return ""
    return f"One of `{message.oneof_decl[field.oneof_index].name}`. "


def _field_type(field: FieldDescriptorProto, maps: dict[str, DescriptorProto]) -> str:
    entry = maps.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = entry.field
        return f"map of {_one_type(key)} to {_one_type(value)}"
    one = _one_type(field)
    if field.proto3_optional:
        return f"optional {one}"
    return f"list of {one}" if field.label == FieldDescriptorProto.LABEL_REPEATED else one


def _one_type(field: FieldDescriptorProto) -> str:
    if field.type_name:
        return _type_link(field.type_name)
    return FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()


def _type_link(name: str) -> str:
    own = name.removeprefix(f".{PACKAGE}.")
    if own == name:
        return f"`{name.removeprefix('.')}`"
    return f"[{own}](#{own.replace('.', '').lower()})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(written_page())
