"""What the reader of YAML accepts: anchors, merge keys, standard tags, several documents; and its limits."""

from __future__ import annotations

import json
import runpy
import tracemalloc
from pathlib import Path

import pytest
import yaml

from rolecall.cli.declarations import tree
from rolecall.cli.declarations.document import json_text
from rolecall.cli.declarations.files import read_declarations
from rolecall.cli.declarations.tree import Table, read_documents
from rolecall.cli.linting import explained
from rolecall.cli.problems.problem import ProblemsError
from rolecall.cli.sources import search

POLICY = '{"Version": "1", "Statement": []}'


def read(text: str) -> object:
    (document,) = read_documents(text, "a.yaml")
    return json.loads(json_text(document))


def refused(text: str) -> list[str]:
    with pytest.raises(ProblemsError) as caught:
        read_documents(text, "a.yaml")
    return [f"{p.location.line}:{p.location.column}: {p.message}" for p in caught.value.problems]


class TestMergeKeys:
    def test_the_members_of_a_mapping_are_added_and_its_own_come_first(self) -> None:
        text = "base: &base {a: 1, b: 1}\nmerged:\n  b: 2\n  <<: *base\n  c: 3\n"

        assert read(text) == {"base": {"a": 1, "b": 1}, "merged": {"a": 1, "b": 2, "c": 3}}

    def test_of_several_mappings_the_first_comes_first(self) -> None:
        text = "x: &x {a: 1}\ny: &y {a: 2, b: 2}\nmerged: {<<: [*x, *y]}\n"

        assert read(text) == {"x": {"a": 1}, "y": {"a": 2, "b": 2}, "merged": {"a": 1, "b": 2}}

    def test_a_merged_mapping_may_have_merged_ones(self) -> None:
        text = "x: &x {a: 1}\ny: &y {<<: *x, b: 2}\nz: {<<: *y, a: 3}\n"

        assert read(text) == {"x": {"a": 1}, "y": {"a": 1, "b": 2}, "z": {"a": 3, "b": 2}}

    def test_a_merged_member_has_the_location_where_it_is_written(self) -> None:
        (document,) = read_documents("x: &x\n  a: 1\ny:\n  <<: *x\n", "a.yaml")

        assert isinstance(document, Table)
        merged = document.members["y"]
        assert isinstance(merged, Table)
        assert (merged.keys["a"].line, merged.location.line) == (2, 4)

    @pytest.mark.parametrize("key", ['"<<"', "'<<'", "!!str <<"])
    def test_a_quoted_key_is_a_key(self, key: str) -> None:
        assert read(f"{key}: 1\n") == {"<<": 1}

    def test_in_json_it_is_a_key(self) -> None:
        (document,) = read_documents('{"<<": {"a": 1}}', "a.json")

        assert json.loads(json_text(document)) == {"<<": {"a": 1}}

    @pytest.mark.parametrize("value", ["1", "", "[]", "[*x, 1]", "!!set {a}"])
    def test_something_else_than_a_mapping_is_refused(self, value: str) -> None:
        assert (
            "`<<` must be an alias of a mapping, or a list of them" in refused(f"x: &x {{}}\ny: {{<<: {value}}}\n")[0]
        )

    def test_it_may_be_given_once_only(self) -> None:
        assert refused("x: &x {}\ny:\n  <<: *x\n  <<: *x\n") == [
            "4:3: the key `<<` is given twice; the first is on line 3"
        ]

    def test_a_role_may_be_declared_with_it(self, tmp_path: Path) -> None:
        path = tmp_path / "roles.yaml"
        path.write_text(
            "apiVersion: rolecall/v1\nroles:\n"
            f"  - &base\n    name: a\n    tags: {{team: red}}\n    trust_policy: {POLICY}\n"
            "  - <<: *base\n    name: b\n",
            encoding="utf-8",
        )

        roles = read_declarations([path])

        assert [(role.message.role_name, dict(role.message.tags)) for role in roles] == [
            ("a", {"team": "red"}),
            ("b", {"team": "red"}),
        ]

    def test_the_members_count_each_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tree, "MAX_NODES", 20)
        text = "x: &x {a: 1, b: 2, c: 3}\ny:\n" + "  - <<: *x\n" * 5

        assert "more than 20 values" in refused(text)[0]


class TestTags:
    @pytest.mark.parametrize(
        ("written", "value"),
        [
            ("!!str 42", "42"), ("!!str", ""), ("!!str null", "null"), ("! 42", "42"), ("!!str |\n  x\n", "x\n"),
            ("!!int 42", 42), ("!!int '42'", 42), ("!!float 1.5", 1.5), ("!!bool true", True), ("!!null ''", None), ("!!null null", None),
            ("!!map {a: 1}", {"a": 1}), ("!!seq [1]", [1]), ("! {a: b}", {"a": "b"}), ("! [x]", ["x"]), ("!<tag:yaml.org,2002:str> 1", "1"), ("&x !!str 1", "1"),
        ],
    )  # fmt: skip
    def test_standard_tags_mean_what_yaml_says(self, written: str, value: object) -> None:
        assert read(f"a: {written}\n") == {"a": value}

    @pytest.mark.parametrize("written", ["!!int x", "!!int 0x1F", "!!bool yes", "!!float .inf", "!!null 0"])
    def test_a_value_that_is_not_of_its_type_is_refused(self, written: str) -> None:
        assert refused(f"a: {written}\n")[0].startswith(f"1:4: `{written.split()[1]}` is not a value of the tag `")

    @pytest.mark.parametrize(
        "written", ["!!map 1", "!!seq {a: 1}", "!!str [1]", "!!null [1]", "!!bool [1]", "!!int [1]", "!!float [1]"]
    )
    def test_a_tag_of_another_form_is_refused(self, written: str) -> None:
        assert refused(f"a: {written}\n")[0].startswith("1:4: the value is not of the type of its tag `!!")

    @pytest.mark.parametrize("tag", ["!!binary", "!!set", "!!timestamp", "!Ref", "!mine", "!<tag:example.com,2000:x>"])
    def test_another_tag_is_refused_where_a_role_has_it(self, tmp_path: Path, tag: str) -> None:
        path = tmp_path / "roles.yaml"
        path.write_text(
            f"apiVersion: rolecall/v1\nname: a\ndescription: {tag} x\ntrust_policy: {POLICY}\n", encoding="utf-8"
        )

        with pytest.raises(ProblemsError) as caught:
            read_declarations([path])

        name = tag.removeprefix("!<").removesuffix(">")
        of_search = search([path])
        for problems in (list(caught.value.problems), of_search.problems):
            assert [(p.location.line, p.reason) for p in problems if p.reason] == [(3, "UNSUPPORTED_TAG")]
            assert f"the tag `{name}` is not supported" in [p.message for p in problems]

    def test_a_tag_inside_a_trust_policy_is_never_read_without_it(self, tmp_path: Path) -> None:
        path = tmp_path / "roles.yaml"
        path.write_text(
            "apiVersion: rolecall/v1\nname: a\ntrust_policy: {Version: !Sub '1', Statement: []}\n", encoding="utf-8"
        )

        found = search([path])

        assert [problem.reason for problem in found.problems] == ["UNSUPPORTED_TAG"]
        assert [json.loads(role.document)["Version"] for role in found.roles] in ([], [{"!Sub": "1"}])

    def test_another_tag_in_a_document_that_is_not_read_does_not_matter(self, tmp_path: Path) -> None:
        path = tmp_path / "all.yaml"
        path.write_text(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: api\n  annotations:\n"
            "    pod-identity.alibabacloud.com/role-name: !!str payments\n"
            "---\napiVersion: v1\nkind: Secret\ndata: {k: !!binary aGVsbG8=}\n",
            encoding="utf-8",
        )

        found = search([path])

        assert [account.role_name for account in found.service_accounts] == ["payments"]
        assert (found.problems, found.remarks) == ([], [])

    def test_a_tag_whose_meaning_is_open_is_not_the_name_of_a_role(self, tmp_path: Path) -> None:
        path = tmp_path / "a.yaml"
        path.write_text(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: api\n  annotations:\n"
            "    pod-identity.alibabacloud.com/role-name: !env ROLE\n",
            encoding="utf-8",
        )

        assert "must be the name of a role" in search([path]).problems[0].message


class TestLimits:
    def test_aliases_do_not_lead_deeper_than_the_limit(self) -> None:
        deep = "a: &a " + "[" * 40 + "]" * 40 + "\n"

        assert read(deep + "b: " + "[" * 20 + "*a" + "]" * 20 + "\n")
        assert "is nested deeper than 64 levels" in refused(deep + "b: " + "[" * 30 + "*a" + "]" * 30 + "\n")[0]

    def test_a_chain_of_aliases_does_not_either(self) -> None:
        chain = "a0: &a0 [1]\n" + "".join(f"a{n}: &a{n} [[*a{n - 1}]]\n" for n in range(1, 400))

        assert "is nested deeper than 64 levels" in refused(chain)[0]

    def test_aliases_of_aliases_are_counted_not_built(self) -> None:
        bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
            f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
        )
        tracemalloc.start()

        problems = refused(bomb)

        assert "more than 5,000,000 values" in problems[0]
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
        tracemalloc.stop()

    def test_merge_keys_of_merge_keys_are_counted_not_built(self) -> None:
        bomb = "a0: &a0 {k: 1}\n" + "".join(
            f"a{n}: &a{n} {{<<: [{','.join([f'*a{n - 1}'] * 10)}], k{n}: 1}}\n" for n in range(1, 12)
        )

        assert "more than 5,000,000 values" in refused(bomb)[0]

    def test_the_documents_of_a_file_are_limited(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tree, "MAX_DOCUMENTS", 3)

        assert len(read_documents("--- 1\n" * 3, "a.yaml")) == 3
        assert refused("--- 1\n" * 4) == ["4:1: the file has more than 3 documents; split it"]


def test_yaml_is_read_by_the_parser_of_libyaml() -> None:
    assert tree._LOADER is yaml.CBaseLoader
    assert len(read_documents("a: b\n", "a.yaml")) == 1
    assert explained._LOADER is yaml.CSafeLoader
    assert next(explained._read("violations")).id


def test_without_libyaml_yaml_is_read_by_the_parser_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CBaseLoader", "CSafeLoader"):
        monkeypatch.delattr(yaml, name)

    assert runpy.run_path(tree.__file__, run_name="tree_in_python")["_LOADER"] is yaml.BaseLoader
    assert runpy.run_path(explained.__file__, run_name="explained_in_python")["_LOADER"] is yaml.SafeLoader
