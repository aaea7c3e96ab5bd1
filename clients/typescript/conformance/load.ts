/** Callers that repeat calls without pause while steps are run. */

import type { RolecallClient } from "rolecall-client";
import type { AssumeRoleQuery, Decision } from "rolecall-client/v1";

import { moment } from "./world.js";

const BATCH = 20;
const IN_FLIGHT = 4;
const LONGEST_MS = 120_000;

let writes = 0;

/** The load of one step. */
export class Load {
  readonly #client: RolecallClient;
  readonly #query: AssumeRoleQuery;
  readonly #answered = new Map<string, number>();
  #hasEnded = false;

  constructor(client: RolecallClient, query: AssumeRoleQuery) {
    this.#client = client;
    this.#query = query;
  }

  /** Repeat calls while steps are run; reject if one of the steps or of the calls fails, or if a kind of call was never answered. */
  async during(calls: readonly string[], workers: number, steps: () => Promise<void>): Promise<void> {
    for (const name of calls) this.#answered.set(name, 0);
    const callers = calls.flatMap((name) => Array.from({ length: workers }, () => this.#caller(name)));
    const failed = Promise.all(callers);
    try {
      await Promise.race([steps().then(() => this.#untilAnswered()), failed]);
    } finally {
      this.#hasEnded = true;
      await Promise.allSettled(callers);
    }
    await failed;
  }

  async #untilAnswered(): Promise<void> {
    const deadline = Date.now() + LONGEST_MS;
    while ([...this.#answered.values()].includes(0)) {
      if (Date.now() > deadline) throw new Error(`no answers: ${JSON.stringify([...this.#answered])}`);
      await moment();
    }
  }

  async #caller(name: string): Promise<void> {
    try {
      if (name === "stream") await this.#stream();
      else while (!this.#hasEnded) await this.#once(name);
    } catch (cause) {
      throw new Error(`a call failed under load: ${name}: ${String(cause)}`, { cause });
    }
  }

  async #once(name: string): Promise<void> {
    if (name === "check") {
      allowed((await this.#client.check(this.#query)).decision);
    } else if (name === "batch") {
      const { results } = await this.#client.batchCheck(Array.from({ length: BATCH }, () => this.#query));
      for (const { decision } of results) allowed(decision);
    } else if (name === "update") {
      writes += 1;
      await this.#client.updateRole({ role: "written", description: `write ${writes}` });
    } else {
      throw new Error(`there is no call \`${name}\``);
    }
    this.#count(name);
  }

  async #stream(): Promise<void> {
    let number = 0;
    for await (const { sequence, decision } of this.#client.streamCheck(this.#queries(), { inFlight: IN_FLIGHT })) {
      allowed(decision);
      if (sequence !== number) throw new Error(`answer ${number} is that of query ${sequence}`);
      number += 1;
      this.#count("stream");
    }
  }

  *#queries(): Generator<AssumeRoleQuery> {
    while (!this.#hasEnded) yield this.#query;
  }

  #count(name: string): void {
    this.#answered.set(name, (this.#answered.get(name) ?? 0) + 1);
  }
}

function allowed(decision: Decision | undefined): void {
  if (decision?.allowed !== true) throw new Error("denied under load");
}
