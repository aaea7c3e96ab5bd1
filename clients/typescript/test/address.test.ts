import assert from "node:assert/strict";
import { test } from "node:test";

import { isThisMachine, targetOf } from "#dist/connection/address.js";
import { RolecallClient } from "rolecall-client";

// The same table as that of the Python client.
const TARGETS = [
  ["rolecall:7", "rolecall:7"],
  ["rolecall", "rolecall:50051"],
  ["rolecall.example.com", "rolecall.example.com:50051"],
  ["10.0.0.1", "10.0.0.1:50051"],
  ["[::1]", "[::1]:50051"],
  ["[::1]:7", "[::1]:7"],
  ["::1", "[::1]:50051"],
  ["fe80::1%eth0", "[fe80::1%eth0]:50051"],
  ["dns:///rolecall:7", "dns:///rolecall:7"],
  ["dns:///rolecall", "dns:///rolecall:50051"],
  ["dns:rolecall", "dns:rolecall:50051"],
  ["dns://10.0.0.53/rolecall", "dns://10.0.0.53/rolecall:50051"],
  ["unix:/run/rolecall.sock", "unix:/run/rolecall.sock"],
  ["ipv4:10.0.0.1:1,10.0.0.2:1", "ipv4:10.0.0.1:1,10.0.0.2:1"],
  ["dns", "dns:///dns:50051"],
  ["unix", "dns:///unix:50051"],
  ["IPv6", "dns:///IPv6:50051"],
  ["xds:7", "dns:///xds:7"],
  ["dns.example:7", "dns.example:7"],
] as const;

for (const [address, target] of TARGETS) {
  test(`the address ${address} leads to ${target}`, () => {
    assert.equal(targetOf(address), target);
    assert.equal(targetOf(target), target);
  });
}

for (const scheme of ["http", "https", "grpc", "grpcs", "HTTP", "tcp"]) {
  test(`the scheme ${scheme} is refused with what to write`, () => {
    const address = `${scheme}://rolecall:7/path`;

    assert.throws(() => targetOf(address), { name: "TypeError", message: /no scheme `\w+:\/\/`; write `rolecall:7`/ });
  });
}

for (const address of ["", " ", "a b:1", "user@a:1", "a?b", ":7", "[::1"]) {
  test(`\`${address}\` is no address`, () => {
    assert.throws(() => targetOf(address), { message: /is not an address; write HOST:PORT/ });
  });
}

for (const port of ["", "0", "65536", "x", "1/x", "1:2", "-1", "٣"]) {
  test(`\`${port}\` is no port`, () => {
    assert.throws(() => targetOf(`a:${port}`), { message: /the port of `a:.*` is not a number from 1 to 65535/ });
  });
}

test("only loopback addresses and sockets are this machine", () => {
  const here = ["localhost", "localhost:1", "127.0.0.1:1", "127.1.2.3", "[::1]:1", "unix:/run/a.sock"];
  const elsewhere = ["localhost.example.com", "127.0.0.1.example.com", "10.0.0.1", "rolecall", "dns:///localhost"];

  assert.deepEqual(here.filter(isThisMachine), here);
  assert.deepEqual(elsewhere.filter(isThisMachine), []);
});

test("a client refuses such an address", () => {
  assert.throws(() => new RolecallClient("https://rolecall"), { message: /no scheme/ });
});

test("a client refuses a kind of socket that gRPC for Node does not know", () => {
  assert.throws(() => new RolecallClient("unix-abstract:rolecall"), { message: /write.*unix:PATH|as unix:PATH/ });
});

test("a client refuses a DNS server that gRPC for Node would not ask", () => {
  assert.throws(() => new RolecallClient("dns://10.0.0.53/rolecall"), {
    message: /only with GRPC_NODE_USE_ALTERNATIVE_RESOLVER=true in the environment/,
  });
});

test("a client sends no token in plain text to another machine", () => {
  assert.throws(() => new RolecallClient("rolecall.example.com", { token: "secret" }), {
    message: "a token is sent over TLS, or to this machine; give TLS files for `rolecall.example.com`",
  });
});

test("the address of an agent is a socket", () => {
  for (const agent of ["127.0.0.1:1", "unix:", "http://localhost"]) {
    assert.throws(() => new RolecallClient("rolecall", { agent }), { message: /write unix:PATH/ });
  }
});
