import assert from "node:assert/strict";
import { test } from "node:test";

import { create, toBinary } from "@bufbuild/protobuf";
import { status, type ServerUnaryCall } from "@grpc/grpc-js";
import {
  AlreadyExistsError,
  DeadlineExceededError,
  InvalidArgumentError,
  query,
  RolecallClient,
  RolecallError,
  UnavailableError,
} from "rolecall-client";
import {
  ApplyRolesResponseSchema,
  BatchCheckAssumeRoleResponseSchema,
  CheckAssumeRoleResponseSchema,
  CreateRoleResponseSchema,
  ListChangesResponseSchema,
  ListRoleRevisionsResponseSchema,
  ListRolesResponseSchema,
  PolicyViolationSchema,
  UndeleteRoleResponseSchema,
  type ApplyRolesRequest,
  type CreateRoleRequest,
  type ListChangesRequest,
  type ListRoleRevisionsRequest,
  type ListRolesRequest,
  type UndeleteRoleRequest,
} from "rolecall-client/v1";

import {
  cancelled,
  DECISIONS,
  failure,
  serve,
  unavailable,
  until,
  type Methods,
  type Unary,
  type Upload,
} from "./support/service.js";
import { badRequest, errorInfo, retryInfo } from "./support/details.js";

const ALICE = query("acs:ram::123456789012:user/alice", "deployer");
const BOB = query("acs:ram::123456789012:user/bob", "deployer");

async function withClient(methods: Methods, run: (client: RolecallClient) => Promise<void>): Promise<void> {
  using service = await serve(methods);
  using client = new RolecallClient(service.address);
  await run(client);
}

test("a check returns the decision, also a deny", () =>
  withClient(DECISIONS, async (client) => {
    const allowed = await client.check(ALICE);
    const denied = await client.check(BOB);

    assert.equal(allowed.decision.allowed, true);
    assert.equal(allowed.consistencyToken, "now");
    assert.equal(denied.decision.allowed, false);
  }));

test("a response without a decision is an error, and no deny", () =>
  withClient(
    {
      CheckAssumeRole: ((_, done) => {
        done(null, create(CheckAssumeRoleResponseSchema));
      }) as Unary,
    },
    async (client) => {
      await assert.rejects(client.check(ALICE), {
        code: "INTERNAL",
        message: "the response of the server has no decision",
      });
    },
  ));

test("a batch has a decision or an error for each query", () => {
  const error = { code: status.INVALID_ARGUMENT, message: "malformed", details: [] };
  const BatchCheckAssumeRole: Unary = (_, done) => {
    const results = [
      { result: { case: "decision" as const, value: { allowed: true } } },
      { result: { case: "error" as const, value: error } },
      {},
    ];
    done(null, create(BatchCheckAssumeRoleResponseSchema, { results }));
  };
  return withClient({ BatchCheckAssumeRole }, async (client) => {
    const { results } = await client.batchCheck([ALICE, BOB, BOB]);

    assert.equal(results[0]?.decision?.allowed, true);
    assert.ok(results[1]?.error instanceof InvalidArgumentError);
    assert.equal(results[2]?.error?.code, "INTERNAL");
  });
});

test("an error has the reason, the violations with their places, and how long to wait", () => {
  const details: [string, Uint8Array][] = [
    ["google.rpc.ErrorInfo", errorInfo("MISSING_FIELD", { ram_code: "MalformedPolicyDocument" })],
    [
      "google.rpc.BadRequest",
      badRequest(["policy/Statement", "`Statement` is missing", "MISSING_FIELD"], ["role_name", "too long", "NAME"]),
    ],
    [
      "rolecall.v1.PolicyViolation",
      toBinary(PolicyViolationSchema, create(PolicyViolationSchema, { pointer: "/Statement", line: 2, column: 3 })),
    ],
    ["google.rpc.RetryInfo", retryInfo(2)],
    ["google.rpc.Unknown", new Uint8Array([1])],
  ];
  const CreateRole: Unary = (_, done) => {
    done(failure(status.INVALID_ARGUMENT, "the request breaks 2 rules", details));
  };
  return withClient({ CreateRole }, async (client) => {
    const error: unknown = await client.createRole({ roleName: "r" }).catch((caught: unknown) => caught);

    assert.ok(error instanceof InvalidArgumentError);
    assert.equal(error.code, "INVALID_ARGUMENT");
    assert.equal(error.name, "InvalidArgumentError");
    assert.equal(error.message, "the request breaks 2 rules");
    assert.equal(error.reason, "MISSING_FIELD");
    assert.deepEqual(error.metadata, { ram_code: "MalformedPolicyDocument" });
    assert.equal(error.requestId, "request-1");
    assert.equal(error.retryAfterMs, 2_000);
    assert.deepEqual(error.violations, [
      {
        field: "policy/Statement",
        reason: "MISSING_FIELD",
        message: "`Statement` is missing",
        pointer: "/Statement",
        line: 2,
        column: 3,
      },
      { field: "role_name", reason: "NAME", message: "too long", pointer: "", line: 0, column: 0 },
    ]);
  });
});

test("an error whose details were cut by a proxy still has its code and message", () => {
  const sent = failure(status.ALREADY_EXISTS, "the role exists", [
    ["google.rpc.ErrorInfo", new Uint8Array([10, 200, 1])],
  ]);
  return withClient(
    {
      CreateRole: ((_, done) => {
        done(sent);
      }) as Unary,
    },
    async (client) => {
      await assert.rejects(
        client.createRole({}),
        (error) => error instanceof AlreadyExistsError && error.reason === "",
      );
    },
  );
});

test("a call that the service could not answer is repeated, and a write has the same request id each time", () => {
  const ids: string[] = [];
  const CreateRole: Unary<CreateRoleRequest> = ({ request }, done) => {
    ids.push(request.requestId);
    if (ids.length < 3) done(unavailable());
    else done(null, create(CreateRoleResponseSchema, { role: { roleName: request.roleName } }));
  };
  return withClient({ CreateRole }, async (client) => {
    const { role } = await client.createRole({ roleName: "r" });

    assert.equal(role?.roleName, "r");
    assert.equal(ids.length, 3);
    assert.match(ids[0] ?? "", /^[0-9a-f-]{36}$/);
    assert.equal(new Set(ids).size, 1);
  });
});

test("a service that stays away is an error after the retries", () => {
  let calls = 0;
  const CheckAssumeRole: Unary = (_, done) => {
    calls += 1;
    done(unavailable());
  };
  return withClient({ CheckAssumeRole }, async (client) => {
    await assert.rejects(client.check(ALICE), UnavailableError);

    assert.equal(calls, 4);
  });
});

test("a call ends at its time limit, and the server sees it end", () => {
  const calls: ServerUnaryCall<unknown, unknown>[] = [];
  return withClient(
    {
      CheckAssumeRole: ((call) => {
        calls.push(call);
      }) as Unary,
    },
    async (client) => {
      await assert.rejects(client.check(ALICE, { timeoutMs: 50 }), DeadlineExceededError);

      await cancelled(calls);
    },
  );
});

test("a signal ends a call with its own reason", () => {
  const calls: ServerUnaryCall<unknown, unknown>[] = [];
  return withClient(
    {
      CheckAssumeRole: ((call) => {
        calls.push(call);
      }) as Unary,
    },
    async (client) => {
      const controller = new AbortController();
      const checked = client.check(ALICE, { signal: controller.signal });
      await until(() => calls.length === 1);
      controller.abort(new Error("the user left"));

      await assert.rejects(checked, { message: "the user left" });
      await cancelled(calls);
      await assert.rejects(client.check(ALICE, { signal: AbortSignal.abort() }), { name: "AbortError" });
    },
  );
});

test("close ends the calls in progress, and refuses others", () => {
  const calls: unknown[] = [];
  return withClient(
    {
      CheckAssumeRole: ((call) => {
        calls.push(call);
      }) as Unary,
    },
    async (client) => {
      const checked = client.check(ALICE);
      await until(() => calls.length === 1);
      client.close();
      client.close();

      await assert.rejects(checked, { code: "FAILED_PRECONDITION", message: "the client is closed" });
      await assert.rejects(client.check(ALICE), { message: "the client is closed" });
    },
  );
});

test("the token and the metadata of the client and of the call are sent", async () => {
  const seen: Record<string, unknown>[] = [];
  const CheckAssumeRole: Unary = (call, done) => {
    seen.push(call.metadata.getMap());
    done(null, create(CheckAssumeRoleResponseSchema, { decision: {} }));
  };
  using service = await serve({ CheckAssumeRole });
  using client = new RolecallClient(service.address, {
    token: () => Promise.resolve("secret"),
    metadata: { "x-one": "1", "x-two": "1" },
  });
  await client.check(ALICE, { metadata: { "x-two": "2" } });

  assert.equal(seen[0]?.authorization, "Bearer secret");
  assert.equal(seen[0]["x-one"], "1");
  assert.equal(seen[0]["x-two"], "2");
});

test("a token that cannot be sent is an error that does not show it", async () => {
  using client = new RolecallClient("127.0.0.1:1", { token: "my secret" });

  await assert.rejects(
    client.check(ALICE),
    (error) => error instanceof RolecallError && error.reason === "NO_TOKEN" && !error.message.includes("secret"),
  );
});

test("an apply sends its options first, then the roles in chunks", () => {
  const parts: ApplyRolesRequest["part"][] = [];
  const ApplyRoles: Upload<ApplyRolesRequest> = (call, done) => {
    call.on("data", ({ part }: ApplyRolesRequest) => parts.push(part));
    call.on("end", () => {
      done(null, create(ApplyRolesResponseSchema, { changes: [{}, {}] }));
    });
  };
  const document = "x".repeat(300_000);
  return withClient({ ApplyRoles }, async (client) => {
    const roles = ["a", "b", "c"].map((roleName) => ({ roleName, assumeRolePolicyDocument: document }));
    const { changes } = await client.applyRoles(roles, { changeReason: "why", pruneTags: { team: "shop" } });

    assert.equal(changes.length, 2);
    assert.deepEqual(
      parts.map(({ case: kind }) => kind),
      ["options", "roles", "roles"],
    );
    const options = parts[0]?.case === "options" ? parts[0].value : undefined;
    assert.equal(options?.changeReason, "why");
    assert.deepEqual(options.pruneSelector?.tags, { team: "shop" });
    assert.notEqual(options.requestId, "");
  });
});

test("an apply fails with what its roles throw, and the server sees no complete upload", () => {
  let ended = false;
  const ApplyRoles: Upload<ApplyRolesRequest> = (call) => {
    call.on("data", () => undefined);
    call.on("end", () => (ended = !call.cancelled));
  };
  function* broken(): Generator<{ roleName: string }> {
    yield { roleName: "a" };
    throw new Error("the file cannot be read");
  }
  return withClient({ ApplyRoles }, async (client) => {
    await assert.rejects(client.applyRoles(broken()), { message: "the file cannot be read" });

    assert.equal(ended, false);
  });
});

test("lists are read page by page", () => {
  const asked: string[] = [];
  const ListRoles: Unary<ListRolesRequest> = ({ request }, done) => {
    asked.push(request.pageToken);
    const page = {
      roles: [{ roleName: `role-${asked.length}` }],
      nextPageToken: asked.length < 3 ? `page-${asked.length}` : "",
    };
    done(null, create(ListRolesResponseSchema, page));
  };
  return withClient({ ListRoles }, async (client) => {
    const names: string[] = [];
    for await (const role of client.listRoles()) names.push(role.roleName);

    assert.deepEqual(names, ["role-1", "role-2", "role-3"]);
    assert.deepEqual(asked, ["", "page-1", "page-2"]);
  });
});

test("changes are read page by page, also after an empty one", () => {
  const asked: string[] = [];
  const ListChanges: Unary<ListChangesRequest> = ({ request }, done) => {
    asked.push(`${request.role} ${request.startRevision} ${request.pageToken}`);
    const changes = asked.length === 2 ? [] : [{ revision: BigInt(asked.length) }];
    const nextPageToken = asked.length < 3 ? `page-${asked.length}` : "";
    done(null, create(ListChangesResponseSchema, { changes, nextPageToken }));
  };
  return withClient({ ListChanges }, async (client) => {
    const revisions: bigint[] = [];
    for await (const change of client.listChanges({ role: "r", startRevision: 3n })) revisions.push(change.revision);

    assert.deepEqual(revisions, [1n, 3n]);
    assert.deepEqual(asked, ["r 3 ", "r 3 page-1", "r 3 page-2"]);
  });
});

test("a deleted role is restored by its id, and its history is listed", () => {
  const UndeleteRole: Unary<UndeleteRoleRequest> = ({ request }, done) => {
    const { roleId, requestId } = request;
    done(null, create(UndeleteRoleResponseSchema, { role: { roleId }, consistencyToken: requestId }));
  };
  const ListRoleRevisions: Unary<ListRoleRevisionsRequest> = ({ request }, done) => {
    done(null, create(ListRoleRevisionsResponseSchema, { revisions: [{ role: { roleId: request.roleId } }] }));
  };
  return withClient({ UndeleteRole, ListRoleRevisions }, async (client) => {
    const { role, consistencyToken } = await client.undeleteRole({ role: "r", roleId: "7" });
    const ids: (string | undefined)[] = [];
    for await (const revision of client.listRoleRevisions("r", { roleId: "7" })) ids.push(revision.role?.roleId);

    assert.equal(role?.roleId, "7");
    assert.match(consistencyToken, /^[0-9a-f-]{36}$/);
    assert.deepEqual(ids, ["7"]);
  });
});

test("a time limit that no timer can have is refused", () => {
  for (const timeoutMs of [0, -1, Number.NaN, Infinity]) {
    assert.throws(() => new RolecallClient("rolecall", { timeoutMs }), {
      message: /a timeout is more than 0 and at most/,
    });
  }
});
