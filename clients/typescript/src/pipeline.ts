/** Pipelined checks: many queries on one stream, answered in order, and continued on a new one when the server ends it. */

import type { AgentFirst } from "./agent.js";
import { AGENT_MS, isAway, isLeftOut } from "./agent.js";
import type { Calls, Conversation, Messages, StreamOptions } from "./calls.js";
import { RolecallError, UnavailableError } from "./errors.js";
import {
  type AssumeRoleQuery,
  type StreamCheckAssumeRoleRequest,
  StreamCheckAssumeRoleRequestSchema,
  type StreamCheckAssumeRoleResponse,
} from "./gen/rolecall/v1/decision_pb.js";
import { create } from "@bufbuild/protobuf";
import { STREAM_CHECK } from "./methods.js";
import { pause } from "./signals.js";

export const DEFAULT_IN_FLIGHT = 256;

const MAX_ATTEMPTS = 4;
const BACKOFF_MS = 50;

type Stream = Conversation<StreamCheckAssumeRoleRequest, StreamCheckAssumeRoleResponse>;

/** Sends queries on streams, at most `inFlight` ahead of the answers: first to the agent if there is one, then to the service. */
export class Pipeline {
  readonly #calls: AgentFirst;
  readonly #options: StreamOptions;
  readonly #queue: QueryQueue;
  #agent: Calls | undefined;

  constructor(calls: AgentFirst, queries: Messages<AssumeRoleQuery>, inFlight: number, options: StreamOptions) {
    this.#calls = calls;
    this.#agent = calls.agent;
    this.#options = { ...options, signal: calls.service.closingOr(options.signal) };
    this.#queue = new QueryQueue(queries, inFlight);
  }

  /** Yield an answer for each query; throw a `RolecallError` when several streams in succession return none. */
  async *answers(): AsyncGenerator<StreamCheckAssumeRoleResponse, void, undefined> {
    let attempts = 0;
    try {
      while (await this.#queue.hasUnanswered(this.#options.signal)) {
        try {
          for await (const answer of this.#onOneStream()) {
            attempts = 0;
            yield answer;
          }
        } catch (error) {
          if (this.#leavesAgent(error)) continue;
          attempts += 1;
          if (!(error instanceof UnavailableError) || attempts === MAX_ATTEMPTS) throw error;
          await pause(BACKOFF_MS * 3 ** (attempts - 1), this.#options.signal);
        }
      }
    } finally {
      this.#queue.close();
    }
  }

  /** Return whether the queries that were not answered are put to the service, after the agent could not answer them. */
  #leavesAgent(error: unknown): boolean {
    if (this.#agent === undefined || !isAway(error)) return false;
    this.#agent = undefined;
    return true;
  }

  /** Send the unanswered queries and then the following ones, until every query is answered. */
  async *#onOneStream(): AsyncGenerator<StreamCheckAssumeRoleResponse, void, undefined> {
    const conversation = await (this.#agent ?? this.#calls.service).converse(STREAM_CHECK, this.#options);
    const { stream } = conversation;
    this.#queue.sendTo(conversation.send);
    try {
      while (await this.#queue.hasUnanswered(this.#options.signal)) {
        const answer = await stream.next(this.#agent === undefined ? Infinity : AGENT_MS);
        if (answer === undefined) throw endedError();
        if (this.#agent !== undefined && isLeftOut(answer.result)) throw leftOutError();
        this.#queue.answered();
        yield answer;
      }
    } finally {
      this.#queue.sendTo(undefined);
      await close(conversation, this.#queue.isDone);
    }
  }
}

type Send = (message: StreamCheckAssumeRoleRequest) => void;

/** The queries of a caller: reads at most `inFlight` ahead of the answers, and sends each as soon as it is read. */
class QueryQueue {
  readonly #queries: AsyncIterator<AssumeRoleQuery> | Iterator<AssumeRoleQuery>;
  readonly #inFlight: number;
  readonly #unanswered: StreamCheckAssumeRoleRequest[] = [];
  #send: Send | undefined;
  #sequence = 0n;
  #isReading = false;
  #isExhausted = false;
  #failure: { readonly why: unknown } | undefined;
  #onChange: (() => void) | undefined;

  constructor(queries: Messages<AssumeRoleQuery>, inFlight: number) {
    this.#queries = Symbol.asyncIterator in queries ? queries[Symbol.asyncIterator]() : queries[Symbol.iterator]();
    this.#inFlight = Math.max(1, inFlight);
  }

  /** Return whether no query is left. */
  get isDone(): boolean {
    return this.#isExhausted && this.#unanswered.length === 0;
  }

  /** Return whether there is a query without an answer, after waiting for the next one; throw what the caller's queries throw. */
  async hasUnanswered(signal: AbortSignal | undefined): Promise<boolean> {
    this.#readAhead();
    for (;;) {
      signal?.throwIfAborted();
      if (this.#failure !== undefined) throw this.#failure.why;
      if (this.#unanswered.length > 0) return true;
      if (this.#isExhausted) return false;
      await this.#changed(signal);
    }
  }

  /** Note that the oldest query was answered. */
  answered(): void {
    this.#unanswered.shift();
    this.#readAhead();
  }

  /** Send the queries without an answer, and those that are read from now on. */
  sendTo(send: Send | undefined): void {
    this.#send = send;
    if (send !== undefined) this.#unanswered.forEach(send);
  }

  /** Read no further queries. */
  close(): void {
    this.#isExhausted = true;
    // A generator that is waiting ends when it continues; nobody waits for that.
    void Promise.resolve(this.#queries.return?.()).catch(() => undefined);
  }

  #readAhead(): void {
    if (this.#isReading) return;
    this.#isReading = true;
    void this.#read().finally(() => (this.#isReading = false));
  }

  async #read(): Promise<void> {
    while (!this.#isExhausted && this.#unanswered.length < this.#inFlight) {
      try {
        const next = await this.#queries.next();
        if (next.done === true) this.#isExhausted = true;
        else this.#add(next.value);
      } catch (why) {
        this.#isExhausted = true;
        this.#failure = { why };
      }
      this.#onChange?.();
    }
  }

  #add(query: AssumeRoleQuery): void {
    const message = create(StreamCheckAssumeRoleRequestSchema, { sequence: this.#sequence++, query });
    this.#unanswered.push(message);
    this.#send?.(message);
  }

  async #changed(signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#onChange = resolve;
      signal?.addEventListener(
        "abort",
        () => {
          resolve();
        },
        { once: true },
      );
    });
    this.#onChange = undefined;
  }
}

function endedError(): RolecallError {
  return new UnavailableError("UNAVAILABLE", "the stream ended before every query was answered");
}

function leftOutError(): RolecallError {
  return new UnavailableError("UNAVAILABLE", "the agent cannot answer this query");
}

/** End a stream. If every query is answered, wait for its end and ignore how it ends, else cancel it. */
async function close({ stream, finish }: Stream, isDone: boolean): Promise<void> {
  if (!isDone) {
    stream.cancel();
    return;
  }
  finish();
  await stream.next(AGENT_MS).catch(() => undefined);
}
