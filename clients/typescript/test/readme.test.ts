/** Runs the snippets of the README, in their order, as one module. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { test } from "node:test";
import { promisify } from "node:util";

import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import ts from "typescript";
import {
  ApplyRolesResponseSchema,
  ExplainAssumeRoleResponseSchema,
  ListAssumableRolesResponseSchema,
  ListRolesResponseSchema,
  ListTrustedPrincipalsResponseSchema,
  WatchRolesResponseSchema,
} from "rolecall-client/v1";

import { certificates } from "./support/certificates.js";
import { badRequest } from "./support/details.js";
import { DECISIONS, failure, serve, type Events, type Methods, type Unary, type Upload } from "./support/service.js";

const README = new URL("../../README.md", import.meta.url);
const IMPORTS = `import { Server } from "@grpc/grpc-js";
import express from "express";
import { Guard, guardInterceptor, guardMiddleware, RoleMap, RouteMap, spiffePrincipals } from "rolecall-client/guard";
import { FileToken, InvalidArgumentError } from "rolecall-client";
import { ChangeKind, type Role } from "rolecall-client/v1";
`;

const METHODS: Methods = {
  ...DECISIONS,
  CreateRole: ((_, done) => {
    const violation = badRequest(["assume_role_policy_document", "`Version` is missing", "MISSING_FIELD"]);
    done(failure(status.INVALID_ARGUMENT, "the request breaks a rule", [["google.rpc.BadRequest", violation]]));
  }) as Unary,
  ExplainAssumeRole: ((_, done) => {
    done(null, create(ExplainAssumeRoleResponseSchema, { nearMisses: [{ suggestion: "name alice" }] }));
  }) as Unary,
  ListAssumableRoles: ((_, done) => {
    done(null, create(ListAssumableRolesResponseSchema, { roles: [{ roleArn: "arn-1" }] }));
  }) as Unary,
  ListTrustedPrincipals: ((_, done) => {
    done(
      null,
      create(ListTrustedPrincipalsResponseSchema, { grants: [{ effect: "Allow", principalPattern: "alice" }] }),
    );
  }) as Unary,
  ListRoles: ((_, done) => {
    done(null, create(ListRolesResponseSchema, { roles: [{ roleName: "deployer" }] }));
  }) as Unary,
  ApplyRoles: ((call, done) => {
    call.on("data", () => undefined);
    call.on("end", () => {
      done(null, create(ApplyRolesResponseSchema, { changes: [{}, {}, {}] }));
    });
  }) as Upload,
  WatchRoles: ((call) => {
    call.write(create(WatchRolesResponseSchema, { event: { case: "change", value: { role: { arn: "arn-1" } } } }));
    call.write(create(WatchRolesResponseSchema, { event: { case: "checkpoint", value: { revision: 1n } } }));
  }) as Events,
};

function snippets(): string {
  const found = [...readFileSync(README, "utf8").matchAll(/^```ts\n(.*?)^```/gms)].map(([, snippet = ""]) => snippet);
  return [IMPORTS, ...found, "for (const one of [client, remote, configured, local]) one.close();"].join("\n");
}

test("the snippets of the README run as they stand", async () => {
  using service = await serve(METHODS);
  // Inside of the package, so that it finds itself by its name.
  const folder = mkdtempSync(new URL("../readme-", import.meta.url).pathname);
  try {
    const pki = certificates();
    for (const [name, text] of [
      ["ca.pem", pki.ca],
      ["client.pem", pki.client.cert],
      ["client.key", pki.client.key],
    ] as const) {
      writeFileSync(`${folder}/${name}`, text);
    }
    const source = snippets().replaceAll("127.0.0.1:50051", service.address);
    const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
    writeFileSync(`${folder}/readme.mjs`, ts.transpileModule(source, { compilerOptions: options }).outputText);
    const env = { PATH: process.env.PATH, HOME: folder, ROLECALL_ADDRESS: service.address };

    // It ends by itself: nothing is left of the clients that were closed.
    const { stdout } = await promisify(execFile)(process.execPath, ["readme.mjs"], {
      cwd: folder,
      env,
      timeout: 60_000,
    });

    const lines = stdout.trim().split("\n");
    assert.equal(lines[0], "true decision-of-deployer");
    assert.ok(lines.includes("[ true, true ]"));
    assert.ok(lines.includes("deployer-999"));
    assert.deepEqual(lines.slice(-4), ["name alice", "arn-1 []", "Allow alice", "3"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
