/** Guards in front of real services, with mTLS. */

import assert from "node:assert/strict";
import { createServer, request, type RequestOptions } from "node:https";
import type { AddressInfo } from "node:net";
import { test } from "node:test";

import {
  Client,
  credentials,
  Server,
  ServerCredentials,
  status,
  type ServiceError,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import express from "express";
import { RolecallClient } from "rolecall-client";
import {
  Guard,
  guardHandlers,
  guardInterceptor,
  guardMiddleware,
  RoleMap,
  RouteMap,
  spiffePrincipals,
} from "rolecall-client/guard";

import { errorOfCall } from "#dist/status.js";
import { Authority, certificates, type Pair } from "./support/certificates.js";
import { DECISIONS, serve } from "./support/service.js";

const AUTHORITY = new Authority();
const PKI = certificates(AUTHORITY);
const CART = "spiffe://prod.example/ns/shop/sa/cart";
const CALLERS = spiffePrincipals({
  [CART]: "acs:ram::123456789012:user/alice",
  "spiffe://prod.example/ns/shop/sa/bob": "acs:ram::123456789012:user/bob",
});
const BOB = AUTHORITY.issue({ name: "bob", uris: ["spiffe://prod.example/ns/shop/sa/bob"] });
const STRANGER = AUTHORITY.issue({ name: "stranger", dnsNames: ["localhost"] });
const OUTSIDER = new Authority("other CA").issue({ name: "outsider", uris: [CART] });
const QUIET = { info: () => undefined, warn: () => undefined, error: () => undefined };

const bytes = (value: Buffer): Buffer => value;
const METHODS = {
  Get: [false, false],
  List: [false, true],
  Put: [true, false],
  Chat: [true, true],
  Other: [false, false],
} as const;
const DEFINITION = Object.fromEntries(
  Object.entries(METHODS).map(([name, [requestStream, responseStream]]) => [
    name,
    {
      path: `/orders.v1.Orders/${name}`,
      requestStream,
      responseStream,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    },
  ]),
);

function handlers(seen: string[]): UntypedServiceImplementation {
  const answer = Buffer.from("done");
  return {
    Get: (_: unknown, done: (error: null, value: Buffer) => void) => {
      seen.push("Get");
      done(null, answer);
    },
    Other: (_: unknown, done: (error: null, value: Buffer) => void) => {
      seen.push("Other");
      done(null, answer);
    },
    List: (call: { write(value: Buffer): void; end(): void }) => {
      seen.push("List");
      call.write(answer);
      call.end();
    },
    Put: (call: NodeJS.ReadableStream, done: (error: null, value: Buffer) => void) => {
      seen.push("Put");
      call
        .on("data", () => undefined)
        .on("end", () => {
          done(null, answer);
        });
    },
    Chat: (call: NodeJS.ReadWriteStream) => {
      seen.push("Chat");
      call.on("data", (value: Buffer) => call.write(value)).on("end", () => call.end());
    },
  };
}

async function withGuard(
  run: (guard: Guard) => Promise<void>,
  roles: ConstructorParameters<typeof Guard>[1]["roles"],
): Promise<void> {
  using service = await serve(DECISIONS);
  using client = new RolecallClient(service.address);
  await run(new Guard(client, { roles, identify: CALLERS, log: QUIET }));
}

const ROLES = new RoleMap(
  Object.fromEntries(["Get", "List", "Put", "Chat"].map((name) => [`/orders.v1.Orders/${name}`, "orders"])),
);

/** Call a method of each kind; return the error, undefined if it succeeds. */
async function called(client: Client, name: keyof typeof METHODS): Promise<ServiceError | undefined> {
  const [requestStream, responseStream] = METHODS[name];
  const path = `/orders.v1.Orders/${name}`;
  return new Promise((resolve) => {
    const done = (error: ServiceError | null): void => {
      resolve(error ?? undefined);
    };
    if (!requestStream && !responseStream) client.makeUnaryRequest(path, bytes, bytes, Buffer.from("x"), done);
    else if (!responseStream) client.makeClientStreamRequest(path, bytes, bytes, done).end(Buffer.from("x"));
    else {
      const talk = requestStream ? client.makeBidiStreamRequest(path, bytes, bytes) : undefined;
      talk?.end(Buffer.from("x"));
      (talk ?? client.makeServerStreamRequest(path, bytes, bytes, Buffer.from("x")))
        .on("data", () => undefined)
        .on("error", (error) => {
          resolve(error as ServiceError);
        })
        .on("end", () => {
          resolve(undefined);
        });
    }
  });
}

for (const way of ["interceptor", "handlers"] as const) {
  test(`a gRPC service behind a guard as ${way} answers a caller with the role, and no other`, () =>
    withGuard(async (guard) => {
      const seen: string[] = [];
      const server = new Server(way === "interceptor" ? { interceptors: [guardInterceptor(guard)] } : {});
      server.addService(
        DEFINITION,
        way === "interceptor" ? handlers(seen) : guardHandlers(guard, DEFINITION, handlers(seen)),
      );
      const tls = ServerCredentials.createSsl(
        Buffer.from(PKI.ca),
        [{ cert_chain: Buffer.from(PKI.server.cert), private_key: Buffer.from(PKI.server.key) }],
        true,
      );
      const port = await new Promise<number>((resolve) => {
        server.bindAsync("127.0.0.1:0", tls, (_, bound) => {
          resolve(bound);
        });
      });
      const clientOf = ({ cert, key }: Pair): Client =>
        new Client(
          `127.0.0.1:${port}`,
          credentials.createSsl(Buffer.from(PKI.ca), Buffer.from(key), Buffer.from(cert)),
        );
      const [cart, bob, stranger, outsider] = [PKI.client, BOB, STRANGER, OUTSIDER].map(clientOf) as [
        Client,
        Client,
        Client,
        Client,
      ];
      try {
        for (const name of ["Get", "List", "Put", "Chat"] as const)
          assert.equal(await called(cart, name), undefined, name);
        assert.deepEqual(seen.splice(0), ["Get", "List", "Put", "Chat"]);

        for (const name of ["Get", "List", "Put", "Chat"] as const) {
          const denied = await called(bob, name);
          assert.equal(denied?.code, status.PERMISSION_DENIED, name);
          const error = errorOfCall(denied);
          assert.equal(error.reason, "NOT_ALLOWED");
          assert.equal(error.message, "the caller is not allowed to call this method; decision `decision-of-orders`");
          assert.deepEqual(error.metadata, { decision_id: "decision-of-orders" });
        }
        assert.equal((await called(stranger, "Get"))?.code, status.UNAUTHENTICATED);
        assert.equal((await called(cart, "Other"))?.code, status.PERMISSION_DENIED);
        // The server does not take its certificate, so it never gets as far as the guard.
        assert.equal((await called(outsider, "Get"))?.code, status.UNAVAILABLE);
        assert.deepEqual(seen, []);
      } finally {
        for (const one of [cart, bob, stranger, outsider]) one.close();
        server.forceShutdown();
      }
    }, ROLES));
}

test("a guard that cannot decide refuses with UNAVAILABLE, and says when to retry", async () => {
  using client = new RolecallClient("127.0.0.1:1");
  const guard = new Guard(client, {
    roles: ROLES,
    identify: () => ({ as: "acs:ram::123456789012:user/alice" }),
    log: QUIET,
    timeoutMs: 200,
  });
  const server = new Server({ interceptors: [guardInterceptor(guard)] });
  server.addService(DEFINITION, handlers([]));
  const port = await new Promise<number>((resolve) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_, bound) => {
      resolve(bound);
    });
  });
  const caller = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  try {
    const refused = await called(caller, "Get");

    assert.ok(refused);
    assert.equal(refused.code, status.UNAVAILABLE);
    assert.deepEqual([errorOfCall(refused).reason, errorOfCall(refused).retryAfterMs], ["NOT_DECIDED", 1_000]);
  } finally {
    caller.close();
    server.forceShutdown();
  }
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: string;
}

function asked(port: number, { cert, key }: Partial<Pair>, method: string, path: string): Promise<Answer> {
  const options: RequestOptions = { host: "127.0.0.1", port, method, path, ca: PKI.ca, cert, key, agent: false };
  return new Promise((resolve, reject) => {
    request(options, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => (body += part));
      response.on("end", () => {
        resolve({ status: response.statusCode, headers: response.headers, body });
      });
    })
      .on("error", reject)
      .end();
  });
}

test("an Express service behind a guard answers a caller with the role, and no other", () =>
  withGuard(
    async (guard) => {
      const app = express();
      app.use(guardMiddleware(guard));
      app.use((req, res) => {
        res.send(`${req.method} ${req.path}`);
      });
      const tls = {
        cert: PKI.server.cert,
        key: PKI.server.key,
        ca: PKI.ca,
        requestCert: true,
        rejectUnauthorized: false,
      };
      const server = createServer(tls, app as Parameters<typeof createServer>[1]);
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const { port } = server.address() as AddressInfo;
      try {
        const allowed = await asked(port, PKI.client, "GET", "/orders/7?expand=all");
        assert.deepEqual([allowed.status, allowed.body], [200, "GET /orders/7"]);

        const denied = await asked(port, BOB, "GET", "/orders/7");
        assert.equal(denied.status, 403);
        assert.equal(denied.headers["content-type"], "application/problem+json");
        assert.deepEqual(JSON.parse(denied.body), {
          type: "about:blank",
          title: "Forbidden",
          status: 403,
          decision_id: "decision-of-orders.read",
        });

        // A certificate that the connection could not verify names nobody, whatever is in it; neither does a call without one.
        for (const pair of [OUTSIDER, STRANGER, {}])
          assert.equal((await asked(port, pair, "GET", "/orders/7")).status, 401);

        for (const path of [
          "/other",
          "/orders/%2e%2e/admin",
          "/orders//7",
          "/orders/a%2Fb",
          "/orders/%6d",
          "/orders/a%00b",
          "/orders/a\\b",
          "//orders/7",
          "/orders/7;%0a",
        ]) {
          const { status: code } = await asked(port, PKI.client, "GET", path);
          assert.equal(code, path === "/orders/%6d" ? 200 : 403, path);
        }
        assert.equal((await asked(port, PKI.client, "GET", "/healthz")).status, 200);
        assert.equal((await asked(port, PKI.client, "DELETE", "/orders/7")).status, 403);
      } finally {
        server.close();
        server.closeAllConnections();
      }
    },
    new RouteMap({ "GET /orders/*": "orders.read" }, { public: ["GET /healthz"] }),
  ));
