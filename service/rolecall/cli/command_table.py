"""The commands of `rolecall`, in the order in which a newcomer meets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class CommandEntry(NamedTuple):
    """A command: its module and attribute, and the first line of its help."""

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, CommandEntry] = {
    "explain": CommandEntry("commands.check_explain", "explain", "Decide, and show why."),
    "check": CommandEntry("commands.check_explain", "check", "Decide whether a principal may assume a role."),
    "who-can": CommandEntry("commands.who_can", "who_can", "Show whom a role trusts."),
    "what-can": CommandEntry("commands.what_can", "what_can", "Show which roles a principal can assume."),
    "validate": CommandEntry(
        "commands.validate", "validate", "Find what is wrong with roles, trust and permission policies."
    ),
    "lint": CommandEntry("linting.command", "lint", "Explain findings of the linter, and why documents are refused."),
    "test": CommandEntry("testing.command", "policy_tests", "Run test cases against trust policies."),
    "serve": CommandEntry("commands.serve", "serve", "Serve over gRPC until SIGTERM or Ctrl-C."),
    "agent": CommandEntry("commands.agent", "agent", "Decide on this node, by the roles that a server sends."),
    "quickstart": CommandEntry(
        "commands.quickstart", "quickstart", "Start a server on this machine with example roles."
    ),
    "apply": CommandEntry("commands.apply", "apply", "Make the roles match the declaration files."),
    "export": CommandEntry("commands.export", "export", "Write roles as a file that `apply` reads."),
    "account": CommandEntry("commands.accounts", "app", "List the accounts of a server."),
    "role": CommandEntry("commands.roles", "app", "Create, read, change and delete roles."),
    "callers": CommandEntry("callers.command", "app", "Write, check, explain and compare callers files."),
    "context": CommandEntry("commands.context", "app", "List, choose and show servers by name."),
    "token": CommandEntry("commands.token", "app", "Make static tokens for callers."),
    "whoami": CommandEntry("commands.whoami", "whoami", "Show how a server recognises you, and what gives you rights."),
    "can": CommandEntry("commands.whoami", "can", "Show whether you may do something on a server."),
    "changes": CommandEntry("commands.changes", "changes", "List what was changed: when, by whom and why."),
    "watch": CommandEntry("commands.watch", "watch", "Print changes of roles as they happen."),
    "decisions": CommandEntry("commands.decisions", "decisions", "Read and filter the decision log of a server."),
    "migrate": CommandEntry("commands.migrate", "migrate", "Migrate the schema of a store to this version."),
    "store": CommandEntry("commands.store", "app", "Copy a store to another database."),
    "backup": CommandEntry("commands.backup", "backup", "Write a whole store into one file."),
    "restore": CommandEntry("commands.backup", "restore", "Restore a backup into an empty store."),
    "audit": CommandEntry("commands.audit", "app", "Verify the contents of a store."),
    "schema": CommandEntry("commands.about", "schema", "Print the JSON schema of a file that commands read."),
    "version": CommandEntry("commands.about", "version", "Print the version of Rolecall and of what it runs on."),
}

GROUPS = {name for name, entry in COMMANDS.items() if entry.attribute == "app"}
"""The commands that have subcommands."""

PURPOSE = (
    "May this principal assume this role? Rolecall stores RAM-style roles, and decides and explains over gRPC. "
    "Exit codes: 0 done or allowed, 1 denied or a check failed, 2 error, 3 no such role to assume, 4 a dry run found changes."
)
"""What the program is for, and how it ends."""
