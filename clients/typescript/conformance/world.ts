/** The world of the conformance run, and how a scenario makes its client. tests/conformance/README.md of the project describes both. */

import { readFileSync } from "node:fs";
import { Agent, request } from "node:http";

import { FileToken, RolecallClient, type ClientOptions } from "rolecall-client";

/** What `world.json` says. */
export interface World {
  readonly control: string;
  readonly vectors: string;
  readonly faults: string;
  readonly token_file: string;
  readonly tls: Readonly<Record<string, string>>;
  readonly addresses: Readonly<Record<string, string>> & { readonly headless: Readonly<Record<string, string>> };
}

/** The client of a scenario. */
export interface ClientDescription {
  readonly target: string;
  readonly tls?: Readonly<Record<string, string>>;
  readonly server_name?: string;
  readonly token_file?: boolean;
  readonly agent?: boolean;
  readonly timeout_seconds?: number;
}

/** Why the run is left out; undefined if a world was started for it. */
export const LEFT_OUT =
  process.env.ROLECALL_CONFORMANCE === undefined
    ? "ROLECALL_CONFORMANCE does not name a world; start one with `python -m tests.conformance run typescript`"
    : undefined;

/** Return the world; throw if its file cannot be read. */
export function theWorld(): World {
  return JSON.parse(readFileSync(process.env.ROLECALL_CONFORMANCE ?? "", "utf8")) as World;
}

/** Return a client as a scenario describes it. */
export function clientOf(description: ClientDescription, world: World): RolecallClient {
  requireKnown(description, ["target", "tls", "server_name", "token_file", "agent", "timeout_seconds"]);
  const { target, tls, server_name, token_file, agent, timeout_seconds } = description;
  const options: ClientOptions = {
    tls: tls && tlsOf(tls, server_name ?? named(world.tls, "server_name"), world),
    token: token_file === true ? new FileToken(world.token_file) : undefined,
    agent: agent === true ? named(world.addresses, "agent") : undefined,
    timeoutMs: timeout_seconds === undefined ? undefined : timeout_seconds * 1_000,
  };
  return new RolecallClient(addressOf(target, world), options);
}

/** Let something happen in the world; return the answer. */
export async function control(
  world: World,
  path: string,
  body: object = {},
): Promise<Readonly<Record<string, string>>> {
  // No connection stays open: what is left after a client was closed is the client's.
  const agent = new Agent({ keepAlive: false });
  return new Promise((resolve, reject) => {
    const sent = request(world.control + path, { method: "POST", agent }, (answer) => {
      const parts: Buffer[] = [];
      answer.on("data", (part: Buffer) => parts.push(part));
      answer.on("end", () => {
        const text = Buffer.concat(parts).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text) as Readonly<Record<string, string>>);
        else reject(new Error(`${path}: ${answer.statusCode ?? 0} ${text}`));
      });
    });
    sent.on("error", reject);
    sent.end(JSON.stringify(body));
  });
}

/** Throw if an object has a field that is not known. */
export function requireKnown(object: object, known: readonly string[]): void {
  const unknown = Object.keys(object).filter((name) => !known.includes(name));
  if (unknown.length > 0) throw new Error(`the script has unknown fields: ${unknown.join(", ")}`);
}

/** Wait a moment. */
export function moment(milliseconds = 20): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Return the names of what keeps this process alive, beside what the runner of the tests has. */
export function resources(): string[] {
  return process.getActiveResourcesInfo().sort();
}

/** Wait until nothing is left that was not there before; throw what is still there after ten seconds. */
export async function eventuallyNothingBeside(before: readonly string[]): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = leftBeside(before);
    if (found.length === 0) return;
    if (Date.now() > deadline) throw new Error(`left after close: ${found.join(", ")}`);
    await moment();
  }
}

function leftBeside(before: readonly string[]): string[] {
  const known = [...before];
  return resources().filter((name) => {
    const at = known.indexOf(name);
    if (at >= 0) known.splice(at, 1);
    return at < 0;
  });
}

function addressOf(target: string, { addresses }: World): string {
  if (target !== "headless") return named(addresses, target);
  const { dns_server = "", name = "", port = "" } = addresses.headless;
  return `dns://${dns_server}/${name}:${port}`;
}

function tlsOf(files: Readonly<Record<string, string>>, serverName: string, { tls }: World): ClientOptions["tls"] {
  const [ca = "", cert, key] = ["ca", "cert", "key"].map((name) => files[name] && named(tls, files[name]));
  return { ca, cert, key, serverName };
}

function named(values: Readonly<Record<string, unknown>>, name: string): string {
  const value = values[name];
  if (typeof value !== "string") throw new Error(`the world has no ${name}`);
  return value;
}
