import assert from "node:assert/strict";
import { test } from "node:test";

import { create } from "@bufbuild/protobuf";
import { InvalidArgumentError, UnavailableError, type Checked } from "rolecall-client";
import {
  dnsPrincipals,
  Guard,
  oidcBearer,
  RoleMap,
  spiffePrincipals,
  spiffeServiceAccounts,
  UnknownCallerError,
  type DecisionSource,
  type GuardDecision,
  type GuardOptions,
  type Identify,
  type PeerFacts,
} from "rolecall-client/guard";
import { DecisionSchema, type AssumeRoleQuery } from "rolecall-client/v1";

import { decide } from "./support/service.js";

const ALICE = "acs:ram::123456789012:user/alice";
const ROLES = new RoleMap(
  { "/orders.v1.Orders/Get": "123456789012/orders.read" },
  { public: ["/orders.v1.Orders/Ping"] },
);
const PEER: PeerFacts = {
  spiffeIds: ["spiffe://prod.example/ns/shop/sa/cart"],
  dnsNames: [],
  headers: new Map(),
  sourceIp: "10.0.0.7",
};
const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };
const METHOD = "/orders.v1.Orders/Get";

class Decisions implements DecisionSource {
  readonly queries: AssumeRoleQuery[] = [];
  readonly timeouts: (number | undefined)[] = [];

  check(query: AssumeRoleQuery, { timeoutMs }: { timeoutMs?: number } = {}): Promise<Checked> {
    this.queries.push(query);
    this.timeouts.push(timeoutMs);
    return Promise.resolve({ decision: create(DecisionSchema, decide(query)), consistencyToken: "" });
  }
}

function guarded(options: Partial<GuardOptions> = {}, client: DecisionSource = new Decisions()): Guard {
  return new Guard(client, { roles: ROLES, identify: () => ({ as: ALICE }), log: QUIET, ...options });
}

function failing(error: Error): DecisionSource {
  return { check: () => Promise.reject(error) };
}

test("a call passes only if the decision allows it", async () => {
  const decisions = new Decisions();
  const bob = { identify: () => ({ as: "acs:ram::123456789012:user/bob" }) };

  assert.equal(await guarded({}, decisions).refusal(METHOD, PEER), undefined);
  const refused = await guarded(bob).refusal(METHOD, PEER);

  assert.equal(refused?.outcome, "denied");
  assert.equal(refused.reason, "IMPLICIT_DENY");
  assert.equal(refused.decisionId, "decision-of-123456789012/orders.read");
  assert.deepEqual(decisions.queries[0]?.context["acs:SourceIp"]?.values, ["10.0.0.7"]);
});

test("a public method passes, and one that the map does not name is closed, without a query", async () => {
  const decisions = new Decisions();
  const guard = guarded({}, decisions);

  assert.equal(await guard.refusal("/orders.v1.Orders/Ping", PEER), undefined);
  assert.equal((await guard.refusal("/orders.v1.Orders/Other", PEER))?.outcome, "closed");
  assert.equal(decisions.queries.length, 0);
});

const UNDECIDED: [string, Partial<GuardOptions>, DecisionSource][] = [
  ["the service is away", {}, failing(new UnavailableError("UNAVAILABLE", "away"))],
  [
    "the client throws",
    {},
    {
      check: () => {
        throw new Error("broken");
      },
    },
  ],
  [
    "a callback throws",
    {
      context: () => {
        throw new Error("broken");
      },
    },
    new Decisions(),
  ],
  ["who calls is no principal of the language", { identify: () => ({ as: "k8s:broken" }) }, new Decisions()],
];

for (const [why, options, client] of UNDECIDED) {
  test(`no call passes when ${why}`, async () => {
    const refused = await guarded(options, client).refusal(METHOD, PEER);

    assert.equal(refused?.outcome, "undecided");
  });
}

test("something that is not true does not pass", async () => {
  const client = {
    check: () => Promise.resolve({ decision: { allowed: "no" }, consistencyToken: "" }),
  } as unknown as DecisionSource;

  assert.notEqual(await guarded({}, client).refusal(METHOD, PEER), undefined);
});

test("a token that the server refuses is the fault of the caller", async () => {
  const violation = { field: "oidc", reason: "INVALID_TOKEN", message: "expired", pointer: "", line: 0, column: 0 };
  const error = new InvalidArgumentError("INVALID_ARGUMENT", "expired", { violations: [violation] });

  assert.equal((await guarded({}, failing(error)).refusal(METHOD, PEER))?.outcome, "unknown_caller");
});

test("a decision takes no longer than the guard and the caller wait", async () => {
  const decisions = new Decisions();
  const guard = guarded({ timeoutMs: 500 }, decisions);

  await guard.refusal(METHOD, PEER, 100);
  await guard.refusal(METHOD, PEER, 60_000);
  await guard.refusal(METHOD, PEER, -5);

  assert.deepEqual(decisions.timeouts, [100, 500, 1]);
});

test("an observing guard lets every call pass, and reports what it would refuse", async () => {
  const lines: string[] = [];
  const seen: GuardDecision[] = [];
  const log = { ...QUIET, warn: (line: string) => lines.push(line) };
  const guard = guarded({
    mode: "observe",
    log,
    onDecision: (decision) => seen.push(decision),
    identify: () => ({ as: "acs:ram::1:user/b\nob" }),
  });

  assert.equal(await guard.refusal(METHOD, PEER), undefined);
  assert.equal(await guard.refusal("/orders.v1.Orders/Other", PEER), undefined);
  await guard.close();

  assert.deepEqual(
    seen.map(({ outcome }) => outcome),
    ["closed", "denied"],
  );
  assert.match(
    lines[1] ?? "",
    /^would be refused denied: method="\/orders\.v1\.Orders\/Get" role=123456789012\/orders\.read caller="acs:ram::1:user\/b\\nob"/,
  );
  assert.equal(guard.counts.total("denied"), 1);
});

test("an observing guard decides a limited number of calls at a time", async () => {
  let release = (): void => undefined;
  const decided = new Promise<Checked>((resolve) => {
    release = () => {
      resolve({ decision: create(DecisionSchema, { allowed: true }), consistencyToken: "" });
    };
  });
  const guard = guarded({ mode: "observe" }, { check: () => decided });

  for (let call = 0; call < 103; call += 1) await guard.refusal(METHOD, PEER);
  release();
  await guard.close();

  assert.equal(guard.counts.total("not_observed"), 3);
  assert.equal(guard.counts.total("allowed"), 100);
});

test("the log has ten lines a second at most", async () => {
  const lines: string[] = [];
  const guard = guarded({ log: { ...QUIET, warn: (line) => lines.push(line) } });

  for (let call = 0; call < 100; call += 1) await guard.refusal("/orders.v1.Orders/Other", PEER);

  assert.ok(lines.length >= 10 && lines.length <= 20, lines.length.toString());
  assert.equal(guard.counts.total("closed"), 100);
});

test("a callback that throws changes nothing", async () => {
  const guard = guarded({
    onDecision: () => {
      throw new Error("broken");
    },
  });

  assert.equal(await guard.refusal(METHOD, PEER), undefined);
});

const CART = "123456789012@cart.internal";
const CALLERS: [string, Identify, Partial<PeerFacts>, string | undefined][] = [
  ["a SPIFFE id", spiffePrincipals({ "spiffe://prod.example/ns/shop/sa/cart": CART }), {}, CART],
  ["a pattern", spiffePrincipals({ "spiffe://prod.example/ns/*/sa/cart": CART }), {}, CART],
  ["another SPIFFE id", spiffePrincipals({ "spiffe://prod.example/ns/shop/sa/other": CART }), {}, undefined],
  [
    "patterns of two principals",
    spiffePrincipals({ "spiffe://prod.example/ns/*/sa/cart": CART, "spiffe://prod.example/*/shop/sa/cart": ALICE }),
    {},
    undefined,
  ],
  [
    "two SPIFFE ids",
    spiffePrincipals({ "spiffe://prod.example/*": CART }),
    { spiffeIds: ["spiffe://prod.example/a", "spiffe://prod.example/b"] },
    undefined,
  ],
  [
    "a malformed SPIFFE id",
    spiffePrincipals({ "spiffe://prod.example/*": CART }),
    { spiffeIds: ["SPIFFE://prod.example/a"] },
    undefined,
  ],
  ["no certificate", spiffePrincipals({ "spiffe://prod.example/*": CART }), { spiffeIds: [] }, undefined],
  [
    "a service account",
    spiffeServiceAccounts("prod.example", "cluster", { accountId: "1" }),
    {},
    "k8s:cluster/shop/cart",
  ],
  [
    "a service account of another domain",
    spiffeServiceAccounts("test.example", "cluster", { accountId: "1" }),
    {},
    undefined,
  ],
  ["a DNS name", dnsPrincipals({ "cart.internal": CART }), { spiffeIds: [], dnsNames: ["CART.internal"] }, CART],
  [
    "two DNS names",
    dnsPrincipals({ "cart.internal": CART }),
    { spiffeIds: [], dnsNames: ["cart.internal", "b"] },
    undefined,
  ],
  ["a wildcard", dnsPrincipals({ "cart.internal": CART }), { spiffeIds: [], dnsNames: ["*.internal"] }, undefined],
  [
    "a DNS name beside a SPIFFE id",
    dnsPrincipals({ "cart.internal": CART }),
    { dnsNames: ["cart.internal"] },
    undefined,
  ],
  [
    "a token",
    oidcBearer("acs:ram::1:oidc-provider/github"),
    { headers: new Map([["authorization", ["bearer a.b.c"]]]) },
    "acs:ram::1:oidc-provider/github",
  ],
  [
    "two tokens",
    oidcBearer("acs:ram::1:oidc-provider/github"),
    { headers: new Map([["authorization", ["Bearer a.b.c", "Bearer a.b.c"]]]) },
    undefined,
  ],
  ["no token", oidcBearer("acs:ram::1:oidc-provider/github"), {}, undefined],
];

for (const [what, identify, peer, as] of CALLERS) {
  test(`${what} names ${as ?? "nobody"}`, () => {
    const identified = (): string => identify({ ...PEER, ...peer }).as;

    if (as === undefined) assert.throws(identified, UnknownCallerError);
    else assert.equal(identified(), as);
  });
}

const BROKEN = [
  [() => guarded({ timeoutMs: 0 }), /more than 0 and at most 60000 milliseconds/],
  [() => guarded({ mode: "off" as "enforce" }), /is no mode of a guard/],
  [
    () => guarded({ roles: new RoleMap({ "/a.B/C": "bare" }), identify: spiffeServiceAccounts("d", "p") }),
    /the role `bare` needs its account/,
  ],
  [() => spiffePrincipals({}), /names no caller/],
  [() => spiffePrincipals({ "spiffe://*/a": CART }), /is no SPIFFE id/],
  [() => spiffePrincipals({ "spiffe://a/b": "nobody" }), /is no principal/],
  [() => dnsPrincipals({ "*.a": CART }), /is no DNS name/],
  [() => oidcBearer("github"), /is no OIDC provider/],
] as const;

for (const [make, message] of BROKEN) {
  test(`a guard that cannot be meant is refused: ${message.source}`, () => {
    assert.throws(make, { name: "TypeError", message });
  });
}
