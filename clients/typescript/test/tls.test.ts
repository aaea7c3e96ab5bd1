import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { ServerCredentials } from "@grpc/grpc-js";
import { query, RolecallClient, UnavailableError, type TlsFiles } from "rolecall-client";

import { Authority, certificates, type Pair } from "./support/certificates.js";
import { DECISIONS, serve, until, type RunningService, type Unary } from "./support/service.js";

const AUTHORITY = new Authority();
const PKI = certificates(AUTHORITY);
const ALICE = query("acs:ram::123456789012:user/alice", "deployer");

/** The files of a client, each of which there is. */
type Files = Readonly<Record<"ca" | "cert" | "key" | "serverName", string>>;

/** Run with a service that wants client certificates and notes their names, and with the files of a client. */
async function secured(run: (service: RunningService, files: Files, seen: string[]) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/tls-`);
  const seen: string[] = [];
  const CheckAssumeRole: Unary = (call, done) => {
    seen.push(call.getAuthContext().sslPeerCertificate?.subjectaltname ?? "");
    (DECISIONS.CheckAssumeRole as Unary)(call, done);
  };
  const { cert, key } = PKI.server;
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  const credentials = ServerCredentials.createSsl(Buffer.from(PKI.ca), [pair], true);
  using service = await serve({ ...DECISIONS, CheckAssumeRole }, { credentials });
  const files = {
    ca: `${folder}/ca.pem`,
    cert: `${folder}/client.pem`,
    key: `${folder}/client.key`,
    serverName: "localhost",
  };
  writeFileSync(files.ca, PKI.ca);
  write(files, PKI.client);
  try {
    await run(service, files, seen);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function write(files: Files, { cert, key }: Pair): void {
  writeFileSync(files.key, key);
  writeFileSync(files.cert, cert);
}

test("a client identifies itself with its files, and with the new ones when they change", () =>
  secured(async (service, tls, seen) => {
    using client = new RolecallClient(service.address, { tls });
    await client.check(ALICE);

    write(tls, AUTHORITY.issue({ name: "other", uris: ["spiffe://prod.example/other"] }));

    const deadline = Date.now() + 10_000;
    while (seen.at(-1) !== "URI:spiffe://prod.example/other" && Date.now() < deadline) await client.check(ALICE);
    assert.equal(seen[0], "URI:spiffe://prod.example/ns/shop/sa/cart");
    assert.equal(seen.at(-1), "URI:spiffe://prod.example/other");
  }));

test("files that do not fit while they are replaced leave the connection as it is, with one warning", () =>
  secured(async (service, tls) => {
    const warnings: string[] = [];
    using client = new RolecallClient(service.address, { tls, warn: (line) => warnings.push(line) });
    await client.check(ALICE);
    writeFileSync(tls.cert, AUTHORITY.issue({ name: "other" }).cert);

    const deadline = Date.now() + 10_000;
    while (warnings.length === 0 && Date.now() < deadline) await client.check(ALICE);

    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /the TLS files have changed and are not valid; the last valid ones are used/);
  }));

test("a server that is not verified is unavailable", () =>
  secured(async (service, tls) => {
    using other = new RolecallClient(service.address, { tls: { ...tls, serverName: "other.example" } });
    writeFileSync(tls.ca, new Authority("other CA").ca);
    using stranger = new RolecallClient(service.address, { tls });

    await assert.rejects(other.check(ALICE), UnavailableError);
    await assert.rejects(stranger.check(ALICE), UnavailableError);
  }));

test("files that are missing, broken or do not belong together are refused", () =>
  secured(async (service, tls) => {
    const make = (files: TlsFiles) => () => new RolecallClient(service.address, { tls: files });

    assert.throws(make({ ca: "/nonexistent/ca.pem" }), { code: "ENOENT" });
    assert.throws(make({ ca: tls.key }), { message: /has no certificates in PEM form/ });
    assert.throws(make({ ...tls, key: undefined }), { message: "a client certificate and its key are given together" });
    assert.throws(make({ ...tls, cert: tls.ca }), { message: /are not a certificate and its key in PEM form/ });
    await until(() => true);
  }));

test("nothing is left of a client that was closed", () =>
  secured(async (service, tls) => {
    const before = process.getActiveResourcesInfo().length;
    const client = new RolecallClient(service.address, { tls, agent: "unix:/nonexistent/agent.sock" });
    await client.check(ALICE);
    const watching = client.watchRoles().next();
    client.close();
    await assert.rejects(watching);

    // The server has a connection to the client, too.
    await until(() => process.getActiveResourcesInfo().length <= before);
  }));
