import assert from "node:assert/strict";
import { test } from "node:test";

import { query } from "rolecall-client";

const ALICE = "acs:ram::123456789012:user/alice";
const GITHUB = "acs:ram::123456789012:oidc-provider/github";

test("a principal is asked for by its name", () => {
  const asked = query(ALICE, "deployer", {
    context: { "acs:SourceIp": "10.0.0.1", "acs:Tags": ["a", "b"] },
    durationSeconds: 900,
  });

  assert.deepEqual(asked.identity, { case: "principal", value: ALICE });
  assert.equal(asked.role, "deployer");
  assert.equal(asked.durationSeconds, 900);
  assert.deepEqual(asked.context["acs:SourceIp"]?.values, ["10.0.0.1"]);
  assert.deepEqual(asked.context["acs:Tags"]?.values, ["a", "b"]);
});

test("the ARN of a provider is asked for with its claims", () => {
  const { identity } = query(GITHUB, "deployer", { claims: { "oidc:sub": "repo" } });

  assert.equal(identity.case, "federated");
  assert.equal(identity.value.providerArn, GITHUB);
  assert.deepEqual(identity.value.claims["oidc:sub"]?.values, ["repo"]);
});

test("a service account belongs to the provider of the account of the role", () => {
  for (const [role, accountId] of [
    ["123456789012/app", ""],
    ["acs:ram::123456789012:role/app", "9"],
    ["app", "123456789012"],
  ] as const) {
    const { identity } = query("k8s:prod/shop/cart", role, { accountId });

    assert.equal(identity.case, "federated");
    assert.equal(identity.value.providerArn, "acs:ram::123456789012:oidc-provider/prod");
    assert.deepEqual(identity.value.claims["oidc:sub"]?.values, ["system:serviceaccount:shop:cart"]);
  }
});

test("a token is sent to the server, which verifies it", () => {
  const { identity } = query(GITHUB, "deployer", { token: "a.b.c" });

  assert.equal(identity.case, "oidc");
  assert.deepEqual([identity.value.providerArn, identity.value.token], [GITHUB, "a.b.c"]);
});

const CONTRADICTIONS = [
  [() => query(ALICE, "r", { claims: { "oidc:sub": "x" } }), /claims come with an identity provider/],
  [() => query(ALICE, "r", { token: "t" }), /a token comes with an OIDC provider/],
  [() => query(GITHUB, "r", { token: "t", claims: { a: "b" } }), /the claims are in the token/],
  [() => query("k8s:prod/shop", "1/r"), /not of the form `k8s:PROVIDER\/NAMESPACE\/SERVICEACCOUNT`/],
  [() => query("k8s:prod/shop/cart", "r"), /needs the account of the role/],
  [() => query("k8s:prod/shop/cart", "1/r", { claims: { "oidc:sub": "x" } }), /already determines `oidc:sub`/],
] as const;

for (const [make, message] of CONTRADICTIONS) {
  test(`a contradiction is refused: ${message.source}`, () => {
    assert.throws(make, { name: "TypeError", message });
  });
}
