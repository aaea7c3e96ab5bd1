/** Runs a command that prints a secret: without a shell, for a limited time, and with a limited output. */

import { spawn, type ChildProcessByStdio } from "node:child_process";
import type { Readable } from "node:stream";

import { TokenError } from "../errors.js";

export const COMMAND_MS = 10_000;

/** How a command is limited, and what it is called in messages. */
export interface CommandLimits {
  readonly name: string;
  readonly bytes: number;
  readonly timeoutMs: number;
}

type Process = ChildProcessByStdio<null, Readable, null>;

/** Return what a command prints, at most `bytes` bytes and one; reject with a `TokenError` if it fails or takes too long. */
export async function outputOf(command: readonly string[], limits: CommandLimits): Promise<Buffer> {
  const process = started(command, limits);
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new TokenError(`${limits.name} has not ended within ${(limits.timeoutMs / 1_000).toString()} seconds`));
    }, limits.timeoutMs);
  });
  try {
    return await Promise.race([ended(process, limits), tooLate]);
  } finally {
    clearTimeout(timer);
    end(process);
  }
}

function started([program = "", ...words]: readonly string[], limits: CommandLimits): Process {
  try {
    // A group of its own, so that a command that takes too long is ended with all that it started.
    return spawn(program, words, { stdio: ["ignore", "pipe", "inherit"], detached: true });
  } catch (error) {
    throw unstartable(limits, error);
  }
}

function ended(process: Process, limits: CommandLimits): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    let size = 0;
    process.once("error", (error) => {
      reject(unstartable(limits, error));
    });
    process.stdout.on("data", (part: Buffer) => {
      parts.push(part);
      size += part.length;
      if (size > limits.bytes) resolve(Buffer.concat(parts));
    });
    process.once("close", (code, signal) => {
      if (code === 0) resolve(Buffer.concat(parts));
      else
        reject(
          new TokenError(
            `${limits.name} failed with ${code === null ? `signal ${signal ?? ""}` : `exit code ${code.toString()}`}`,
          ),
        );
    });
  });
}

/** End the command and all that it started, unless it has ended by itself. */
function end(process: Process): void {
  process.stdout.destroy();
  // Once its end was awaited, its number may be that of another process.
  if (process.exitCode !== null || process.signalCode !== null || process.pid === undefined) return;
  try {
    globalThis.process.kill(-process.pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
}

function unstartable({ name }: CommandLimits, error: unknown): TokenError {
  return new TokenError(`${name} cannot be started: ${error instanceof Error ? error.message : String(error)}`, error);
}
