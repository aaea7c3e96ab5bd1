/** Calls of one server: with a deadline, the credential of the client, and a signal that ends them. */

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import type { Client, ClientDuplexStream, ClientReadableStream, Metadata, ServiceError } from "@grpc/grpc-js";

import type { Channels } from "./connection/channels.js";
import type { Credential } from "./connection/credential.js";
import type { RolecallError } from "./errors.js";
import { messageOf, type Method } from "./methods.js";
import { OpenStream, type StreamCall } from "./open-stream.js";
import { requiredTimeout, type CallMetadata, type CallOptions } from "./options.js";
import { untilAborted } from "./signals.js";
import { errorOfCall } from "./status.js";

/** Messages that are sent one by one. */
export type Messages<T> = Iterable<T> | AsyncIterable<T>;

/** How a stream is opened. */
export interface StreamOptions {
  readonly signal?: AbortSignal | undefined;
  readonly metadata?: CallMetadata | undefined;
}

/** A stream in both directions. */
export interface Conversation<In, Out> {
  readonly stream: OpenStream<Out>;
  readonly send: (message: In) => void;
  readonly finish: () => void;
}

type Done<T> = (error: ServiceError | null, response?: T) => void;
type Start<T, C> = (client: Client, done: Done<T>) => C;

/** Makes calls on the channel of one server. */
export class Calls {
  readonly #channels: Channels;
  readonly #credential: Credential;
  readonly #timeoutMs: number;

  constructor(channels: Channels, credential: Credential, timeoutMs: number) {
    this.#channels = channels;
    this.#credential = credential;
    this.#timeoutMs = timeoutMs;
  }

  /** Return when a call that starts now has to end, in milliseconds of Unix time. */
  deadlineOf({ timeoutMs = this.#timeoutMs }: CallOptions): number {
    return Date.now() + requiredTimeout(timeoutMs);
  }

  /** Return the response; reject with a `RolecallError`, or with the reason of the signal. */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const { path, serialize, deserialize } = method;
    const deadline = this.deadlineOf(options);
    const message = messageOf(method, request);
    const metadata = await this.#metadata(options);
    return this.#called<MessageShape<O>, unknown>(options.signal, (client, done) =>
      client.makeUnaryRequest(path, serialize, deserialize, message, metadata, { deadline }, done),
    ).response;
  }

  /** Return the response to a stream of requests; reject as `unary`, and with what the requests throw. */
  async upload<I extends DescMessage, O extends DescMessage>(
    { path, serialize, deserialize }: Method<I, O>,
    requests: Messages<MessageShape<I>>,
    options: CallOptions,
  ): Promise<MessageShape<O>> {
    const deadline = this.deadlineOf(options);
    const metadata = await this.#metadata(options);
    const { call, response, end } = this.#called<MessageShape<O>, Writable<MessageShape<I>>>(
      options.signal,
      (client, done) => client.makeClientStreamRequest(path, serialize, deserialize, metadata, { deadline }, done),
    );
    try {
      await sendAll(call, requests, response);
    } catch (error) {
      end(error);
    }
    return response;
  }

  /** Open a stream of responses to one request. */
  async open<I extends DescMessage, O extends DescMessage>(
    { path, serialize, deserialize }: Method<I, O>,
    request: MessageShape<I>,
    options: StreamOptions,
  ): Promise<OpenStream<MessageShape<O>>> {
    const metadata = await this.#metadata(options);
    return this.#opened<MessageShape<O>, ClientReadableStream<MessageShape<O>>>(
      (client) => client.makeServerStreamRequest(path, serialize, deserialize, request, metadata),
      options.signal,
    ).stream;
  }

  /** Open a stream in both directions. */
  async converse<I extends DescMessage, O extends DescMessage>(
    { path, serialize, deserialize }: Method<I, O>,
    options: StreamOptions,
  ): Promise<Conversation<MessageShape<I>, MessageShape<O>>> {
    const metadata = await this.#metadata(options);
    const { call, stream } = this.#opened<MessageShape<O>, ClientDuplexStream<MessageShape<I>, MessageShape<O>>>(
      (client) => client.makeBidiStreamRequest(path, serialize, deserialize, metadata),
      options.signal,
    );
    return {
      stream,
      send: (message) => call.write(message),
      finish: () => call.end(),
    };
  }

  /** Return a signal that is given when this is closed, or when another one is. */
  closingOr(signal: AbortSignal | undefined): AbortSignal {
    const { closing } = this.#channels;
    return signal === undefined ? closing : AbortSignal.any([closing, signal]);
  }

  /** End the calls in progress, and close the connections. */
  close(): void {
    this.#channels.close();
  }

  async #metadata({ metadata, signal }: StreamOptions): Promise<Metadata> {
    signal?.throwIfAborted();
    return untilAborted(this.#credential.metadata(metadata), signal);
  }

  #called<T, C>(signal: AbortSignal | undefined, start: Start<T, C & { cancel(): void }>): Called<T, C> {
    signal?.throwIfAborted();
    const used = this.#channels.use();
    let reason: { readonly why: unknown } | undefined;
    let call: (C & { cancel(): void }) | undefined;
    const end = (why: unknown): void => {
      reason ??= { why };
      call?.cancel();
    };
    const onAbort = (): void => {
      end(signal?.reason);
    };
    const response = new Promise<T>((resolve, reject) => {
      call = start(used.client, (error, answer) => {
        signal?.removeEventListener("abort", onAbort);
        this.#channels.done(used, end);
        if (error === null) resolve(answer as T);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- the reason is the caller's own
        else reject(reason === undefined ? this.#seen(errorOfCall(error)) : reason.why);
      });
      used.calls.add(end);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
    return { call: call as unknown as C, response, end };
  }

  #opened<Out, C extends StreamCall<Out>>(
    start: (client: Client) => C,
    signal: AbortSignal | undefined,
  ): { call: C; stream: OpenStream<Out> } {
    signal?.throwIfAborted();
    const used = this.#channels.use();
    const call = start(used.client);
    const end = (why: unknown): void => {
      stream.end(why);
    };
    const onAbort = (): void => {
      end(signal?.reason);
    };
    const stream = new OpenStream<Out>(call, {
      ended: () => {
        signal?.removeEventListener("abort", onAbort);
        this.#channels.done(used, end);
      },
      seen: (error) => this.#seen(error),
    });
    used.streams.add(end);
    signal?.addEventListener("abort", onAbort, { once: true });
    return { call, stream };
  }

  #seen(error: RolecallError): RolecallError {
    return this.#credential.seen(error);
  }
}

interface Called<T, C> {
  readonly call: C;
  readonly response: Promise<T>;
  readonly end: (why: unknown) => void;
}

interface Writable<T> {
  write(message: T): boolean;
  end(): void;
  once(event: "drain", listener: () => void): unknown;
}

/** Send the messages, no faster than the server takes them, until the call has ended. */
async function sendAll<T>(call: Writable<T>, messages: Messages<T>, response: Promise<unknown>): Promise<void> {
  const state = { hasEnded: false };
  const ended = response.then(
    () => (state.hasEnded = true),
    () => (state.hasEnded = true),
  );
  for await (const message of messages) {
    if (state.hasEnded) return;
    if (!call.write(message)) await Promise.race([new Promise<void>((resolve) => call.once("drain", resolve)), ended]);
  }
  call.end();
}
