/**
 * The channel of a client, which is replaced when its TLS files change: calls in progress end on the old one, which is closed after them.
 *
 * The channels of gRPC read their TLS files once, so other files need another channel.
 */

import { Client, credentials, type ChannelCredentials, type ChannelOptions } from "@grpc/grpc-js";

import { closedError, UnavailableError, type RolecallError } from "../errors.js";
import { credentialsOf, type ReloadingTls } from "./tls.js";

/** The most channels that are replaced and still have calls. Until one of them ends the current channel stays. */
const MAX_REPLACED = 4;

/** Ends one call with an error. */
export type EndCall = (error: RolecallError) => void;

/** One channel, with its calls in progress. */
export class OneChannel {
  readonly client: Client;
  readonly calls = new Set<EndCall>();
  readonly streams = new Set<EndCall>();

  constructor(client: Client) {
    this.client = client;
  }
}

/** Where a channel leads, and how it is trusted. */
export interface ChannelTarget {
  readonly target: string;
  readonly credentials: ChannelCredentials | undefined;
  readonly tls: ReloadingTls | undefined;
  readonly options: ChannelOptions;
}

/** The present channel to one target, and those that it replaced. */
export class Channels {
  readonly #to: ChannelTarget;
  readonly #replaced = new Set<OneChannel>();
  #current: OneChannel;
  readonly #closing = new AbortController();

  constructor(to: ChannelTarget) {
    this.#to = to;
    this.#current = this.#open();
  }

  /** Return the signal that is given when this is closed. Its reason is a `RolecallError`. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Return the channel of a new call; throw a `RolecallError` if this is closed. */
  use(): OneChannel {
    this.closing.throwIfAborted();
    if (this.#replaced.size < MAX_REPLACED && this.#to.tls?.changed() !== undefined) this.#replace();
    return this.#current;
  }

  /** Note that a call has ended. */
  done(used: OneChannel, end: EndCall): void {
    used.calls.delete(end);
    used.streams.delete(end);
    if (used.calls.size + used.streams.size === 0 && this.#replaced.delete(used)) used.client.close();
  }

  /** Allow no further calls, and end those in progress. */
  close(): void {
    if (this.closing.aborted) return;
    this.#closing.abort(closedError());
    for (const channel of [this.#current, ...this.#replaced]) {
      for (const end of [...channel.calls, ...channel.streams]) end(closedError());
      channel.client.close();
    }
    this.#replaced.clear();
  }

  #replace(): void {
    const old = this.#current;
    this.#current = this.#open();
    this.#replaced.add(old);
    // Streams would last: they are ended, and their owners open them again.
    const error = new UnavailableError("UNAVAILABLE", "the TLS files have changed; open the stream again");
    for (const end of [...old.streams]) end(error);
    if (old.calls.size + old.streams.size === 0 && this.#replaced.delete(old)) old.client.close();
  }

  #open(): OneChannel {
    const { target, tls, options } = this.#to;
    const trusted =
      tls === undefined ? (this.#to.credentials ?? credentials.createInsecure()) : credentialsOf(tls.material);
    return new OneChannel(new Client(target, trusted, options));
  }
}
