/** A stream of responses that is read one by one, and that its owner can end. */

import type { ClientDuplexStream, ClientReadableStream } from "@grpc/grpc-js";

import { UnavailableError, type RolecallError } from "./errors.js";
import { errorOfCall, isServiceError } from "./status.js";

/** A call of gRPC that returns a stream. */
export type StreamCall<Out> = ClientReadableStream<Out> | ClientDuplexStream<never, Out>;

/** What is done when a stream has ended, and with an error of its server. */
export interface StreamEnds {
  readonly ended: () => void;
  readonly seen: (error: RolecallError) => RolecallError;
}

/** An open stream of responses, which ends with an error, with `cancel`, or when every response was read. */
export class OpenStream<Out> {
  readonly #call: StreamCall<Out>;
  readonly #responses: AsyncIterator<Out, undefined>;
  readonly #ends: StreamEnds;
  #reason: { readonly why: unknown } | undefined;

  constructor(call: StreamCall<Out>, ends: StreamEnds) {
    this.#call = call;
    this.#ends = ends;
    this.#responses = call.iterator({ destroyOnReturn: false });
    call.on("error", () => undefined); // also of a call that is not being read
    call.once("close", ends.ended);
    call.once("status", ends.ended);
  }

  /** Return the next response, undefined at the end; reject with a `RolecallError`. It is ended if none arrives in time. */
  async next(withinMs = Infinity): Promise<Out | undefined> {
    const timer = withinMs === Infinity ? undefined : this.#endAfter(withinMs);
    try {
      const read: IteratorResult<Out, undefined> = await this.#responses.next();
      if (this.#reason !== undefined) throw this.#reason.why;
      return read.value;
    } catch (error) {
      if (this.#reason !== undefined) throw this.#reason.why;
      throw isServiceError(error) ? this.#ends.seen(errorOfCall(error)) : error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** End the stream. What is read from it fails with `why`. */
  end(why: unknown): void {
    this.#reason ??= { why };
    this.#call.cancel();
  }

  /** End the stream, which nobody reads any more. */
  cancel(): void {
    this.end(new UnavailableError("UNAVAILABLE", "the stream was ended by this client"));
  }

  #endAfter(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      const seconds = (milliseconds / 1_000).toString();
      this.end(new UnavailableError("UNAVAILABLE", `no message has arrived for ${seconds} seconds`));
    }, milliseconds);
  }
}
