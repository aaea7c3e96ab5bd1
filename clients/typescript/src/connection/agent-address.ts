/** The address of an agent: a socket of this machine. */

import { targetOf } from "./address.js";

const SCHEME = "unix:";

/** Return the gRPC target of an agent; throw a `TypeError` unless it is a socket of this machine. */
export function agentTarget(address: string): string {
  if (!address.startsWith(SCHEME) || address.length === SCHEME.length) {
    throw new TypeError(`\`${address}\` is not the address of an agent, which is on this machine; write unix:PATH`);
  }
  return targetOf(address);
}
