/** Streams of checks, and watches, over servers that end them. */

import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { status, type ServerWritableStream } from "@grpc/grpc-js";
import {
  OtherStoreError,
  query,
  ResyncRequiredError,
  RolecallClient,
  UnavailableError,
  type RoleWatchEvent,
} from "rolecall-client";
import {
  WatchRolesResponseSchema,
  type AssumeRoleQuery,
  type StreamCheckAssumeRoleRequest,
  type WatchRolesRequest,
} from "rolecall-client/v1";

import {
  answerTo,
  DECISIONS,
  failure,
  serve,
  unavailable,
  type Conversation,
  type Events,
  type Methods,
} from "./support/service.js";
import { errorInfo } from "./support/details.js";

const ALICE = query("acs:ram::123456789012:user/alice", "deployer");

async function withClient(methods: Methods, run: (client: RolecallClient) => Promise<void>): Promise<void> {
  using service = await serve(methods);
  using client = new RolecallClient(service.address);
  await run(client);
}

test("a stream answers any number of queries in order, and reads only some ahead", () =>
  withClient(DECISIONS, async (client) => {
    let [read, mostAhead, next] = [0, 0, 0];
    function* queries(): Generator<AssumeRoleQuery> {
      for (; read < 400; read += 1) {
        mostAhead = Math.max(mostAhead, read - next);
        yield ALICE;
      }
    }

    for await (const { sequence } of client.streamCheck(queries(), { inFlight: 8 })) assert.equal(sequence, next++);

    assert.equal(next, 400);
    assert.ok(mostAhead <= 8, mostAhead.toString());
  }));

test("an answer comes while the next query is not known yet", () =>
  withClient(DECISIONS, async (client) => {
    let answered = (): void => undefined;
    const first = new Promise<void>((resolve) => (answered = resolve));
    async function* queries(): AsyncGenerator<AssumeRoleQuery> {
      yield ALICE;
      await first;
      yield ALICE;
    }
    const sequences: number[] = [];
    for await (const { sequence } of client.streamCheck(queries())) {
      sequences.push(sequence);
      answered();
    }

    assert.deepEqual(sequences, [0, 1]);
  }));

test("a stream that the server ends continues on a new one", () => {
  let streams = 0;
  const StreamCheckAssumeRole: Conversation<StreamCheckAssumeRoleRequest> = (call) => {
    streams += 1;
    let answers = 0;
    call.on("data", ({ sequence, query: asked }: StreamCheckAssumeRoleRequest) => {
      answers += 1;
      if (answers <= 10) call.write(answerTo(sequence, asked));
      else call.emit("error", unavailable());
    });
    call.on("end", () => call.end());
  };
  return withClient({ StreamCheckAssumeRole }, async (client) => {
    let next = 0;
    const queries = Array.from({ length: 35 }, () => ALICE);
    for await (const { sequence } of client.streamCheck(queries, { inFlight: 4 })) assert.equal(sequence, next++);

    assert.deepEqual([next, streams], [35, 4]);
  });
});

test("a stream fails when several in succession answer nothing, and with what its queries throw", () => {
  const StreamCheckAssumeRole: Conversation = (call) => call.emit("error", unavailable());
  return withClient({ StreamCheckAssumeRole }, async (client) => {
    async function* broken(): AsyncGenerator<AssumeRoleQuery> {
      yield await Promise.reject(new Error("the file cannot be read"));
    }

    await assert.rejects(client.streamCheck([ALICE]).next(), UnavailableError);
    await assert.rejects(client.streamCheck(broken()).next(), { message: "the file cannot be read" });
  });
});

test("a caller that leaves the loop ends the stream, and its queries", () => {
  let cancelled = false;
  let returned = false;
  const StreamCheckAssumeRole: Conversation<StreamCheckAssumeRoleRequest> = (call) => {
    call.on("cancelled", () => (cancelled = true));
    (DECISIONS.StreamCheckAssumeRole as Conversation<StreamCheckAssumeRoleRequest>)(call);
  };
  function* endless(): Generator<AssumeRoleQuery> {
    try {
      for (;;) yield ALICE;
    } finally {
      returned = true;
    }
  }
  return withClient({ StreamCheckAssumeRole }, async (client) => {
    for await (const { sequence } of client.streamCheck(endless())) if (sequence === 3) break;

    assert.equal(returned, true);
    while (!cancelled) await new Promise((resolve) => setTimeout(resolve, 5));
  });
});

type Call = ServerWritableStream<WatchRolesRequest, unknown>;

function change(call: Call, revision: number): void {
  const value = { revision: BigInt(revision), role: { roleId: "1", description: `at ${revision}` } };
  call.write(create(WatchRolesResponseSchema, { event: { case: "change", value } }));
}

function checkpoint(call: Call, revision: number): void {
  const value = { revision: BigInt(revision), token: `token-${revision}` };
  call.write(create(WatchRolesResponseSchema, { event: { case: "checkpoint", value } }));
}

/** A service whose watches do one after the other what the test says; it notes where each begins. */
function watches(began: string[], ...streams: ((call: Call) => void)[]): Methods {
  const WatchRoles: Events<WatchRolesRequest> = (call) => {
    streams[began.length]?.(call);
    began.push(call.request.includeInitialState ? "the initial state" : call.request.startToken);
  };
  return { WatchRoles: WatchRoles as Events };
}

async function seen(client: RolecallClient, count: number, includeInitialState = false): Promise<string[]> {
  const found: string[] = [];
  for await (const event of client.watchRoles({ includeInitialState })) {
    found.push(nameOf(event));
    if (found.length === count) break;
  }
  return found;
}

function nameOf(event: RoleWatchEvent): string {
  return event.kind === "change" ? `change ${event.change.revision}` : `checkpoint ${event.checkpoint.revision}`;
}

test("a watch that breaks is resumed from the last checkpoint, and yields each change once", () => {
  const began: string[] = [];
  const first = (call: Call): void => {
    change(call, 1);
    checkpoint(call, 1);
    change(call, 2);
    setTimeout(() => call.emit("error", unavailable()), 20);
  };
  const second = (call: Call): void => {
    change(call, 2);
    change(call, 3);
    checkpoint(call, 3);
  };
  return withClient(watches(began, first, second), async (client) => {
    const events = await seen(client, 5);

    assert.deepEqual(events, ["change 1", "checkpoint 1", "change 2", "change 3", "checkpoint 3"]);
    assert.deepEqual(began, ["", "token-1"]);
  });
});

test("a watch that breaks within the initial state must begin again", () => {
  const broken = (call: Call): void => {
    change(call, 1);
    setTimeout(() => call.emit("error", unavailable()), 20);
  };
  return withClient(watches([], broken), async (client) => {
    await assert.rejects(seen(client, 5, true), ResyncRequiredError);
  });
});

test("lost changes are an error", () => {
  const lost = (call: Call): void => {
    call.write(create(WatchRolesResponseSchema, { event: { case: "resyncRequired", value: { reason: "too old" } } }));
  };
  return withClient(watches([], lost), async (client) => {
    await assert.rejects(
      seen(client, 1),
      (error) => error instanceof ResyncRequiredError && error.message === "too old",
    );
  });
});

test("a store that does not know its checkpoint is another one", () => {
  const first = (call: Call): void => {
    checkpoint(call, 1);
    setTimeout(() => call.emit("error", unavailable()), 20);
  };
  const second = (call: Call): void => {
    call.emit("error", failure(status.INVALID_ARGUMENT, "no", [["google.rpc.ErrorInfo", errorInfo("INVALID_TOKEN")]]));
  };
  return withClient(watches([], first, second), async (client) => {
    await assert.rejects(seen(client, 2), OtherStoreError);
  });
});

test("an error that a new stream cannot correct ends the watch", () => {
  const refused = (call: Call): void => {
    call.emit("error", failure(status.PERMISSION_DENIED, "no"));
  };
  return withClient(watches([], refused), async (client) => {
    await assert.rejects(seen(client, 1), { code: "PERMISSION_DENIED" });
  });
});

test("a watch fails when no server answers within its time limit", async () => {
  using client = new RolecallClient("127.0.0.1:1", { timeoutMs: 300 });

  await assert.rejects(seen(client, 1), UnavailableError);
});

test("a signal ends a watch, and close does", () =>
  withClient(
    watches(
      [],
      (call) => {
        checkpoint(call, 1);
      },
      (call) => {
        checkpoint(call, 1);
      },
    ),
    async (client) => {
      const controller = new AbortController();
      const first = client.watchRoles({ signal: controller.signal });
      await first.next();
      controller.abort(new Error("enough"));
      await assert.rejects(first.next(), { message: "enough" });

      const second = client.watchRoles();
      await second.next();
      const waiting = second.next();
      client.close();
      await assert.rejects(waiting, { message: "the client is closed" });
    },
  ));
