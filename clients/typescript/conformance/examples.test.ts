/** The examples run against a live server. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";

import { LEFT_OUT, theWorld } from "./world.js";

async function printed(name: string, ...words: string[]): Promise<string> {
  const script = new URL(`../examples/${name}.js`, import.meta.url).pathname;
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", ROLECALL_ADDRESS: theWorld().addresses.plain };
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...words], { env, timeout: 60_000 });
  return stdout;
}

test("the example of a check says yes, or why not", { skip: LEFT_OUT }, async () => {
  assert.equal(await printed("check", "acs:ram::123456789012:user/alice", "billing"), "allowed\n");
  assert.match(
    await printed("check", "acs:ram::123456789012:user/stranger", "billing"),
    /^denied: IMPLICIT_DENY\nto be allowed/,
  );
});

test("the example of a mirror reads all roles", { skip: LEFT_OUT }, async () => {
  assert.match(await printed("mirror", "1"), /^revision \d+: \d+ roles\n$/);
});
