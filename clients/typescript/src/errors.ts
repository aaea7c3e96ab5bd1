/** The errors of failed calls. A deny is a decision, not an error. */

import type { status } from "@grpc/grpc-js";

/** The name of a status code of gRPC, such as `NOT_FOUND`. */
export type ErrorCode = keyof typeof status;

/**
 * One field of the request, or one element of a trust policy, that breaks a rule.
 *
 * `reason` is stable, and may be empty. Of an element of a trust policy, `pointer` is its JSON pointer, and `line` and `column` count
 * from 1 in the document that was sent; otherwise they are empty and 0.
 */
export interface Violation {
  readonly field: string;
  readonly reason: string;
  readonly message: string;
  readonly pointer: string;
  readonly line: number;
  readonly column: number;
}

/** What is known of a failed call beside its code and its message. */
export interface ErrorFacts {
  readonly reason?: string;
  readonly violations?: readonly Violation[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly requestId?: string;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/**
 * The query was not answered, or the write was not made. What callers treat differently has a class of its own.
 */
export class RolecallError extends Error {
  /** The name of the gRPC code (`NOT_FOUND`). */
  readonly code: ErrorCode;
  /** A stable word (`ROLE_NOT_FOUND`); empty if the error does not come from Rolecall itself. */
  readonly reason: string;
  /** The rules that the request breaks. */
  readonly violations: readonly Violation[];
  /** Further facts, such as `ram_code`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** Identifies the call in the log of the server. */
  readonly requestId: string;
  /** The milliseconds that the server asks to wait before a repeat. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, facts: ErrorFacts = {}) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = code;
    this.reason = facts.reason ?? "";
    this.violations = facts.violations ?? [];
    this.metadata = facts.metadata ?? {};
    this.requestId = facts.requestId ?? "";
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/** No server could be reached, or it is stopping: repeat the call later. Calls that are safe to repeat have been repeated. */
export class UnavailableError extends RolecallError {}

/** No answer arrived within the timeout. A write may have been made: repeat it with the same request id. */
export class DeadlineExceededError extends RolecallError {}

/** The server knows the caller, which may not do this. */
export class AccessDeniedError extends RolecallError {}

/** The server does not know the caller: no credential, or one that it refuses. */
export class NotAuthenticatedError extends RolecallError {}

/** The request breaks rules, which `violations` lists. A repeat fails in the same way. */
export class InvalidArgumentError extends RolecallError {}

/** The role, or the revision, does not exist. */
export class NotFoundError extends RolecallError {}

/** A role of this name exists. */
export class AlreadyExistsError extends RolecallError {}

/** Another write came first, for example when an etag is no longer the current one: read again, then repeat. */
export class AbortedError extends RolecallError {}

/** A limit was reached, which the message names: wait for `retryAfterMs`, or ask for less. */
export class ResourceExhaustedError extends RolecallError {}

/** Changes are lost: discard what was built from the changes, and start a new watch with the initial state. */
export class ResyncRequiredError extends RolecallError {
  constructor(message: string, cause?: unknown, reason = "RESYNC_REQUIRED") {
    super("FAILED_PRECONDITION", message, { reason, cause });
  }
}

/** The server has another store than the one that was watched, such as a new one in memory after a restart. */
export class OtherStoreError extends ResyncRequiredError {
  constructor(cause?: unknown) {
    const message =
      "the server has another store than before, without the last checkpoint; read the initial state again";
    super(message, cause, "OTHER_STORE");
  }
}

/** The client has no token to send: its file cannot be read, or its command failed. */
export class TokenError extends NotAuthenticatedError {
  constructor(message: string, cause?: unknown) {
    super("UNAUTHENTICATED", message, { reason: "NO_TOKEN", cause });
  }
}

type ErrorClass = new (code: ErrorCode, message: string, facts?: ErrorFacts) => RolecallError;

const CLASSES: Partial<Record<ErrorCode, ErrorClass>> = {
  UNAVAILABLE: UnavailableError,
  DEADLINE_EXCEEDED: DeadlineExceededError,
  PERMISSION_DENIED: AccessDeniedError,
  UNAUTHENTICATED: NotAuthenticatedError,
  INVALID_ARGUMENT: InvalidArgumentError,
  NOT_FOUND: NotFoundError,
  ALREADY_EXISTS: AlreadyExistsError,
  ABORTED: AbortedError,
  RESOURCE_EXHAUSTED: ResourceExhaustedError,
};

/** Return an error of the class that stands for a code. */
export function errorOf(code: ErrorCode, message: string, facts: ErrorFacts = {}): RolecallError {
  return new (CLASSES[code] ?? RolecallError)(code, message, facts);
}

/** Return the error of a call of a closed client. */
export function closedError(): RolecallError {
  return new RolecallError("FAILED_PRECONDITION", "the client is closed");
}
