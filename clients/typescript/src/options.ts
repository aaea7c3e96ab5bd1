/** The options of clients and of calls. */

import type { ChannelCredentials } from "@grpc/grpc-js";

import type { TlsFiles } from "./connection/tls.js";
import type { TokenSource } from "./connection/tokens.js";

/** The time limit of a call with its retries, unless it has another. */
export const DEFAULT_TIMEOUT_MS = 10_000;

/** The longest time limit: that of a timer of Node. */
export const MAX_TIMEOUT_MS = 2_147_483_647;

/** Names and values that are sent with a call. */
export type CallMetadata = Readonly<Record<string, string>>;

/** Receives a line that somebody who operates the service should see. */
export type Log = (line: string) => void;

/** The options of a client. */
export interface ClientOptions {
  /** TLS from files, which are read again when they change. Without TLS the connection is plain text. */
  readonly tls?: TlsFiles | undefined;
  /** TLS from credentials of gRPC, in place of `tls`. */
  readonly credentials?: ChannelCredentials | undefined;
  /** The token that is sent with each call, or where it comes from. It is sent over TLS, or to this machine only. */
  readonly token?: string | TokenSource | undefined;
  /** The time limit of each call with its retries, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number | undefined;
  /** Metadata of every call. */
  readonly metadata?: CallMetadata | undefined;
  /** The socket of an agent on this machine, as `unix:PATH`: checks go to it first, and to the service if it cannot answer. */
  readonly agent?: string | undefined;
  /** Receives warnings; by default they are process warnings of Node. */
  readonly warn?: Log | undefined;
}

/** The options of one call. */
export interface CallOptions {
  /** The time limit of the call with its retries, in milliseconds. */
  readonly timeoutMs?: number;
  /** Ends the call: its promise is rejected with the reason of the signal. */
  readonly signal?: AbortSignal;
  /** Metadata of this call, beside that of the client. */
  readonly metadata?: CallMetadata;
}

/** Return a time limit; throw a `TypeError` if no call can be made in it. */
export function requiredTimeout(milliseconds: number): number {
  if (milliseconds > 0 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds;
  const limit = MAX_TIMEOUT_MS.toLocaleString("en");
  throw new TypeError(`a timeout is more than 0 and at most ${limit} milliseconds, and not ${milliseconds.toString()}`);
}
