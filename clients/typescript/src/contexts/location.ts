/** Where the file of contexts is, and whether others could have written it. */

import { accessSync, closeSync, constants, fstatSync, openSync, realpathSync, statSync, type Stats } from "node:fs";
import { homedir } from "node:os";
import { dirname, isAbsolute, join, resolve } from "node:path";

import { readDescriptor } from "../connection/read-limited.js";
import { ContextsError, errorIn } from "./errors.js";
import { MAX_FILE_BYTES } from "./limits.js";
import { grouped } from "./text.js";

/** The variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

export const FILE_VARIABLE = "ROLECALL_CONFIG";

const OTHERS_WRITE = constants.S_IWGRP | constants.S_IWOTH;
const STICKY = 0o1000;

/** Return the path of the file, whether it exists or not: `ROLECALL_CONFIG`, else `rolecall/config.yaml` of the user. */
export function contextsPath(environ: Environment): string {
  const named = environ[FILE_VARIABLE];
  if (named) return expandedPath(named);
  // The specification of XDG ignores relative paths.
  const folder = environ.XDG_CONFIG_HOME ?? "";
  return join(isAbsolute(folder) ? folder : expandedPath("~/.config"), "rolecall", "config.yaml");
}

/** Return a path in which `~` is the home of the user. */
export function expandedPath(text: string): string {
  return text === "~" || text.startsWith("~/") ? join(homedir() || "/", text.slice(1)) : text;
}

/**
 * Return the text of the file; throw `ContextsError`, or an error with the code `ENOENT` if it does not exist.
 *
 * Refused is a file that others can write, that is too large, or that is not UTF-8 text.
 */
export function readSafely(path: string): string {
  const data = contentOf(path);
  if (data.length > MAX_FILE_BYTES) {
    throw errorIn(path, `the file is longer than ${grouped(MAX_FILE_BYTES)} bytes, which is the limit`);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(data);
  } catch {
    throw errorIn(path, "the file is not UTF-8 text");
  }
}

/** Return the code of an error of the system, such as `ENOENT`. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

function contentOf(path: string): Buffer {
  try {
    // Not blocking: a named pipe would never be read.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      requireSafe(path, fstatSync(file));
      return readDescriptor(file, MAX_FILE_BYTES);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ContextsError || codeOf(error) === "ENOENT") throw error;
    throw errorIn(path, `cannot read the file: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** Throw `ContextsError` unless only this user and root can change the file: its token commands are programs that run. */
function requireSafe(path: string, file: Stats): void {
  if (!file.isFile()) throw errorIn(path, "this is not a regular file");
  if (process.geteuid === undefined) return;
  if (!isOurs(file)) {
    throw errorIn(path, "the file belongs to another user", "its token commands would run as you; copy it");
  }
  if (file.mode & OTHERS_WRITE) throw writable(path, "the file", path);
  for (const folder of new Set([dirname(resolve(path)), dirname(realpathSync(path))])) {
    if (othersCanReplaceIn(folder)) throw writable(path, `the folder \`${folder}\``, folder);
  }
}

function othersCanReplaceIn(folder: string): boolean {
  const status = statSync(folder);
  const isOpen = !isOurs(status) || ((status.mode & OTHERS_WRITE) !== 0 && (status.mode & STICKY) === 0);
  return isOpen && !isReadOnly(folder);
}

/** Return whether the file system of a folder is mounted read-only, such as that of a ConfigMap, whose folder has every right. */
function isReadOnly(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return false;
  } catch (error) {
    return codeOf(error) === "EROFS";
  }
}

function isOurs({ uid }: Stats): boolean {
  return uid === 0 || uid === process.geteuid?.();
}

function writable(path: string, what: string, target: string): ContextsError {
  return errorIn(path, `other users can write ${what}, and its token commands run as you`, `chmod go-w ${target}`);
}
