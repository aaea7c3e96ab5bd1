"""Answers of RAM, as `aliyun ram GetRole`, `CreateRole`, `UpdateRole` and `ListRoles` print them: one, several, or an array.

`ListRoles` has the names of roles and not their trust policies. A role alone, which a filter took out of an answer, is read too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from rolecall.cli.declarations.document import EmbeddedSource
from rolecall.cli.declarations.text_in_file import FileText, PartText, TextInFile
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources.found import Found, FoundRole, UnknownRole
from rolecall.cli.sources.json_parts import JsonParts
from rolecall.cli.sources.kind import FileKind
from rolecall.cli.sources.terraform_configuration import account_of_arn, seconds_of, table_of

_DOCUMENT = "AssumeRolePolicyDocument"


def is_answer(text: str) -> bool:
    """Return whether a text begins with an answer about roles, or with an error."""
    if '"RoleName"' not in text and '"RequestId"' not in text:
        return False
    json = JsonParts(FileText("", text))
    try:
        first = next(iter(_answers(json)), None)
        return first is not None and _is_answer({member.name for member in json.members(first)})
    except ProblemsError:
        return False


def read_answers(path: Path, text: str, found: Found) -> None:
    """Add the roles of the answers in a text to `found`; one that cannot be read does not stop the others."""
    json = JsonParts(FileText(str(path), text))
    try:
        for at in _answers(json):
            _Answers(json, found).read(at)
    except ProblemsError as error:
        found.problems += error.problems


def _answers(json: JsonParts) -> Iterator[int]:
    """Yield the offset of each answer: the values of the text, or the elements of those that are arrays."""
    at = json.start()
    while at < len(json.text):
        if json.opens(at, "["):
            yield from json.items(at)
        else:
            yield at
        at = json.start(json.end(at))


def _is_answer(names: set[str]) -> bool:
    return bool({"Role", "Roles"} & names and "RequestId" in names) or any(
        needed <= names for needed in ({"RoleName", _DOCUMENT}, {"RoleName", "RoleId"}, {"RequestId", "HostId", "Code"})
    )


@dataclass(frozen=True, slots=True)
class _Answers:
    json: JsonParts
    found: Found

    def read(self, at: int) -> None:
        """Add the roles of one answer, unless it cannot be read."""
        self.json.end(at)  # What is not JSON stops the whole text.
        try:
            names = {member.name: member.value for member in self.json.members(at)}
            if "Roles" in names:
                self._read_list(at, names["Roles"])
            elif "Role" in names or "RoleName" in names:
                self._read_role(names.get("Role", at))
            else:
                self._refuse(at)
        except ProblemsError as error:
            self.found.problems += error.problems

    def _read_role(self, at: int) -> None:
        role = table_of(self.json.value(at))
        content = self._document(at)
        if not _text(role, "RoleName"):
            self.found.add_problem(self.json.source.location(at), "the role of this answer has no `RoleName`")
        elif content is None:
            self._note_unknown(at, role)
            self._warn(at, f"{_label(role)}: this answer does not have its trust policy")
        else:
            self.found.roles.append(self._found_role(at, role, content))

    def _found_role(self, at: int, role: Mapping[str, object], content: TextInFile) -> FoundRole:
        return FoundRole(
            name=_text(role, "RoleName"),
            account_id=account_of_arn(_text(role, "Arn")),
            location=self.json.source.location(at),
            document=content.text,
            source=EmbeddedSource(content),
            label=_label(role),
            description=_text(role, "Description"),
            tags=dict(_tags(role)),
            max_session_duration_seconds=seconds_of(role.get("MaxSessionDuration")),
        )

    def _document(self, at: int) -> TextInFile | None:
        """Return the trust policy of a role: a text, or an object if a filter has parsed it."""
        member = self.json.find(at, [_DOCUMENT])
        if member is None:
            return None
        if not self.json.opens(member.value, "{"):
            return self.json.string(member.value)
        written = self.json.text[member.value : self.json.end(member.value)]
        return PartText(self.json.source, member.value, written)

    def _read_list(self, at: int, roles: int) -> None:
        """Read the answer of `ListRoles`, whose roles usually have no trust policies."""
        member = self.json.find(roles, ["Role"])
        items = list(self.json.items(member.value if member else roles))
        without = {item for item in items if self._document(item) is None}
        for item in items:
            if item in without:
                self._note_unknown(item, table_of(self.json.value(item)))
            else:
                self._read_role(item)
        if without:
            self._warn(
                at, f"this list has {len(without)} {'role' if len(without) == 1 else 'roles'} without trust policies"
            )
        truncated = self.json.find(at, ["IsTruncated"])
        if truncated and self.json.value(truncated.value) is True:
            message = "this list is not complete: it ends where RAM ended a page"
            hint = "give the next pages too: `aliyun ram ListRoles --Marker MARKER`, with the `Marker` of this list"
            self.found.add_remark(
                self.json.source.location(at), message, hint, severity="warning", reason="TRUNCATED_LIST"
            )

    def _note_unknown(self, at: int, role: Mapping[str, object]) -> None:
        message = f"{_label(role)}: this answer does not have its trust policy"
        self.found.unknown_roles.append(
            UnknownRole(
                name=_text(role, "RoleName"),
                label=_label(role),
                location=self.json.source.location(at),
                message=message,
            )
        )

    def _warn(self, at: int, message: str) -> None:
        hint = "give the answer for each role, which has it: `aliyun ram GetRole --RoleName NAME`"
        location = self.json.source.location(at)
        self.found.add_remark(location, message, hint, severity="warning", reason="NO_TRUST_POLICY")

    def _refuse(self, at: int) -> None:
        answer = table_of(self.json.value(at))
        code, message = _text(answer, "Code"), _text(answer, "Message")
        location = self.json.source.location(at)
        if code:
            self.found.add_problem(location, f"this is an error of Alibaba Cloud, `{code}`: {message}")
        else:
            self.found.add_problem(location, "this is not an answer about a role, as those before it in the file are")


def _label(role: Mapping[str, object]) -> str:
    return f"role `{_text(role, 'RoleName')}`"


def _text(role: Mapping[str, object], name: str) -> str:
    value = role.get(name)
    return value if isinstance(value, str) else ""


def _tags(role: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    tags = table_of(role.get("Tags")).get("Tag")
    for tag in map(table_of, tags if isinstance(tags, list) else ()):
        yield _text(tag, "TagKey"), _text(tag, "TagValue")


ANSWER = FileKind(name="an answer of RAM about roles", recognises_text=is_answer, read_text=read_answers)
