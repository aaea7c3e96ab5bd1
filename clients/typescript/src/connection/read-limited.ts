/** Reads files of a limited size. */

import { closeSync, openSync, readSync } from "node:fs";

/** Return the content of a file, at most `limit` bytes and one. Throw as `openSync`. */
export function readLimited(path: string, limit: number): Buffer {
  const file = openSync(path, "r");
  try {
    return readDescriptor(file, limit);
  } finally {
    closeSync(file);
  }
}

/** Return what can be read from a descriptor, at most `limit` bytes and one. */
export function readDescriptor(file: number, limit: number): Buffer {
  const parts: Buffer[] = [];
  let size = 0;
  while (size <= limit) {
    const part = Buffer.alloc(Math.min(64 * 1024, limit + 1 - size));
    const read = readSync(file, part, 0, part.length, null);
    if (read === 0) break;
    parts.push(part.subarray(0, read));
    size += read;
  }
  return Buffer.concat(parts);
}
