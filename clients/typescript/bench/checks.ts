/**
 * Makes checks one after the other: `node build/bench/checks.js ADDRESS [AGENT] COUNT`.
 *
 * It prints one line of JSON: the checks, and the CPU seconds of this process and the seconds for them after a warm-up.
 */

import { query, RolecallClient } from "rolecall-client";

const WARM_UP = 200;

const [address = "", ...more] = process.argv.slice(2);
const count = Number(more.at(-1));
using client = new RolecallClient(address, { agent: more.length > 1 ? more[0] : undefined });

await ask(WARM_UP);
const [cpu, began] = [process.cpuUsage(), performance.now()];
await ask(count);
const [{ user, system }, ended] = [process.cpuUsage(cpu), performance.now()];
console.log(JSON.stringify({ calls: count, cpu_seconds: (user + system) / 1e6, wall_seconds: (ended - began) / 1e3 }));

/** Ask the queries of bench/fixture.py. */
async function ask(checks: number): Promise<void> {
  for (let number = 0; number < checks; number += 1) {
    await client.check(query(`acs:ram::123456789012:user/app-${number % 20}`, `123456789012/plain-${number % 10}`));
  }
}
