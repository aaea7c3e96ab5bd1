/**
 * The one name in a client certificate, by the rules of SPIFFE X509-SVID.
 *
 * 1. Its only SPIFFE id, beside any DNS names and any other URIs. Several SPIFFE ids, or a malformed one, are no name.
 * 2. Without a SPIFFE id, its only DNS name, in lower case. Several DNS names, or one with a wildcard, are no name.
 *
 * The server recognises its own clients by the same rules.
 */

import { UnknownCallerError, type PeerFacts } from "./peer.js";

const MAX_SPIFFE_ID_CHARACTERS = 2_048;
const MAX_DNS_NAME_CHARACTERS = 253;

const SPIFFE_ID = /^spiffe:\/\/[a-z0-9._-]{1,255}(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9._-]+)*$/;
const DNS_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;

/** Return the SPIFFE id of the peer's certificate; throw `UnknownCallerError`. */
export function spiffeIdOf({ spiffeIds }: PeerFacts): string {
  const [only] = spiffeIds;
  if (only === undefined || spiffeIds.length > 1) {
    throw new UnknownCallerError(`the certificate has ${spiffeIds.length || "no"} SPIFFE ids, not one`);
  }
  if (!isSpiffeId(only)) throw new UnknownCallerError("the SPIFFE id of the certificate is malformed");
  return only;
}

/** Return the DNS name of the peer's certificate; throw `UnknownCallerError`. */
export function dnsNameOf({ spiffeIds, dnsNames }: PeerFacts): string {
  if (spiffeIds.length > 0)
    throw new UnknownCallerError("the certificate has a SPIFFE id, so its DNS names do not count");
  const names = new Set(dnsNames.map((name) => name.toLowerCase()));
  const [only] = names;
  if (only === undefined || names.size > 1) {
    throw new UnknownCallerError(`the certificate has ${names.size || "no"} DNS names, not one`);
  }
  if (only.length > MAX_DNS_NAME_CHARACTERS || !DNS_NAME.test(only)) {
    throw new UnknownCallerError("the DNS name of the certificate has a wildcard or is malformed");
  }
  return only;
}

/** Return whether a text is a SPIFFE id. */
export function isSpiffeId(text: string): boolean {
  return text.length <= MAX_SPIFFE_ID_CHARACTERS && SPIFFE_ID.test(text);
}
