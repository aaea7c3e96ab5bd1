/** Tokens that are renewed outside of the client: in a file, or by a command. */

import { TokenError } from "../errors.js";
import { COMMAND_MS, outputOf } from "./command.js";
import { versionOf } from "./file-version.js";
import { readLimited } from "./read-limited.js";

/** A source of tokens that can renew its token. */
export interface RenewedToken {
  /** Return the token of the next call; throw or reject with a `TokenError`. */
  token(): string | Promise<string>;
  /** Note that a server refused the token: renew it before the next call, if possible. */
  refused(): void;
}

/** Returns the token of the next call. It is called often. */
export type TokenSource = (() => string | Promise<string>) | RenewedToken;

const MAX_TOKEN_BYTES = 16 * 1024;

/** How often a file is looked at, and a command is started, at most. */
const CHECK_MS = 1_000;

/** How long the last token is used while its file cannot be read, for example because it is being written. */
const UNREADABLE_MS = 10_000;

/** How long a token of a command is used if it does not say when it expires. */
const DEFAULT_LIFE_MS = 60_000;

/** How long before it expires a token of a command is renewed. */
const EARLY_MS = 60_000;

const MOST_LIFE_MS = 86_400_000;
const LATEST_SECONDS = 1e15;

/** The token in a file. The file is looked at once a second at most, on a call, and read when it has changed. */
export class FileToken implements RenewedToken {
  readonly #path: string;
  #token = "";
  #version = "";
  #lookedAt = -Infinity;
  #readAt = -Infinity;

  constructor(path: string) {
    this.#path = path;
  }

  token(): string {
    const now = performance.now();
    if (this.#token === "" || now - this.#lookedAt >= CHECK_MS) this.#look(now);
    return this.#token;
  }

  refused(): void {
    this.#lookedAt = -Infinity;
  }

  #look(now: number): void {
    try {
      const version = versionOf(this.#path);
      if (this.#token === "" || version !== this.#version) {
        this.#token = tokenOf(readLimited(this.#path, MAX_TOKEN_BYTES), `the token file \`${this.#path}\``);
        this.#version = version;
      }
      this.#lookedAt = this.#readAt = now;
    } catch (error) {
      if (this.#token !== "" && now - this.#readAt < UNREADABLE_MS) return;
      if (error instanceof TokenError) throw error;
      throw new TokenError(`the token file \`${this.#path}\` cannot be read: ${(error as Error).message}`, error);
    }
  }
}

/** What a command gave, and until when it is used. */
interface Outcome {
  readonly token: Promise<string>;
  readonly startedAt: number;
  until: number;
}

/** How a `CommandToken` runs its command. */
export interface CommandTokenOptions {
  /** The longest time that the command may take; 10 seconds by default. */
  readonly timeoutMs?: number;
}

/**
 * The token that a command prints. It is used until a minute before it expires, or for a minute.
 *
 * The command is a list of arguments: no shell reads it. It is started once a second at most, whatever it returns; its standard error is that
 * of this process. This needs a POSIX system.
 */
export class CommandToken implements RenewedToken {
  readonly #command: readonly string[];
  readonly #timeoutMs: number;
  #outcome: Outcome | undefined;

  constructor(command: readonly string[], { timeoutMs = COMMAND_MS }: CommandTokenOptions = {}) {
    if (typeof command === "string" || command.length === 0) {
      throw new TypeError("a token command is a list: the program, then its arguments");
    }
    this.#command = [...command];
    this.#timeoutMs = timeoutMs;
  }

  token(): Promise<string> {
    // One command runs at a time. All calls that come meanwhile wait for it, and get what it gave.
    if (this.#outcome === undefined || performance.now() >= this.#outcome.until) this.#outcome = this.#start();
    return this.#outcome.token;
  }

  refused(): void {
    const outcome = this.#outcome;
    if (outcome !== undefined) outcome.until = Math.min(outcome.until, Math.max(outcome.startedAt + CHECK_MS, 0));
  }

  #start(): Outcome {
    const outcome: Outcome = { token: this.#run(), startedAt: performance.now(), until: Infinity };
    outcome.token.then(
      (token) => (outcome.until = performance.now() + Math.max(CHECK_MS, lifeOf(token))),
      () => (outcome.until = performance.now() + CHECK_MS),
    );
    return outcome;
  }

  async #run(): Promise<string> {
    const name = `the token command \`${this.#command[0] ?? ""}\``;
    const limits = { name, bytes: MAX_TOKEN_BYTES, timeoutMs: this.#timeoutMs };
    return tokenOf(await outputOf(this.#command, limits), name);
  }
}

/** Return when a JSON Web Token expires, in seconds of Unix time; undefined if it does not say so. Nothing is verified. */
export function expiryOf(token: string): number | undefined {
  const parts = token.split(".");
  if (parts.length !== 3) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? "", "base64url").toString());
    const expiresAt = typeof claims === "object" && claims !== null && "exp" in claims ? claims.exp : undefined;
    return typeof expiresAt === "number" && Math.abs(expiresAt) < LATEST_SECONDS ? expiresAt : undefined;
  } catch {
    return undefined;
  }
}

function lifeOf(token: string): number {
  const expiresAt = expiryOf(token);
  if (expiresAt === undefined) return DEFAULT_LIFE_MS;
  return Math.min(expiresAt * 1_000 - Date.now() - EARLY_MS, MOST_LIFE_MS);
}

function tokenOf(content: Buffer, name: string): string {
  // A message shows nothing of the content: it may be another secret.
  if (content.length > MAX_TOKEN_BYTES) {
    throw new TokenError(`${name} gives more than ${MAX_TOKEN_BYTES.toString()} bytes, which is no token`);
  }
  const token = content.toString("latin1").trim();
  if (!isToken(token)) throw new TokenError(`${name} gives no token: one word of printable ASCII`);
  return token;
}

/** Return whether a text can be sent as a token: in metadata only printable ASCII is possible. */
export function isToken(text: string): boolean {
  return /^[!-~]+$/.test(text);
}
