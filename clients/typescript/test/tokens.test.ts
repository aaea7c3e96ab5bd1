import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { expiryOf } from "#dist/connection/tokens.js";
import { CommandToken, FileToken, query, RolecallClient, TokenError } from "rolecall-client";
import { status } from "@grpc/grpc-js";

import { failure, serve, until, type Unary } from "./support/service.js";

async function inFolder(run: (folder: string) => unknown): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/tokens-`);
  try {
    await run(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test("a token file is read again when it has changed", () =>
  inFolder(async (folder) => {
    writeFileSync(`${folder}/token`, "first\n");
    const source = new FileToken(`${folder}/token`);
    assert.equal(source.token(), "first");

    writeFileSync(`${folder}/token`, "the second\n".replace(" ", "-"));

    await until(() => source.token() === "the-second");
  }));

test("a refused token is looked at again at once", () =>
  inFolder((folder) => {
    writeFileSync(`${folder}/token`, "first");
    const source = new FileToken(`${folder}/token`);
    source.token();
    writeFileSync(`${folder}/token`, "second, longer".replace(", ", "-"));

    source.refused();

    assert.equal(source.token(), "second-longer");
  }));

test("a token file that cannot be read is an error, but the last token is used for a while", () =>
  inFolder((folder) => {
    const source = new FileToken(`${folder}/token`);
    assert.throws(() => source.token(), TokenError);
    writeFileSync(`${folder}/token`, "first");
    assert.equal(source.token(), "first");
    rmSync(`${folder}/token`);

    source.refused();

    assert.equal(source.token(), "first");
  }));

for (const content of ["", "two words", "ä", "x".repeat(20_000), "a\nb"]) {
  test(`\`${content.slice(0, 10)}\` is no token, and the error does not show it`, () =>
    inFolder((folder) => {
      writeFileSync(`${folder}/token`, content);

      assert.throws(
        () => new FileToken(`${folder}/token`).token(),
        (error) => error instanceof TokenError && (content.length < 5 || !error.message.includes(content)),
      );
    }));
}

test("a command is started once for all calls that wait for it, and its token is used until it is old", () =>
  inFolder(async (folder) => {
    const script = `require("fs").appendFileSync("${folder}/started", "x"); console.log("printed")`;
    const source = new CommandToken([process.execPath, "-e", script]);

    const tokens = await Promise.all([source.token(), source.token()]);
    await source.token();
    source.refused(); // it was started within the last second
    await source.token();

    assert.deepEqual(tokens, ["printed", "printed"]);
    assert.equal(readFileSync(`${folder}/started`, "utf8"), "x");
  }));

const FAILING: [string[], object, RegExp][] = [
  [[process.execPath, "-e", "process.exit(3)"], {}, /failed with exit code 3/],
  [["/nonexistent/program"], {}, /cannot be started/],
  [[process.execPath, "-e", "setInterval(() => {}, 1000)"], { timeoutMs: 100 }, /has not ended within 0.1 seconds/],
  [[process.execPath, "-e", "console.log('x'.repeat(100000))"], {}, /gives more than 16384 bytes/],
];

for (const [command, options, message] of FAILING) {
  test(`a command without a token is an error: ${message.source}`, async () => {
    await assert.rejects(
      new CommandToken(command, options).token(),
      (error) => error instanceof TokenError && message.test(error.message),
    );
  });
}

test("a command is a list", () => {
  assert.throws(() => new CommandToken([]), TypeError);
  assert.throws(() => new CommandToken("print-token" as unknown as string[]), TypeError);
});

test("a token says itself when it expires", () => {
  const token = (claims: unknown): string => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;

  assert.equal(expiryOf(token({ exp: 1_900_000_000 })), 1_900_000_000);
  for (const other of [
    token({}),
    token({ exp: true }),
    token({ exp: 1e16 }),
    token([]),
    token(null),
    "opaque",
    "a.!.b",
  ]) {
    assert.equal(expiryOf(other), undefined);
  }
});

test("a client notes that a server refused its token", async () => {
  let refused = 0;
  const CheckAssumeRole: Unary = (_, done) => {
    done(failure(status.UNAUTHENTICATED, "unknown token"));
  };
  using service = await serve({ CheckAssumeRole });
  using client = new RolecallClient(service.address, { token: { token: () => "old", refused: () => (refused += 1) } });

  await assert.rejects(client.check(query("acs:ram::1:user/a", "r")), { code: "UNAUTHENTICATED" });

  assert.equal(refused, 1);
});
