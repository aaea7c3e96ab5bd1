/** The client gives for every vector what `vectors.jsonl` says, in every way to ask. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { clone, equals, fromJson, type JsonValue } from "@bufbuild/protobuf";
import { TimestampSchema, type Timestamp } from "@bufbuild/protobuf/wkt";
import { InvalidArgumentError, type RolecallClient } from "rolecall-client";
import {
  AssumeRoleQuerySchema,
  DecisionReason,
  DecisionSchema,
  ServedFrom,
  type AssumeRoleQuery,
  type Decision,
} from "rolecall-client/v1";

import { clientOf, LEFT_OUT, theWorld } from "./world.js";

interface Vector {
  readonly id: string;
  readonly query: JsonValue;
  readonly assume_time: string;
  readonly expected: { readonly valid_until: string | null };
  readonly decision?: JsonValue;
  readonly error?: string;
}

type Ask = (client: RolecallClient, queries: readonly AssumeRoleQuery[]) => Promise<readonly (Decision | undefined)[]>;

const MOST_OF_A_BATCH = 500;

/** As many calls at a time as a server answers for one client. */
const AT_A_TIME = 16;

const WAYS: Readonly<Record<string, Ask>> = {
  check: (client, queries) => each(queries, async (query) => (await client.check(query)).decision),
  batch: async (client, queries) => {
    const batches = Array.from({ length: Math.ceil(queries.length / MOST_OF_A_BATCH) }, (_, number) =>
      queries.slice(number * MOST_OF_A_BATCH, (number + 1) * MOST_OF_A_BATCH),
    );
    const answers = await each(batches, (batch) => client.batchCheck(batch));
    return answers.flatMap(({ results }) => results.map(({ decision }) => decision));
  },
  stream: async (client, queries) => {
    const found: (Decision | undefined)[] = [];
    for await (const { decision } of client.streamCheck(queries)) found.push(decision);
    return found;
  },
};

if (LEFT_OUT !== undefined) {
  test("the vectors", { skip: LEFT_OUT });
} else {
  const world = theWorld();
  const lines = readFileSync(world.vectors, "utf8").trim().split("\n");
  const vectors = lines.map((line) => JSON.parse(line) as Vector);
  const decided = vectors.filter(({ decision }) => decision !== undefined);
  const queries = decided.map(({ query }) => fromJson(AssumeRoleQuerySchema, query));

  for (const [name, ask] of Object.entries(WAYS)) {
    for (const agent of [false, true]) {
      test(`a ${name} gives every decision${agent ? ", also through the agent" : ""}`, async () => {
        using client = clientOf({ target: "plain", agent }, world);

        const decisions = await ask(client, queries);

        assert.ok(decided.length > 2_000);
        const different = decided.filter(({ decision }, index) => !isAsExpected(decisions[index], decision ?? null));
        assert.deepEqual(
          different.map(({ id }) => id),
          [],
        );
      });
    }
  }

  test("an explanation at the time of the vector has what is expected", async () => {
    using client = clientOf({ target: "plain" }, world);

    const explained = await each(decided, async ({ query, assume_time }) => {
      const options = { assumeTime: timestampOf(assume_time) };
      return (await client.explain(fromJson(AssumeRoleQuerySchema, query), options)).decision;
    });

    const different = decided.filter((vector, index) => !isExplained(explained[index], vector));
    assert.deepEqual(
      different.map(({ id }) => id),
      [],
    );
  });

  test("a malformed query is an error with the reason", async () => {
    using client = clientOf({ target: "plain" }, world);
    const malformed = vectors.filter(({ error }) => error !== undefined);

    assert.ok(malformed.length > 0);
    for (const { id, query, error } of malformed) {
      const caught: unknown = await client.check(fromJson(AssumeRoleQuerySchema, query)).catch((seen: unknown) => seen);
      assert.ok(caught instanceof InvalidArgumentError, id);
      assert.ok(
        caught.violations.some(({ reason }) => reason === error),
        id,
      );
    }
  });
}

/** Return whether a decision is that of the vector, beside what differs from answer to answer. */
function isAsExpected(found: Decision | undefined, json: JsonValue): boolean {
  if (found === undefined) return false;
  const plain = clone(DecisionSchema, found);
  delete plain.validFor;
  delete plain.staleness;
  Object.assign(plain, { decisionId: "", revision: 0n, servedFrom: ServedFrom.UNSPECIFIED });
  return equals(DecisionSchema, plain, fromJson(DecisionSchema, json));
}

function isExplained(found: Decision | undefined, { expected }: Vector): boolean {
  try {
    const validUntil = found?.validUntil;
    assert.deepEqual(
      { ...expected, valid_until: expected.valid_until && microsecondsOf(timestampOf(expected.valid_until)) },
      {
        allowed: found?.allowed,
        reason: DecisionReason[found?.reason ?? 0],
        determining: found?.determiningStatements.map(({ pointer }) => pointer),
        missing_keys: found?.missingKeys,
        valid_until: validUntil ? microsecondsOf(validUntil) : null,
      },
    );
    return true;
  } catch {
    return false;
  }
}

/** Return a time to the microsecond; a Date has milliseconds. */
function timestampOf(text: string): Timestamp {
  return fromJson(TimestampSchema, text);
}

function microsecondsOf({ seconds, nanos }: Timestamp): bigint {
  return seconds * 1_000_000n + BigInt(nanos) / 1_000n;
}

async function each<In, Out>(values: readonly In[], call: (value: In) => Promise<Out>): Promise<Out[]> {
  const found: Out[] = [];
  for (let at = 0; at < values.length; at += AT_A_TIME) {
    found.push(...(await Promise.all(values.slice(at, at + AT_A_TIME).map(call))));
  }
  return found;
}
