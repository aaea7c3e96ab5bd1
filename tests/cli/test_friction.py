"""The list of friction that users met, line by line, each with the tests that keep it mended."""

from __future__ import annotations

import ast

import pytest

from tests.repository.tree import ROOT

LINES: dict[str, str] = {
    "TLS: no client certificate": "cli/test_tls_errors.py::test_a_missing_client_certificate_is_named",
    "TLS: a client without TLS": "cli/test_tls_errors.py::test_a_server_with_tls_is_named_to_a_client_without",
    "TLS: a wrong host name": "cli/test_tls_errors.py::test_an_address_that_is_no_name_of_the_certificate_is_named",
    "TLS: a plain server": "cli/test_tls_errors.py::test_a_server_without_tls_is_named",
    "apply --dry-run had fewer errors than validate": (
        "cli/test_friction_files.py::test_a_dry_run_reports_what_validate_reports_also_beside_a_duplicate_key"
    ),
    "one alias, 38 errors": "cli/test_friction_files.py::test_an_alias_that_many_roles_name_is_one_error_with_every_place",
    "export of one account only": (
        "cli/test_friction_accounts.py::test_the_roles_of_every_account_are_exported_into_one_file"
    ),
    "two exports in one file": "cli/test_friction_accounts.py::test_exports_one_after_the_other_are_one_file",
    "no list of accounts": "cli/test_friction_accounts.py::test_the_accounts_with_roles_are_listed",
    "quickstart of an installed package": (
        "repository/test_wheel.py::test_quickstart_serves_the_examples_of_an_installed_package"
    ),
    "check of a role that does not exist": (
        "cli/test_friction_questions.py::test_a_role_that_does_not_exist_is_no_deny_and_its_nearest_is_named"
    ),
    "a misspelt condition key": (
        "cli/test_friction_questions.py::test_a_misspelt_condition_key_is_answered_with_the_one_that_is_compared"
    ),
    "what-can as a root": (
        "cli/test_friction_questions.py::test_a_root_is_said_to_assume_nothing_and_how_to_ask_for_its_users"
    ),
    "apply of a plan or a policy": (
        "cli/test_friction_files.py::test_a_file_of_another_kind_is_named_with_the_command_that_reads_it"
    ),
    "an alias in the ARN of a provider": (
        "cli/test_friction_questions.py::test_an_alias_is_resolved_before_it_gets_into_the_arn_of_a_provider"
    ),
    "advice about --time that was refused": "cli/test_friction_questions.py::test_the_advice_about_a_time_works",
    "--fully-consistent, and the database is down": (
        "transport/test_consistency.py::test_a_request_that_an_unreachable_store_cannot_meet_says_so"
    ),
    "role create with a bad policy": (
        "cli/test_friction_files.py::test_a_policy_that_a_server_refuses_is_reported_at_its_lines"
    ),
    "merge keys": "cli/test_friction_files.py::test_merge_keys_are_merged",
    "a missing file": "cli/test_friction_files.py::test_a_missing_file_and_an_empty_directory_are_no_policies",
    "SARIF": "cli/test_friction_files.py::test_a_report_in_sarif_has_what_its_readers_show",
    "the chart without a registry": (
        "helm/test_refusals.py::test_invalid_values_do_not_render_and_the_message_says_why"
    ),
    "--address with a scheme, or without a port": (
        "cli/test_friction_questions.py::test_an_address_may_lack_its_port_and_has_no_scheme"
    ),
    "--as in another spelling": (
        "cli/test_friction_questions.py::test_a_principal_in_another_spelling_is_answered_with_the_form_that_was_meant"
    ),
    "a server without a default account": (
        "cli/test_friction_accounts.py::test_without_a_default_account_both_flags_are_named"
    ),
    "the wording of a library": (
        "cli/test_plain_parsing.py::test_a_value_that_cannot_be_read_is_reported_in_the_words_of_this_program"
    ),
    "values of the Python client": "clients/test_values.py::test_text_booleans_and_numbers_are_sent_as_text",
    "two spellings of a reason": ("cli/test_spelling.py::test_a_reason_is_spelt_alike_for_people_and_for_programs"),
    "README commands as they stand": ("docs/test_commands.py::test_every_command_of_a_page_does_what_the_page_shows"),
}


@pytest.mark.parametrize("line", LINES)
def test_every_line_of_the_list_has_its_test(line: str) -> None:
    file, _, name = LINES[line].partition("::")

    tree = ast.parse((ROOT / "tests" / file).read_text())

    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name.startswith("test_")


def test_make_run_says_what_it_starts_before_it_does() -> None:
    recipe = (ROOT / "Makefile").read_text().partition("\nrun: ")[2].partition("\n\n")[0]

    assert recipe.index("@echo") < recipe.index("$(BIN)/rolecall quickstart")
    assert "python -m rolecall" not in recipe
