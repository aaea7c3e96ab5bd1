/**
 * Watches roles: every change once and in order, on a new stream whenever one breaks.
 *
 * 1. A stream that breaks is resumed from the last checkpoint; changes that were already yielded are not yielded again.
 * 2. If that is impossible a `ResyncRequiredError` is thrown, and the caller must discard what it built from the changes. This is an error and
 *    not an event so that it cannot be overlooked.
 * 3. The server sends a message every few seconds. A stream without messages is cancelled and resumed.
 * 4. A stream that has been open for long is continued on a new one at a checkpoint.
 */

import type { Calls } from "./calls.js";
import { OtherStoreError, ResyncRequiredError, RolecallError, UnavailableError } from "./errors.js";
import type {
  RoleWatchChange,
  WatchCheckpoint,
  WatchRolesRequest,
  WatchRolesResponse,
} from "./gen/rolecall/v1/watch_pb.js";
import { WATCH_ROLES } from "./methods.js";
import type { CallMetadata } from "./options.js";
import { pause } from "./signals.js";

/** A change, or a checkpoint from which a later watch can continue. */
export type RoleWatchEvent =
  | { readonly kind: "change"; readonly change: RoleWatchChange }
  | { readonly kind: "checkpoint"; readonly checkpoint: WatchCheckpoint };

/** What a watch begins with, and how it is ended. */
export interface WatchOptions {
  /** The token of a checkpoint or of a write: only later changes are yielded. */
  readonly startToken?: string;
  /** Only roles of these accounts. */
  readonly accountIds?: readonly string[];
  /** Yield every role first, as a change of kind CREATED, up to the first checkpoint. */
  readonly includeInitialState?: boolean;
  /** The watch fails when no message arrives for this time; 300,000 by default. */
  readonly giveUpAfterMs?: number;
  /** The watch fails when the first message does not arrive in this time; the timeout of the client by default. */
  readonly timeoutMs?: number;
  /** Receives the error of each stream that breaks, before it is resumed. */
  readonly onResume?: (error: RolecallError) => void;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
  readonly metadata?: CallMetadata;
}

const SILENT_MS = 30_000;
const GIVE_UP_MS = 300_000;
const FIRST_BACKOFF_MS = 100;
const MOST_BACKOFF_MS = 5_000;

/** A stream is continued on a new one after at most this time: the server judges the credential only when a stream is opened. */
const LONGEST_STREAM_MS = 1_800_000;

const RESUMED_REASONS: readonly string[] = ["WATCH_TOO_SLOW", "TOO_MANY_CALLS"];
const RESUMED_CODES: readonly string[] = ["UNAVAILABLE", "CANCELLED"];

/** How a server refuses the token of a checkpoint that it did not send: its store has another key, or fewer revisions. */
const OTHER_STORE_REASONS: readonly string[] = ["INVALID_TOKEN", "FUTURE_REVISION"];

/** One watch, over as many streams as it needs. */
export class Watch {
  readonly #calls: Calls;
  readonly #options: WatchOptions;
  readonly #progress: WatchProgress;

  constructor(calls: Calls, request: WatchRolesRequest, options: WatchOptions, timeoutMs: number) {
    this.#calls = calls;
    this.#options = { ...options, signal: calls.closingOr(options.signal) };
    this.#progress = new WatchProgress(request, options.timeoutMs ?? timeoutMs, options.giveUpAfterMs ?? GIVE_UP_MS);
  }

  /** Yield the events; throw `ResyncRequiredError`, and `RolecallError` for an error that a new stream cannot correct. */
  async *events(): AsyncGenerator<RoleWatchEvent, void, undefined> {
    this.#progress.callerContinues();
    for (;;) {
      try {
        for await (const event of this.#onOneStream()) {
          yield event;
          this.#progress.callerContinues();
        }
      } catch (error) {
        const milliseconds = this.#progress.pauseAfter(error);
        this.#options.onResume?.(error as RolecallError);
        await pause(milliseconds, this.#options.signal);
      }
    }
  }

  async *#onOneStream(): AsyncGenerator<RoleWatchEvent, void, undefined> {
    const openUntil = performance.now() + LONGEST_STREAM_MS * spread();
    const stream = await this.#calls.open(WATCH_ROLES, this.#progress.request, this.#options);
    try {
      for (;;) {
        const message = await stream.next(this.#progress.silenceMs);
        if (message === undefined) throw new UnavailableError("UNAVAILABLE", "the stream ended without an error");
        const event = this.#progress.event(message);
        if (event !== undefined) yield event;
        if (event?.kind === "checkpoint" && performance.now() >= openUntil) return;
      }
    } finally {
      stream.cancel();
    }
  }
}

/** How far a watch has come: what it has yielded, from where a new stream continues it, and when it is given up. */
class WatchProgress {
  readonly request: WatchRolesRequest;
  readonly #laterGiveUpMs: number;
  readonly #yielded = new Map<string, bigint>();
  #giveUpMs: number;
  #stateStarted = false;
  #hasCheckpoint = false;
  #lastMessageAt = performance.now();
  #backoffMs = FIRST_BACKOFF_MS;

  constructor(request: WatchRolesRequest, timeoutMs: number, giveUpMs: number) {
    this.request = request;
    this.#giveUpMs = timeoutMs;
    this.#laterGiveUpMs = giveUpMs;
  }

  /** Return how long the next message may take. */
  get silenceMs(): number {
    return Math.min(SILENT_MS, Math.max(1, this.#giveUpMs));
  }

  /** Return the event of a message, undefined if it was yielded before; throw `ResyncRequiredError`. */
  event({ event }: WatchRolesResponse): RoleWatchEvent | undefined {
    this.#lastMessageAt = performance.now();
    this.#giveUpMs = this.#laterGiveUpMs;
    this.#backoffMs = FIRST_BACKOFF_MS;
    switch (event.case) {
      case "change":
        return this.#isNew(event.value) ? { kind: "change", change: event.value } : undefined;
      case "checkpoint":
        this.#onCheckpoint(event.value);
        return { kind: "checkpoint", checkpoint: event.value };
      case "resyncRequired":
        throw new ResyncRequiredError(event.value.reason);
      case "batch":
        // Never sent to a request without `batched`. To ignore it would lose changes.
        throw new ResyncRequiredError("the server sent a batch of changes, which this client does not ask for");
      case undefined:
        return undefined;
    }
  }

  /** Note that the caller wants the next event: the time that it took is no silence of the server. */
  callerContinues(): void {
    this.#lastMessageAt = performance.now();
  }

  /** Return how long to wait before a new stream; throw the error if a new stream would fail as well or come too late. */
  pauseAfter(error: unknown): number {
    if (!(error instanceof RolecallError) || error instanceof ResyncRequiredError) throw error;
    // A token that the caller chose may be wrong; that of a checkpoint was right when it came.
    if (this.#hasCheckpoint && OTHER_STORE_REASONS.includes(error.reason)) throw new OtherStoreError(error);
    if (!RESUMED_CODES.includes(error.code) && !RESUMED_REASONS.includes(error.reason)) throw error;
    if (performance.now() - this.#lastMessageAt >= this.#giveUpMs) throw error;
    if (this.#stateStarted && this.request.includeInitialState) {
      throw new ResyncRequiredError("the stream broke before the initial state was complete; read it again", error);
    }
    const milliseconds = this.#backoffMs * spread();
    this.#backoffMs = Math.min(this.#backoffMs * 2, MOST_BACKOFF_MS);
    return milliseconds;
  }

  #isNew({ revision, role }: RoleWatchChange): boolean {
    if (this.request.includeInitialState) {
      this.#stateStarted = true;
      return true;
    }
    const key = `${revision.toString()} ${role?.roleId ?? ""}`;
    if (this.#yielded.has(key)) return false;
    this.#yielded.set(key, revision);
    return true;
  }

  /** Resume from this checkpoint if the stream breaks. */
  #onCheckpoint({ revision, token }: WatchCheckpoint): void {
    // The first checkpoint of a resumed stream is not later than this one, so the changes after it must stay in the map.
    for (const [key, at] of this.#yielded) if (at <= revision) this.#yielded.delete(key);
    this.request.startToken = token;
    this.#hasCheckpoint = true;
    this.request.includeInitialState = false;
  }
}

/** Return a factor that keeps clients whose streams broke together from opening them together. */
function spread(): number {
  return 0.5 + Math.random() / 2;
}
