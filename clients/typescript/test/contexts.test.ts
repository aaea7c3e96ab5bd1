import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";

import {
  CommandToken,
  ContextsError,
  FileToken,
  settingsFromEnv,
  settingsOfContext,
  type Environment,
} from "rolecall-client";

const FILE = `current: local
contexts:
  local:
    address: 127.0.0.1
    agent: unix:///run/rolecall/agent.sock
  prod:
    address: roles.prod.internal
    tls:
      ca: prod/ca.pem
      cert: prod/client.pem
      key: prod/client.key
      server_name: roles
    token: {command: [print-token, --audience, rolecall]}
    timeout_seconds: 3
    accounts: {shop: "123456789012"}
    default_account: shop
`;

/** Run with a file of contexts, in a folder that only this user can write. */
function withFile(text: string, run: (environ: Environment, folder: string) => void): void {
  const folder = mkdtempSync(`${tmpdir()}/contexts-`);
  try {
    writeFileSync(`${folder}/config.yaml`, text, { mode: 0o600 });
    run({ ROLECALL_CONFIG: `${folder}/config.yaml`, HOME: folder }, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function problemsOf(text: string): string[] {
  let found: string[] = [];
  withFile(text, (environ, folder) => {
    assert.throws(
      () => settingsFromEnv(environ),
      (error) => {
        assert.ok(error instanceof ContextsError, String(error));
        found = error.problems.map(({ line, column, message, fix }) =>
          `${line}:${column} ${message}${fix && `; ${fix}`}`.replaceAll(folder, ""),
        );
        return true;
      },
    );
  });
  return found;
}

test("the current context is used, and paths are relative to the file", () => {
  withFile(FILE, (environ, folder) => {
    const local = settingsFromEnv(environ);
    const prod = settingsFromEnv({ ...environ, ROLECALL_CONTEXT: "prod" });

    assert.deepEqual(
      [local.address, local.agent, local.tls, local.timeoutMs],
      ["127.0.0.1:50051", "unix:///run/rolecall/agent.sock", undefined, 10_000],
    );
    assert.equal(prod.address, "roles.prod.internal:50051");
    assert.deepEqual(prod.tls, {
      ca: `${folder}/prod/ca.pem`,
      cert: `${folder}/prod/client.pem`,
      key: `${folder}/prod/client.key`,
      serverName: "roles",
    });
    assert.ok(prod.token instanceof CommandToken);
    assert.equal(prod.timeoutMs, 3_000);
  });
});

test("a variable counts more than the context, and a server that one names does not get the current context", () => {
  withFile(FILE, (environ) => {
    const given = settingsFromEnv({
      ...environ,
      ROLECALL_CONTEXT: "prod",
      ROLECALL_TIMEOUT: "0.5",
      ROLECALL_AGENT: "unix:/a",
      ROLECALL_TOKEN_FILE: "/t",
    });
    const other = settingsFromEnv({ ...environ, ROLECALL_ADDRESS: "127.0.0.1:7", ROLECALL_TLS_CERT: "server.pem" });

    assert.deepEqual([given.address, given.timeoutMs, given.agent], ["roles.prod.internal:50051", 500, "unix:/a"]);
    assert.ok(given.token instanceof FileToken);
    assert.deepEqual(
      { ...other },
      { address: "127.0.0.1:7", agent: undefined, tls: undefined, token: undefined, timeoutMs: 10_000 },
    );
  });
});

test("the CA of a variable keeps the certificate of the context", () => {
  withFile(FILE, (environ, folder) => {
    const { tls } = settingsFromEnv({ ...environ, ROLECALL_CONTEXT: "prod", ROLECALL_TLS_CA: "/other.pem" });

    assert.deepEqual(tls, {
      ca: "/other.pem",
      cert: `${folder}/prod/client.pem`,
      key: `${folder}/prod/client.key`,
      serverName: "roles",
    });
  });
});

test("a context that the caller names stands alone", () => {
  withFile(FILE, (environ) => {
    const settings = settingsOfContext("local", { ...environ, ROLECALL_ADDRESS: "elsewhere", ROLECALL_TIMEOUT: "1" });

    assert.deepEqual([settings.address, settings.timeoutMs], ["127.0.0.1:50051", 10_000]);
    assert.throws(() => settingsOfContext("pord", environ), {
      message: /there is no context `pord`; did you mean `prod`\?/,
    });
    assert.throws(() => settingsOfContext("", environ), TypeError);
  });
});

test("without a file there are the defaults, and a file that a variable names must exist", () => {
  const home = { HOME: "/nonexistent", XDG_CONFIG_HOME: "/nonexistent" };

  assert.equal(settingsFromEnv(home).address, "127.0.0.1:50051");
  assert.throws(() => settingsFromEnv({ ...home, ROLECALL_CONFIG: "/nonexistent/c.yaml" }), {
    message: /ROLECALL_CONFIG names this file: it does not exist/,
  });
  assert.throws(() => settingsFromEnv({ ...home, ROLECALL_CONTEXT: "prod" }), {
    message: /ROLECALL_CONTEXT names `prod`, and this file does not exist/,
  });
});

const VARIABLES: [Environment, RegExp][] = [
  [{ ROLECALL_ADDRESS: "http://a" }, /ROLECALL_ADDRESS: an address has no scheme/],
  [{ ROLECALL_AGENT: "127.0.0.1:1" }, /ROLECALL_AGENT: .* write unix:PATH/],
  [{ ROLECALL_TIMEOUT: "0" }, /ROLECALL_TIMEOUT is `0`; write a number of seconds up to 86,400/],
  [{ ROLECALL_TIMEOUT: "soon" }, /ROLECALL_TIMEOUT is `soon`/],
  [
    { ROLECALL_TLS_CA: "ca", ROLECALL_TLS_CERT: "cert" },
    /ROLECALL_TLS_CERT and ROLECALL_TLS_KEY must be given together/,
  ],
];

for (const [environ, message] of VARIABLES) {
  test(`a variable that cannot be meant is refused: ${message.source}`, () => {
    assert.throws(() => settingsFromEnv({ XDG_CONFIG_HOME: "/nonexistent", ...environ }), {
      name: "TypeError",
      message,
    });
  });
}

const MISTAKES: [string, string[]][] = [
  ["", ["0:0 the file is empty; write `contexts:` with at least one context"]],
  ["contexts: {a: {address: x}}\nother: 1\n", ["2:1 `other` is not a field of the file; known: `contexts`, `current`"]],
  [
    "contexts: {a: {adress: x}}\n",
    ["1:16 `adress` is not a field of `a`; did you mean `address`?", "1:15 `address` is missing in `a`; add it"],
  ],
  [
    "contexts:\n  a: {address: x}\n  a: {address: y}\n",
    ["3:3 the key `a` is given twice; the first is in line 2; remove one of the two"],
  ],
  ["current: b\ncontexts: {a: {address: x}}\n", ["1:10 there is no context `b`; known: `a`"]],
  [
    "contexts: {a: {address: 'http://x'}}\n",
    ["1:25 an address has no scheme `http://`; write `x`, and TLS is a setting of its own"],
  ],
  [
    "contexts: {a: {address: x, agent: 'x:1'}}\n",
    ["1:35 `x:1` is not the address of an agent, which is on this machine; write unix:PATH"],
  ],
  [
    "contexts: {a: {address: x, tls: {ca: c, cert: d}}}\n",
    ["1:33 `key` is missing in `tls`; a client certificate and its key are given together"],
  ],
  ["contexts: {a: {address: x, token: {}}}\n", ["1:35 `token` needs either `file` or `command`; give one of them"]],
  [
    "contexts: {a: {address: x, timeout_seconds: '3'}}\n",
    ["1:45 `timeout_seconds` must be a number of seconds up to 86,400; write it without quotes"],
  ],
  ["contexts: {a: {address: null}}\n", ["1:25 `address` must be text, not nothing"]],
  ["contexts: &x {a: {address: x}}\n", ["1:14 anchors and aliases are not supported; write the value itself"]],
  ["contexts: !x {a: {address: x}}\n", ["1:14 the tag `!x` is not supported; write the value itself"]],
  ["contexts: {a: {address: x}}\n---\nb: c\n", ["2:1 the file has several documents; write one, without `---`"]],
];

for (const [text, problems] of MISTAKES) {
  test(`a mistake is reported with its place: ${problems[0] ?? ""}`, () => {
    assert.deepEqual(problemsOf(text).sort(), [...problems].sort());
  });
}

test("broken YAML, deep nesting and too many values are refused", () => {
  assert.match(problemsOf("contexts: [")[0] ?? "", /not YAML/);
  for (const text of [
    "[".repeat(100_000),
    "{a: ".repeat(5_000),
    "- ".repeat(50_000),
    `contexts: ${"[".repeat(9)}${"]".repeat(9)}`,
  ]) {
    assert.match(problemsOf(text)[0] ?? "", /nested deeper than 8 levels|not YAML/);
  }
  assert.match(problemsOf(`contexts: [${"a, ".repeat(21_000)}]`)[0] ?? "", /more than 20,000 values/);
  assert.match(problemsOf("#".repeat(300_000))[0] ?? "", /longer than 262,144 bytes/);
});

test("a file that others can write is refused, because its commands run as this user", () => {
  withFile(FILE, (environ, folder) => {
    chmodSync(`${folder}/config.yaml`, 0o666);
    assert.throws(() => settingsFromEnv(environ), { message: /other users can write the file.*chmod go-w/ });
    chmodSync(`${folder}/config.yaml`, 0o600);
    chmodSync(folder, 0o777);
    assert.throws(() => settingsFromEnv(environ), { message: /other users can write the folder/ });
    chmodSync(folder, 0o700);
    assert.equal(settingsFromEnv(environ).address, "127.0.0.1:50051");
  });
});
