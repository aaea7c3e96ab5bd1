import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { status } from "@grpc/grpc-js";
import { DeadlineExceededError, InvalidArgumentError, query, RolecallClient } from "rolecall-client";
import {
  BatchCheckAssumeRoleResponseSchema,
  StreamCheckAssumeRoleResponseSchema,
  type StreamCheckAssumeRoleRequest,
} from "rolecall-client/v1";

import {
  answerTo,
  DECISIONS,
  failure,
  serve,
  unavailable,
  type Conversation,
  type Methods,
  type Unary,
} from "./support/service.js";

const ALICE = query("acs:ram::123456789012:user/alice", "deployer");

/** Run with an agent (undefined: nobody listens on its socket), and a service that counts its checks. */
async function withAgent(
  agent: Methods | undefined,
  run: (client: RolecallClient, asked: string[]) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/agent-`);
  const socket = `unix:${folder}/agent.sock`;
  const asked: string[] = [];
  const CheckAssumeRole: Unary = (call, done) => {
    asked.push(String(call.metadata.get("authorization")));
    (DECISIONS.CheckAssumeRole as Unary)(call, done);
  };
  using service = await serve({ ...DECISIONS, CheckAssumeRole });
  const running = agent && (await serve(agent, { address: socket }));
  using client = new RolecallClient(service.address, { agent: socket, token: "secret" });
  try {
    await run(client, asked);
  } finally {
    client.close();
    running?.stop();
    rmSync(folder, { recursive: true });
  }
}

test("the agent answers, and the service is not asked", () =>
  withAgent(DECISIONS, async (client, asked) => {
    assert.equal((await client.check(ALICE)).decision.allowed, true);
    assert.equal((await client.batchCheck([ALICE, ALICE])).results.length, 2);

    assert.deepEqual(asked, []);
  }));

test("the token goes to the agent, too", () => {
  const seen: unknown[] = [];
  const CheckAssumeRole: Unary = (call, done) => {
    seen.push(...call.metadata.get("authorization"));
    (DECISIONS.CheckAssumeRole as Unary)(call, done);
  };
  return withAgent({ CheckAssumeRole }, async (client) => {
    await client.check(ALICE);

    assert.deepEqual(seen, ["Bearer secret"]);
  });
});

test("without an agent on its socket the service answers", () =>
  withAgent(undefined, async (client, asked) => {
    assert.equal((await client.check(ALICE)).decision.allowed, true);
    const sequences: number[] = [];
    for await (const { sequence } of client.streamCheck([ALICE, ALICE, ALICE])) sequences.push(sequence);

    assert.deepEqual(asked, ["Bearer secret"]);
    assert.deepEqual(sequences, [0, 1, 2]);
  }));

for (const [what, error] of [
  ["is away", unavailable()],
  ["stops", { code: status.CANCELLED }],
] as const) {
  test(`the service answers when the agent ${what}, which is asked once`, () => {
    let calls = 0;
    const CheckAssumeRole: Unary = (_, done) => {
      calls += 1;
      done(error);
    };
    return withAgent({ CheckAssumeRole }, async (client, asked) => {
      assert.equal((await client.check(ALICE)).decision.allowed, true);

      assert.deepEqual([calls, asked.length], [1, 1]);
    });
  });
}

test("an agent that does not answer leaves the service half of the time", () =>
  withAgent({ CheckAssumeRole: (() => undefined) as Unary }, async (client, asked) => {
    assert.equal((await client.check(ALICE, { timeoutMs: 2_000 })).decision.allowed, true);

    assert.equal(asked.length, 1);
  }));

test("every other error of the agent is the answer", () => {
  const CheckAssumeRole: Unary = (_, done) => {
    done(failure(status.INVALID_ARGUMENT, "malformed"));
  };
  return withAgent({ CheckAssumeRole }, async (client, asked) => {
    await assert.rejects(client.check(ALICE), InvalidArgumentError);

    assert.deepEqual(asked, []);
  });
});

test("what the caller ends is not asked again", () => {
  const controller = new AbortController();
  const CheckAssumeRole: Unary = () => {
    controller.abort(new Error("the user left"));
  };
  return withAgent({ CheckAssumeRole }, async (client, asked) => {
    await assert.rejects(client.check(ALICE, { signal: controller.signal }), { message: "the user left" });

    assert.deepEqual(asked, []);
  });
});

test("a stream that breaks at the agent continues at the service with the queries that were not answered", () => {
  const StreamCheckAssumeRole: Conversation<StreamCheckAssumeRoleRequest> = (call) => {
    call.on("data", ({ sequence, query: asked }: StreamCheckAssumeRoleRequest) => {
      if (sequence < 5n) call.write(answerTo(sequence, asked));
      else if (sequence === 5n) call.emit("error", unavailable());
    });
  };
  return withAgent({ StreamCheckAssumeRole }, async (client) => {
    const sequences: number[] = [];
    const queries = Array.from({ length: 40 }, () => ALICE);
    for await (const { sequence, decision } of client.streamCheck(queries, { inFlight: 4 })) {
      assert.equal(decision?.allowed, true);
      sequences.push(sequence);
    }

    assert.deepEqual(sequences, [...queries.keys()]);
  });
});

test("a query that the agent leaves out is put to the service, with the rest of its stream or with its whole batch", () => {
  const leftOut = { code: status.UNAVAILABLE, message: "only the service can answer this" };
  const StreamCheckAssumeRole: Conversation<StreamCheckAssumeRoleRequest> = (call) => {
    call.on("data", ({ sequence, query: asked }: StreamCheckAssumeRoleRequest) => {
      if (sequence < 3n) call.write(answerTo(sequence, asked));
      else
        call.write(
          create(StreamCheckAssumeRoleResponseSchema, { sequence, result: { case: "error", value: leftOut } }),
        );
    });
  };
  const BatchCheckAssumeRole: Unary = (_, done) => {
    done(
      null,
      create(BatchCheckAssumeRoleResponseSchema, { results: [{ result: { case: "error", value: leftOut } }] }),
    );
  };
  return withAgent({ StreamCheckAssumeRole, BatchCheckAssumeRole }, async (client) => {
    const allowed: (boolean | undefined)[] = [];
    for await (const { decision } of client.streamCheck(Array.from({ length: 8 }, () => ALICE))) {
      allowed.push(decision?.allowed);
    }
    const { results } = await client.batchCheck([ALICE]);

    assert.deepEqual(
      allowed,
      Array.from({ length: 8 }, () => true),
    );
    assert.equal(results[0]?.decision?.allowed, true);
  });
});

test("the time of agent and service together is that of the call", async () => {
  const folder = mkdtempSync(`${tmpdir()}/agent-`);
  const silent: Methods = { CheckAssumeRole: (() => undefined) as Unary };
  using service = await serve(silent);
  using agent = await serve(silent, { address: `unix:${folder}/agent.sock` });
  using client = new RolecallClient(service.address, { agent: agent.address });

  await assert.rejects(client.check(ALICE, { timeoutMs: 200 }), DeadlineExceededError);

  rmSync(folder, { recursive: true });
});

test("all other methods go to the service", () => {
  const asked: string[] = [];
  const GetRole: Unary = (_, done) => {
    asked.push("GetRole");
    done(failure(status.NOT_FOUND, "of the agent"));
  };
  return withAgent({ GetRole }, async (client) => {
    await assert.rejects(client.getRole("deployer"), { code: "UNIMPLEMENTED" });

    assert.deepEqual(asked, []);
  });
});
