/** Makes certificates for tests: a CA, and certificates with SPIFFE ids and DNS names. Node can read certificates, but not write them. */

import { generateKeyPairSync, randomBytes, sign, type KeyObject } from "node:crypto";

/** A certificate and its key, as PEM. */
export interface Pair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is made for. */
export interface Subject {
  readonly name: string;
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  readonly isExpired?: boolean;
}

/** A CA that issues certificates. */
export class Authority {
  readonly ca: string;
  readonly #name: string;
  readonly #key: KeyObject;

  constructor(name = "test CA") {
    const { publicKey, privateKey } = keyPair();
    this.#name = name;
    this.#key = privateKey;
    this.ca = this.#signed({ name }, publicKey, [isAuthority()]);
  }

  issue(subject: Subject): Pair {
    const { publicKey, privateKey } = keyPair();
    const cert = this.#signed(subject, publicKey, [alternativeNames(subject)]);
    return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }) as string };
  }

  #signed(subject: Subject, publicKey: KeyObject, extensions: readonly Buffer[]): string {
    const body = sequence(
      tagged(0xa0, integer(Buffer.from([2]))),
      integer(Buffer.concat([Buffer.from([1]), randomBytes(8)])),
      ECDSA_WITH_SHA256,
      nameOf(this.#name),
      sequence(time(subject.isExpired ? -48 : -1), time(subject.isExpired ? -24 : 240)),
      nameOf(subject.name),
      publicKey.export({ type: "spki", format: "der" }),
      tagged(0xa3, sequence(...extensions)),
    );
    const signature = sign("sha256", body, this.#key);
    return pem(
      "CERTIFICATE",
      sequence(body, ECDSA_WITH_SHA256, tagged(0x03, Buffer.concat([Buffer.from([0]), signature]))),
    );
  }
}

/** A CA with a certificate for a server on this machine, and one for a client. */
export function certificates(authority = new Authority()): {
  readonly ca: string;
  readonly server: Pair;
  readonly client: Pair;
} {
  const server = authority.issue({ name: "server", dnsNames: ["localhost"], addresses: ["127.0.0.1"] });
  const client = authority.issue({ name: "client", uris: ["spiffe://prod.example/ns/shop/sa/cart"] });
  return { ca: authority.ca, server, client };
}

const ECDSA_WITH_SHA256 = sequence(oid("2a8648ce3d040302"));

function keyPair(): { publicKey: KeyObject; privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function nameOf(text: string): Buffer {
  return sequence(tagged(0x31, sequence(oid("550403"), tagged(0x0c, Buffer.from(text)))));
}

function isAuthority(): Buffer {
  return extension("551d13", sequence(tagged(0x01, Buffer.from([0xff]))));
}

function alternativeNames({ uris = [], dnsNames = [], addresses = [] }: Subject): Buffer {
  const names = [
    ...uris.map((uri) => tagged(0x86, Buffer.from(uri))),
    ...dnsNames.map((name) => tagged(0x82, Buffer.from(name))),
    ...addresses.map((address) => tagged(0x87, Buffer.from(address.split(".").map(Number)))),
  ];
  return extension("551d11", sequence(...names));
}

function extension(id: string, value: Buffer): Buffer {
  return sequence(oid(id), tagged(0x04, value));
}

function time(hoursFromNow: number): Buffer {
  const at = new Date(Date.now() + hoursFromNow * 3_600_000)
    .toISOString()
    .replace(/\.\d+/, "")
    .replaceAll(/[-:T]/g, "");
  return tagged(0x18, Buffer.from(at));
}

function integer(bytes: Buffer): Buffer {
  return tagged(0x02, bytes);
}

function oid(hex: string): Buffer {
  return tagged(0x06, Buffer.from(hex, "hex"));
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return tagged(0x30, Buffer.concat(parts));
}

function tagged(tag: number, value: Buffer): Buffer {
  const { length } = value;
  const size = length < 128 ? [length] : length < 256 ? [0x81, length] : [0x82, length >> 8, length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), value]);
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n");
}
