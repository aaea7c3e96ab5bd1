"""The commands of `rolecall`, in the order in which a newcomer meets them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Entry(NamedTuple):
    """A command: its module and attribute, and the first line of its help."""

    module: str
    attribute: str
    help: str


COMMANDS: Mapping[str, Entry] = {
    "explain": Entry("check_explain", "explain", "Decide, and show why."),
    "check": Entry("check_explain", "check", "Decide whether a principal may assume a role."),
    "who-can": Entry("who_can", "who_can", "Show whom a role trusts."),
    "what-can": Entry("what_can", "what_can", "Show which roles a principal can assume."),
    "validate": Entry("validate", "validate", "Find what is wrong with roles, trust and permission policies."),
    "lint": Entry("linting.command", "lint", "Explain findings of the linter, and why documents are refused."),
    "test": Entry("testing.command", "policy_tests", "Run test cases against trust policies."),
    "serve": Entry("serve", "serve", "Serve over gRPC until SIGTERM or Ctrl-C."),
    "agent": Entry("agent", "agent", "Decide on this node, by the roles that a server sends."),
    "quickstart": Entry("quickstart", "quickstart", "Start a server on this machine with example roles."),
    "apply": Entry("apply", "apply", "Make the roles match the declaration files."),
    "export": Entry("export", "export", "Write roles as a file that `apply` reads."),
    "account": Entry("accounts", "app", "List the accounts of a server."),
    "role": Entry("roles", "app", "Create, read, change and delete roles."),
    "callers": Entry("callers.command", "app", "Write, check, explain and compare callers files."),
    "context": Entry("context", "app", "List, choose and show servers by name."),
    "token": Entry("token", "app", "Make static tokens for callers."),
    "whoami": Entry("whoami", "whoami", "Show how a server recognises you, and what gives you rights."),
    "can": Entry("whoami", "can", "Show whether you may do something on a server."),
    "changes": Entry("changes", "changes", "List what was changed: when, by whom and why."),
    "watch": Entry("watch", "watch", "Print changes of roles as they happen."),
    "decisions": Entry("decisions", "decisions", "Read and filter the decision log of a server."),
    "migrate": Entry("migrate", "migrate", "Migrate the schema of a store to this version."),
    "store": Entry("store", "app", "Copy a store to another database."),
    "backup": Entry("backup", "backup", "Write a whole store into one file."),
    "restore": Entry("backup", "restore", "Restore a backup into an empty store."),
    "audit": Entry("audit", "app", "Verify the contents of a store."),
    "schema": Entry("about", "schema", "Print the JSON schema of a file that commands read."),
    "version": Entry("about", "version", "Print the version of Rolecall and of what it runs on."),
}

GROUPS = {name for name, entry in COMMANDS.items() if entry.attribute == "app"}
"""The commands that have subcommands."""

PURPOSE = (
    "May this principal assume this role? Rolecall stores RAM-style roles, and decides and explains over gRPC. "
    "Exit codes: 0 done or allowed, 1 denied or a check failed, 2 error, 3 no such role to assume, 4 a dry run found changes."
)
"""What the program is for, and how it ends."""
