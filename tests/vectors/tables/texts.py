"""Functions to write the tables of documents: a pilcrow marks the place of a violation."""

from __future__ import annotations

from tests.vectors.tables.build import File, Json

MARK = "¶"
WHO = '{"RAM": "acs:ram::123456789012:root"}'

Expected = tuple[str, "str | None"]
"""The reason of a violation and its JSON pointer; None where no member is to blame."""


def document(*statements: str) -> str:
    """Return a document of these statements."""
    return '{"Version": "1", "Statement": [\n  ' + ",\n  ".join(statements) + "\n]}"


def of_principal(principal: str) -> str:
    """Return a document whose one statement has this principal."""
    return document(f'{{"Effect": "Allow", "Action": "sts:AssumeRole",\n   "Principal": {principal}}}')


def of_ram(text: str) -> str:
    """Return a document that names one RAM principal."""
    return of_principal(f'{{"RAM": {MARK}"{text}"}}')


def of_condition(condition: str) -> str:
    """Return a document whose one statement has this condition."""
    return document(
        f'{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {WHO},\n   "Condition": {condition}}}'
    )


def of_statement(members: str) -> str:
    """Return a document of one statement with these members beside a principal."""
    return document(f'{{"Principal": {WHO},\n   {members}}}')


def good(name: str, text: str, *, profile: str = "") -> Json:
    """Return a case of a document that is valid."""
    return {"name": name, "document": text, **_profile(profile), "valid": True, "violations": []}


def bad(name: str, marked: str, *expected: Expected, profile: str = "") -> Json:
    """Return a case of a document with a violation at each mark, in that order; without any mark the places are open.

    A mark may be doubled where two violations share a place.
    """
    text = marked.replace(MARK, "")
    places = _places(marked)
    if places and len(places) != len(expected):
        raise ValueError(f"{name}: {len(places)} marks for {len(expected)} violations")
    violations = [
        {"reason": reason} | ({} if pointer is None else {"pointer": pointer}) | (places[place] if places else {})
        for place, (reason, pointer) in enumerate(expected)
    ]
    return {"name": name, "document": text, **_profile(profile), "valid": False, "violations": violations}


def documents(name: str, description: str, cases: list[Json]) -> File:
    """Return a file of documents."""
    names = [case["name"] for case in cases]
    if len(set(names)) != len(names):
        raise ValueError(f"two cases of {name} share a name: {sorted({n for n in names if names.count(n) > 1})}")
    return File("documents", name, {"description": description, "cases": cases})


def _places(marked: str) -> list[dict[str, int]]:
    places = []
    line, column = 1, 1
    for character in marked:
        if character == MARK:
            places.append({"line": line, "column": column})
        elif character == "\n":
            line, column = line + 1, 1
        else:
            column += 1
    return places


def _profile(profile: str) -> dict[str, str]:
    return {"profile": profile} if profile else {}


ALLOW = f'{{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {WHO}}}'
PLAIN = document(ALLOW)
STATEMENT, PRINCIPAL, CONDITION = "/Statement/0", "/Statement/0/Principal", "/Statement/0/Condition"
