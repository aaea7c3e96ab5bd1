/**
 * Reads the file of contexts: all its mistakes are reported at once, each with its place, the rule and what to do.
 *
 * file = {current?, contexts: {NAME: context, ...}}
 * context = {address, agent?, tls?, token?, timeout_seconds?, accounts?, default_account?}
 * tls = {ca, cert?, key?, server_name?}, token = {file} | {command}, accounts = {ALIAS: ID, ...}
 */

import { sep } from "node:path";

import { targetOf } from "../connection/address.js";
import { agentTarget } from "../connection/agent-address.js";
import type { TlsFiles } from "../connection/tls.js";
import { errorIn } from "./errors.js";
import { Field, Mistakes } from "./fields.js";
import { MAX_ALIASES, MAX_CONTEXTS, MAX_WORDS } from "./limits.js";
import { readSafely } from "./location.js";
import { decodeYaml } from "./strict-yaml.js";
import { insteadOf, quoted } from "./text.js";

const OPTIONAL = ["agent", "tls", "token", "timeout_seconds", "accounts", "default_account"];

const CONTEXT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const CONTEXT_NAME_RULE = "write 1 to 63 letters, digits, `.`, `_`, `-`, the first a letter or digit";
const ALIAS = /^[A-Za-z][A-Za-z0-9_.-]{0,62}$/;
const ALIAS_RULE = "write 1 to 63 letters, digits, `_`, `.`, `-`, the first a letter";
const ACCOUNT = /^[0-9]{1,20}$/;
const ACCOUNT_RULE = "write its 1 to 20 digits";

/** Where the token comes from: a file, or what a command prints. */
export type TokenOrigin = { readonly file: string } | { readonly command: readonly string[] };

/** One context: a server, and how to connect to it. Without a token none is sent. */
export interface ServerContext {
  readonly name: string;
  readonly address: string;
  readonly agent: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly token: TokenOrigin | undefined;
  readonly timeoutSeconds: number | undefined;
}

/** The contexts of a file by name, and the name of the current one (empty: none). */
export interface ContextsFile {
  readonly path: string;
  readonly contexts: ReadonlyMap<string, ServerContext>;
  readonly current: string;
}

/** Return the contexts of a file; throw `ContextsError`, or an error with the code `ENOENT` if there is no file. */
export function readContexts(path: string): ContextsFile {
  return parseContexts(readSafely(path), path);
}

/** Return the contexts of the text of a file; throw `ContextsError` with all mistakes. */
export function parseContexts(text: string, path: string): ContextsFile {
  const mistakes = new Mistakes(path);
  const fields = new Field("the file", decodeYaml(text, path), mistakes).fields(["contexts"], ["current"]);
  const contexts = contextsOf(fields.get("contexts"));
  const current = currentOf(fields.get("current"), contexts);
  mistakes.throwIfAny();
  return { path, contexts, current };
}

/** Return a context of a file; throw `ContextsError` if the file has no such context. */
export function contextIn({ path, contexts }: ContextsFile, name: string): ServerContext {
  const found = contexts.get(name);
  if (found === undefined) {
    const hint = insteadOf(name, contexts.keys(), "the file has no contexts");
    throw errorIn(path, `there is no context ${quoted(name)}`, hint);
  }
  return found;
}

function contextsOf(node: Field | undefined): Map<string, ServerContext> {
  const contexts = new Map<string, ServerContext>();
  for (const [name, value] of node?.entries(MAX_CONTEXTS, "a mapping from names to contexts") ?? []) {
    if (!CONTEXT_NAME.test(name)) {
      value.mistakes.note(
        node?.placeOf(name) ?? value.node.place,
        `${quoted(name)} is not the name of a context`,
        CONTEXT_NAME_RULE,
      );
    }
    contexts.set(name, contextOf(name, value.fields(["address"], OPTIONAL)));
  }
  return contexts;
}

function currentOf(node: Field | undefined, contexts: ReadonlyMap<string, unknown>): string {
  const current = node?.text() ?? "";
  if (current !== "" && !contexts.has(current)) {
    const hint = insteadOf(current, contexts.keys(), "add it to `contexts`, or remove `current`");
    node?.refuse(`there is no context ${quoted(current)}`, hint);
  }
  return current;
}

function contextOf(name: string, fields: ReadonlyMap<string, Field>): ServerContext {
  const accounts = accountsOf(fields.get("accounts"));
  requireDefault(fields.get("default_account"), accounts);
  const [tls, token] = [fields.get("tls"), fields.get("token")];
  return {
    name,
    address: checkedText(fields.get("address"), targetOf) ?? "",
    agent: checkedText(fields.get("agent"), agentTarget),
    tls: tls && tlsOf(tls),
    token: token && tokenOf(token),
    timeoutSeconds: fields.get("timeout_seconds")?.seconds(),
  };
}

function checkedText(node: Field | undefined, check: (text: string) => string): string | undefined {
  const text = node?.text() ?? "";
  try {
    return text === "" ? undefined : check(text);
  } catch (error) {
    node?.refuse(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}

function tlsOf(node: Field): TlsFiles | undefined {
  const fields = node.fields(["ca"], ["cert", "key", "server_name"]);
  const [ca, cert, key] = ["ca", "cert", "key"].map((name) => fields.get(name)?.path());
  if (fields.has("cert") !== fields.has("key")) {
    const missing = fields.has("cert") ? "key" : "cert";
    node.refuse(`\`${missing}\` is missing in \`tls\``, "a client certificate and its key are given together");
    return undefined;
  }
  return ca === undefined ? undefined : { ca, cert, key, serverName: fields.get("server_name")?.text() };
}

/** token = {file: PATH} | {command: [PROGRAM, ARGUMENT, ...]} */
function tokenOf(node: Field): TokenOrigin | undefined {
  const fields = node.fields([], ["file", "command"]);
  const [file, command] = [fields.get("file"), fields.get("command")];
  if (file !== undefined && command === undefined) return { file: file.path() ?? "" };
  if (command !== undefined && file === undefined) return { command: commandOf(command) };
  node.refuse("`token` needs either `file` or `command`", "give one of them");
  return undefined;
}

/** Return the words; a program that is given with a path is relative to the file, another one is found by PATH. */
function commandOf(node: Field): readonly string[] {
  const [program, ...others] = node.words(MAX_WORDS);
  if (program === undefined) return [];
  const isPath = program.includes(sep) || program.startsWith("~");
  return [isPath ? node.besideFile(program) : program, ...others];
}

/** accounts = {ALIAS: ID, ...}, which only commands without a server use. */
function accountsOf(node: Field | undefined): readonly string[] {
  const entries = node?.entries(MAX_ALIASES, "a mapping from aliases to account ids") ?? [];
  for (const [alias, value] of entries) {
    if (!ALIAS.test(alias)) {
      value.mistakes.note(node?.placeOf(alias) ?? value.node.place, `${quoted(alias)} is not an alias`, ALIAS_RULE);
    }
    const account = value.text();
    if (account !== "" && !ACCOUNT.test(account)) value.refuse(`${quoted(account)} is not an account id`, ACCOUNT_RULE);
  }
  return entries.map(([alias]) => alias);
}

function requireDefault(node: Field | undefined, aliases: readonly string[]): void {
  const text = node?.text() ?? "";
  if (text !== "" && !aliases.includes(text) && !ACCOUNT.test(text)) {
    node?.refuse(
      `${quoted(text)} is neither an account id nor an alias of this context`,
      insteadOf(text, aliases, ACCOUNT_RULE),
    );
  }
}
