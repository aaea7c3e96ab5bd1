import assert from "node:assert/strict";
import { test } from "node:test";

import { namesIn } from "#dist/guard/certificate-names.js";
import { RoleMap, RouteMap } from "rolecall-client/guard";
import { DecisionService } from "rolecall-client/v1";

import { definitionOf } from "./support/service.js";

test("an exact method counts before all methods of its service, and what is not named is closed", () => {
  const map = new RoleMap(
    { "/a.B/C": "exact", "/a.B/*": "all" },
    { public: ["/health/*", "/grpc.health.v1.Health/Check"] },
  );
  const roleOf = (method: string): string => map.find(method).role;

  assert.deepEqual(["/a.B/C", "/a.B/D", "/a.X/C", "C", ""].map(roleOf), ["exact", "all", "", "", ""]);
  assert.equal(map.find("/grpc.health.v1.Health/Check").isPublic, true);
  assert.equal(map.find("/grpc.health.v1.Health/Watch").isPublic, false);
  assert.deepEqual([...map.roles].sort(), ["all", "exact"]);
});

for (const services of [[DecisionService], [definitionOf(DecisionService)]]) {
  test("a map is compared with the services", () => {
    const all = "/rolecall.v1.DecisionService/*";

    assert.doesNotThrow(() => new RoleMap({ [all]: "role" }, { services }));
    assert.throws(() => new RoleMap({ [all]: "role", "/rolecall.v1.DecisionService/Chek": "role" }, { services }), {
      message: "`/rolecall.v1.DecisionService/Chek` is no method of the services; correct the name",
    });
    assert.throws(() => new RoleMap({ "/rolecall.v1.DecisionService/CheckAssumeRole": "role" }, { services }), {
      message: /has no role and is not public; add it to the map/,
    });
  });
}

const BROKEN_MAPS = [
  [() => new RoleMap({}), /names 1 to 10000 methods, and this one 0/],
  [() => new RoleMap({ "/a.B/C": "" }), /names no role/],
  [() => new RoleMap({ "/a.B/C": "a b" }), /names no role/],
  [() => new RoleMap({ "a.B/C": "role" }), /names no method/],
  [() => new RoleMap({ "/a.B/C": "role" }, { public: ["/a.B/C"] }), /has a role and is public/],
  [() => new RouteMap({ "GET orders": "role" }), /is no route/],
  [() => new RouteMap({ "get /orders": "role" }), /is no route/],
  [() => new RouteMap({ "GET /a//b": "role" }), /which never matches/],
  [() => new RouteMap({ "GET /a/../b": "role" }), /which never matches/],
  [() => new RouteMap({ "GET /a*/b": "role" }), /has the segment `a\*`/],
  [() => new RouteMap({ "GET /orders/{id}": "role", "GET /ORDERS/{other}/": "role" }), /are the same route/],
] as const;

for (const [make, message] of BROKEN_MAPS) {
  test(`a map that cannot be meant is refused: ${message.source}`, () => {
    assert.throws(make, { name: "TypeError", message });
  });
}

const ROUTES = new RouteMap(
  {
    "POST /orders/{id}/refund": "refund",
    "GET /orders/*": "read",
    "GET /orders/@me": "me",
    "* /admin/*": "admin",
    "DELETE /admin/{id}": "delete",
    "GET /": "home",
  },
  { public: ["GET /healthz"] },
);

const FOUND = [
  ["POST /orders/7/refund", "refund"],
  ["POST /orders/7", ""],
  ["GET /orders/7/items", "read"],
  ["HEAD /orders/7", "read"],
  ["GET /orders/@me", "me"],
  ["GET /ORDERS/@ME/", "me"],
  ["PATCH /admin/x/y", "admin"],
  ["DELETE /admin/x", "delete"],
  ["GET /", "home"],
  ["GET /orders/a%20b", "read"],
  ["GET /orders/%40me", ""],
  ["GET /%6frders/7", ""],
  ["GET /orders/%zz", ""],
  ["GET /orders//7", ""],
  ["GET /orders/../admin", ""],
  ["GET /orders/./7", ""],
  ["GET orders/7", ""],
  [" /orders/7", ""],
  ["OPTIONS /orders/7", ""],
] as const;

for (const [route, role] of FOUND) {
  test(`the route \`${route}\` needs ${role === "" ? "what nobody has" : role}`, () => {
    assert.equal(ROUTES.find(route).role, role);
  });
}

test("the names of a certificate are read from the text of Node", () => {
  const names = namesIn(
    'URI:spiffe://a/b, DNS:localhost, IP Address:127.0.0.1, URI:https://x, DNS:"a, URI:spiffe://c/d"',
  );

  assert.deepEqual(names, { spiffeIds: ["spiffe://a/b"], dnsNames: ["localhost", "a, URI:spiffe://c/d"] });
  assert.deepEqual(namesIn(undefined), { spiffeIds: [], dnsNames: [] });
  for (const text of ["URI", 'URI:"a', "URI:a,b", 'DNS:a"b', "x".repeat(20_000)]) assert.throws(() => namesIn(text));
});
