/** What is known of the peer of a call: the names in its certificate, its headers, its IP address. */

import { isIP } from "node:net";

/** A call does not name exactly one caller. The message is for the log; the caller must not see it. */
export class UnknownCallerError extends Error {
  override readonly name = "UnknownCallerError";
}

/**
 * The peer of a call. `spiffeIds` are the URIs of its certificate that begin with `spiffe:`, valid or not.
 *
 * Names are here only if the certificate was verified by the server of the connection. `sourceIp` is empty where it is not known.
 */
export interface PeerFacts {
  readonly spiffeIds: readonly string[];
  readonly dnsNames: readonly string[];
  /** The values of each header or metadata key, by its name in lower case. */
  readonly headers: ReadonlyMap<string, readonly string[]>;
  readonly sourceIp: string;
}

/** A peer of which nothing is known. */
export const NOBODY: PeerFacts = { spiffeIds: [], dnsNames: [], headers: new Map(), sourceIp: "" };

/** Return an IP address as it is compared, IPv4 as IPv4; empty text if `host` is none. */
export function plainAddress(host: string): string {
  const [address = ""] = host.split("%", 1);
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined && isIP(mapped) === 4) return mapped;
  return isIP(address) === 0 ? "" : address.toLowerCase();
}
