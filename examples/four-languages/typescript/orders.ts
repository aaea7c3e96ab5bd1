/**
 * An HTTP service over mTLS, each route of which is protected by a role.
 *
 * ORDERS_ADDRESS is where it listens, CERTIFICATES the folder with orders.pem, orders.key and ca.pem, and ROLECALL_ADDRESS and its like say how to
 * connect to Rolecall. The guard is the part between the two lines.
 */

import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";

import express from "express";
import { RolecallClient } from "rolecall-client";
import { Guard, guardMiddleware, RouteMap, spiffePrincipals, type Middleware } from "rolecall-client/guard";

const [host = "localhost", port = "50081"] = (process.env.ORDERS_ADDRESS ?? "localhost:50081").split(":");
const certificates = process.env.CERTIFICATES ?? "certificates";

// --- the guard -------------------------------------------------------------------------------------------------------

const routes = new RouteMap(
    {
        "POST /orders/{id}/refund": "orders.refund",
        "POST /orders/{id}/cancel": "orders.cancel",
        "GET /orders/*": "orders.read",
    },
    { public: ["GET /healthz"] },
);
const callers = spiffePrincipals({ "spiffe://demo.example/ns/shop/sa/shop": "123456789012@shop.internal" });

/** Return middleware that lets only callers with the right role reach the routes. */
function guarded(client: RolecallClient): Middleware {
    return guardMiddleware(new Guard(client, { roles: routes, identify: callers }));
}

// ---------------------------------------------------------------------------------------------------------------------

const client = RolecallClient.fromEnv();
const app = express();
app.disable("x-powered-by");
app.use(guarded(client));
app.get("/orders/:id", (request, response) => {
    response.type("text").send(`order ${request.params.id} is open`);
});
app.post("/orders/:id/refund", (request, response) => {
    response.type("text").send(`order ${request.params.id} is refunded`);
});
app.post("/orders/:id/cancel", (request, response) => {
    response.type("text").send(`order ${request.params.id} is cancelled`);
});
app.get("/healthz", (_, response) => {
    response.type("text").send("serving");
});

const [cert, key, ca] = ["orders.pem", "orders.key", "ca.pem"].map((name) => readFileSync(`${certificates}/${name}`));
// A caller without a certificate of the CA does not get as far as the guard.
const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.2" }, app);
server.listen(Number(port), host, () => {
    console.log(`orders is listening on ${host}:${(server.address() as AddressInfo).port}`);
});
process.once("SIGTERM", () => {
    server.close();
    server.closeAllConnections();
    client.close();
});
