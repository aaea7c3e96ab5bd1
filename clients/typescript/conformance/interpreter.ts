/** Runs the scenarios of the fault script with this client. tests/conformance/README.md of the project describes the steps. */

import { isDeepStrictEqual } from "node:util";

import { fromJson, type JsonValue } from "@bufbuild/protobuf";
import * as errors from "rolecall-client";
import { query as queryOf, RolecallError, type CheckResult, type RolecallClient } from "rolecall-client";
import {
  AssumeRoleQuerySchema,
  ConsistencySchema,
  CreateRoleRequestSchema,
  DecisionReason,
  DeleteRoleRequestSchema,
  UpdateRoleRequestSchema,
  type AssumeRoleQuery,
  type Decision,
} from "rolecall-client/v1";

import { Load } from "./load.js";
import { control, moment, requireKnown, type World } from "./world.js";

/** What is expected of an answer. */
export interface Expectation {
  readonly decision?: Readonly<Record<string, unknown>>;
  readonly error?: {
    readonly code: string;
    readonly reason?: string;
    readonly violations?: readonly Readonly<Record<string, unknown>>[];
  };
  readonly identity?: string;
}

/** One step, whose fields depend on what it does. */
export type Step = Readonly<Record<string, unknown>> & { readonly do: string };

type Ask = () => Promise<Decision | undefined>;

/** The kinds of errors that the client has for the codes. */
const KINDS: Readonly<Record<string, unknown>> = {
  UNAVAILABLE: errors.UnavailableError,
  DEADLINE_EXCEEDED: errors.DeadlineExceededError,
  PERMISSION_DENIED: errors.AccessDeniedError,
  UNAUTHENTICATED: errors.NotAuthenticatedError,
  INVALID_ARGUMENT: errors.InvalidArgumentError,
  NOT_FOUND: errors.NotFoundError,
  ALREADY_EXISTS: errors.AlreadyExistsError,
  ABORTED: errors.AbortedError,
  RESOURCE_EXHAUSTED: errors.ResourceExhaustedError,
};

const FIELDS: Readonly<Record<string, readonly string[]>> = {
  control: ["path", "body"],
  check: ["query", "expect", "consistency", "timeout_seconds"],
  explain: ["query", "expect", "consistency", "timeout_seconds"],
  batch: ["queries", "count", "expect"],
  stream: ["queries", "count", "in_flight", "expect", "at", "then"],
  call: ["method", "request", "expect", "timeout_seconds"],
  whoami: ["expect"],
  until: ["seconds", "step"],
  load: ["workers", "calls", "query", "during"],
  watch: ["role", "during", "expect"],
  close: ["open"],
};

/** Runs the steps of one scenario with one client. */
export class Interpreter {
  readonly #client: RolecallClient;
  readonly #world: World;
  readonly #queries: ReadonlyMap<string, AssumeRoleQuery>;

  constructor(client: RolecallClient, queries: Readonly<Record<string, JsonValue>>, world: World) {
    this.#client = client;
    this.#world = world;
    this.#queries = new Map(
      Object.entries(queries).map(([name, query]) => [name, fromJson(AssumeRoleQuerySchema, query)]),
    );
  }

  /** Run steps in order; reject at the first that does not do as expected. */
  async run(steps: readonly Step[]): Promise<void> {
    for (const step of steps) await this.step(step);
  }

  async step(step: Step): Promise<void> {
    requireKnown(step, ["do", ...(FIELDS[step.do] ?? [])]);
    try {
      await this.#done(step);
    } catch (cause) {
      throw new Error(
        `${JSON.stringify(step).slice(0, 200)}: ${cause instanceof Error ? cause.message : String(cause)}`,
        { cause },
      );
    }
  }

  async #done(step: Step): Promise<unknown> {
    switch (step.do) {
      case "control":
        return control(this.#world, step.path as string, step.body as object | undefined);
      case "check":
      case "explain":
        return this.#ask(step.do, step);
      case "batch":
        return this.#batch(step.queries as string[], step.count as number, step.expect as Expectation[]);
      case "stream":
        return this.#stream(step);
      case "call":
        return this.#call(step);
      case "whoami":
        return this.#whoami(step.expect as Expectation);
      case "until":
        return this.#until(step.seconds as number, step.step as Step);
      case "load":
        return this.#load(step);
      case "watch":
        return this.#watch(step.role as string, step.during as Step[], step.expect as string[]);
      case "close":
        return this.#close(step.open as string[]);
      default:
        throw new Error(`there is no step \`${step.do}\``);
    }
  }

  async #ask(method: "check" | "explain", step: Step): Promise<void> {
    const { requirement } = fromJson(ConsistencySchema, (step.consistency ?? {}) as JsonValue);
    const options = { ...timeoutOf(step), ...(step.consistency !== undefined && { consistency: requirement }) };
    await this.#expect(
      step.expect as Expectation,
      async () => (await this.#client[method](this.#query(step.query as string), options)).decision,
    );
  }

  async #batch(queries: readonly string[], count: number, expect: readonly Expectation[]): Promise<void> {
    const { results } = await this.#client.batchCheck(this.#rotated(queries, count));
    if (results.length !== count) throw new Error(`${results.length} results`);
    for (const [index, result] of results.entries()) await this.#expect(inRotation(expect, index), decisionOf(result));
  }

  async #stream(step: Step): Promise<void> {
    const [expect, at] = [step.expect as Expectation[], [step.at ?? []].flat()];
    const count = step.count as number;
    const queries = this.#rotated(step.queries as string[], count);
    let number = 0;
    try {
      for await (const answer of this.#client.streamCheck(queries, { inFlight: step.in_flight as number })) {
        if (answer.sequence !== number) throw new Error(`answer ${number} is that of query ${answer.sequence}`);
        await this.#expect(inRotation(expect, number), decisionOf(answer));
        number += 1;
        if (at.includes(number)) await this.run(step.then as Step[]);
      }
    } catch (error) {
      expectError(inRotation(expect, number), error);
      return;
    }
    if (number !== count) throw new Error(`${number} answers`);
  }

  async #call(step: Step): Promise<void> {
    const [request, options] = [step.request as JsonValue, timeoutOf(step)];
    const calls: Readonly<Record<string, () => Promise<unknown>>> = {
      GetRole: () => this.#client.getRole((request as { role: string }).role, options),
      CreateRole: () => this.#client.createRole(fromJson(CreateRoleRequestSchema, request), options),
      UpdateRole: () => this.#client.updateRole(fromJson(UpdateRoleRequestSchema, request), options),
      DeleteRole: () => this.#client.deleteRole(fromJson(DeleteRoleRequestSchema, request), options),
    };
    const call = calls[step.method as string];
    if (call === undefined) throw new Error(`there is no method \`${step.method as string}\``);
    await this.#expect(step.expect as Expectation, async () => {
      await call();
      return undefined;
    });
  }

  async #whoami(expect: Expectation): Promise<void> {
    try {
      const { identity } = await this.#client.whoAmI();
      if (identity !== expect.identity) throw new Error(`the identity is \`${identity}\``);
    } catch (error) {
      expectError(expect, error);
    }
  }

  async #until(seconds: number, step: Step): Promise<void> {
    const deadline = Date.now() + seconds * 1_000;
    for (;;) {
      try {
        await this.step(step);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
      await moment();
    }
  }

  async #load(step: Step): Promise<void> {
    const load = new Load(this.#client, this.#query(step.query as string));
    await load.during(step.calls as string[], step.workers as number, () => this.run(step.during as Step[]));
  }

  async #watch(role: string, during: readonly Step[], expect: readonly string[]): Promise<void> {
    const startToken = await this.#describe(role, "begin");
    const seen = this.#descriptions(role, startToken);
    try {
      await this.run(during);
    } finally {
      await this.#describe(role, "end");
    }
    const found = await seen;
    if (!isDeepStrictEqual(found, expect)) throw new Error(`the watch saw ${JSON.stringify(found)}`);
  }

  async #descriptions(role: string, startToken: string): Promise<string[]> {
    const found: string[] = [];
    for await (const event of this.#client.watchRoles({ startToken })) {
      if (event.kind !== "change" || event.change.role?.roleName !== role) continue;
      if (event.change.role.description === "end") break;
      found.push(event.change.role.description);
    }
    return found;
  }

  async #close(open: readonly string[]): Promise<void> {
    const callers: Promise<unknown>[] = [];
    for (const name of open) callers.push((await this.#opened(name)).ended);
    this.#client.close();
    await Promise.all(callers);
  }

  /** Begin a call, and return its end, however it ends. */
  async #opened(name: string): Promise<{ ended: Promise<unknown> }> {
    const startToken = name === "watch" ? await this.#describe("watched", "begin") : "";
    return new Promise((resolve) => {
      const begun = (): void => {
        resolve({ ended });
      };
      const calls: Readonly<Record<string, () => Promise<unknown>>> = {
        check: () => this.#client.check(this.#query("orders")),
        stream: () => this.#halfRead(begun),
        watch: () => this.#waiting(startToken, begun),
      };
      const ended = (calls[name]?.() ?? Promise.reject(new Error(`there is no call \`${name}\``))).catch(
        () => undefined,
      );
      if (name === "check") begun();
      void ended.then(begun);
    });
  }

  async #halfRead(begun: () => void): Promise<void> {
    const closed = new AbortController();
    const orders = this.#query("orders");
    async function* queries(): AsyncGenerator<AssumeRoleQuery> {
      yield orders;
      await new Promise((resolve) => {
        closed.signal.addEventListener("abort", resolve);
      });
    }
    try {
      for await (const answer of this.#client.streamCheck(queries(), { inFlight: 2 })) if (answer.decision) begun();
    } finally {
      closed.abort();
    }
  }

  async #waiting(startToken: string, begun: () => void): Promise<void> {
    for await (const event of this.#client.watchRoles({ startToken })) if (event.kind === "checkpoint") begun();
  }

  async #describe(role: string, description: string): Promise<string> {
    return (await this.#client.updateRole({ role, description })).consistencyToken;
  }

  #query(name: string): AssumeRoleQuery {
    return this.#queries.get(name) ?? queryOf("", name);
  }

  #rotated(queries: readonly string[], count: number): AssumeRoleQuery[] {
    return Array.from({ length: count }, (_, index) => this.#query(inRotation(queries, index)));
  }

  async #expect(expect: Expectation, ask: Ask): Promise<void> {
    let decision: Decision | undefined;
    try {
      decision = await ask();
    } catch (error) {
      expectError(expect, error);
      return;
    }
    if (expect.error !== undefined) throw new Error("no error");
    for (const [name, value] of Object.entries(expect.decision ?? {})) {
      const found = await this.#value(decision, name);
      if (!(name === "by" ? (value as unknown[]) : [value]).includes(found))
        throw new Error(`\`${name}\` is ${String(found)}`);
    }
  }

  async #value(decision: Decision | undefined, name: string): Promise<unknown> {
    if (decision === undefined) throw new Error("no decision");
    if (name === "allowed") return decision.allowed;
    if (name === "reason") return DecisionReason[decision.reason];
    if (name === "by") return (await control(this.#world, "/who", { decision_id: decision.decisionId })).process;
    throw new Error(`nothing is known about \`${name}\` of a decision`);
  }
}

function expectError(expect: Expectation, error: unknown): void {
  const { error: expected } = expect;
  if (!(error instanceof RolecallError) || expected?.code !== error.code) throw error;
  const kind = KINDS[error.code] ?? RolecallError;
  if (error.constructor !== kind || error.reason !== (expected.reason ?? error.reason)) {
    throw new Error(`${error.name} ${error.reason}`, { cause: error });
  }
  for (const violation of expected.violations ?? []) {
    const has = (one: object): boolean =>
      Object.entries(violation).every(([name, value]) => one[name as keyof typeof one] === value);
    if (!error.violations.some(has)) throw new Error("no such violation", { cause: error });
  }
}

/** Return the decision of one item; throw its error. */
function decisionOf(result: CheckResult): Ask {
  return () => (result.error === undefined ? Promise.resolve(result.decision) : Promise.reject(result.error));
}

function timeoutOf(step: Step): { timeoutMs?: number } {
  return step.timeout_seconds === undefined ? {} : { timeoutMs: (step.timeout_seconds as number) * 1_000 };
}

function inRotation<T>(values: readonly T[], index: number): T {
  const value = values[index % values.length];
  if (value === undefined) throw new Error("the script has an empty list");
  return value;
}
