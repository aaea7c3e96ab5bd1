/** Recognises that a file has changed, without reading it. */

import { statSync } from "node:fs";

/** Return the version of a file: another one differs in device, inode, size, or time of the last change. Throw as `statSync`. */
export function versionOf(path: string): string {
  const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
  return [dev, ino, size, mtimeNs].join();
}
