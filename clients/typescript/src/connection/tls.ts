/** The TLS files of a client: read, verified, and read again when they change. */

import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";

import { credentials, type ChannelCredentials } from "@grpc/grpc-js";

import type { Log } from "../options.js";
import { versionOf } from "./file-version.js";
import { readLimited } from "./read-limited.js";

/**
 * PEM files of a client. They are read again when they change.
 *
 * `ca` has the certificates that verify the server, `cert` and `key` the client's own certificate and key: both or neither. `serverName` is
 * the name in the server's certificate, if the address does not have it.
 */
export interface TlsFiles {
  readonly ca: string;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly serverName?: string | undefined;
}

/** What the files contained at one time. */
export interface TlsMaterial {
  readonly ca: Buffer;
  readonly cert: Buffer | null;
  readonly key: Buffer | null;
}

/** How often the files are looked at, at most. */
const CHECK_MS = 1_000;

const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** Throw a `TypeError` if a certificate is given without its key. */
export function requirePair(files: TlsFiles): void {
  if ((files.cert === undefined) !== (files.key === undefined)) {
    throw new TypeError("a client certificate and its key are given together");
  }
}

/** Return the credentials of a channel. */
export function credentialsOf({ ca, cert, key }: TlsMaterial): ChannelCredentials {
  return credentials.createSsl(ca, key, cert);
}

/** Reads the files, and again when one has changed: looked at once a second at most, when it is asked for. */
export class ReloadingTls {
  material: TlsMaterial;
  readonly #files: TlsFiles;
  readonly #warn: Log;
  #versions: string;
  #lookedAt = performance.now();
  #warned = "";

  constructor(files: TlsFiles, warn: Log) {
    requirePair(files);
    this.#files = files;
    this.#warn = warn;
    this.#versions = this.#currentVersions();
    this.material = read(files);
  }

  /** Return the new contents if a file has changed since they were last returned, and all files are valid. */
  changed(): TlsMaterial | undefined {
    const now = performance.now();
    if (now - this.#lookedAt < CHECK_MS) return undefined;
    this.#lookedAt = now;
    try {
      return this.#read();
    } catch (error) {
      this.#warnOnce(error instanceof Error ? error.message : String(error));
      return undefined;
    }
  }

  #read(): TlsMaterial | undefined {
    const versions = this.#currentVersions();
    if (versions === this.#versions) return undefined;
    const material = read(this.#files);
    this.#warned = "";
    this.#versions = versions;
    if (isEqual(material, this.material)) return undefined;
    this.material = material;
    return material;
  }

  #warnOnce(message: string): void {
    // Files that are being replaced may not fit for a moment: the connection continues with the last valid ones.
    if (message === this.#warned) return;
    this.#warned = message;
    this.#warn(`the TLS files have changed and are not valid; the last valid ones are used: ${message}`);
  }

  #currentVersions(): string {
    return pathsOf(this.#files).map(versionOf).join(";");
  }
}

function pathsOf(files: TlsFiles): string[] {
  return [files.ca, files.cert, files.key].filter((path) => path !== undefined);
}

function read(files: TlsFiles): TlsMaterial {
  const material = contents(files);
  verify(files, material);
  return material;
}

function contents({ ca, cert, key }: TlsFiles): TlsMaterial {
  return {
    ca: contentOf(ca),
    cert: cert === undefined ? null : contentOf(cert),
    key: key === undefined ? null : contentOf(key),
  };
}

function verify(files: TlsFiles, { ca, cert, key }: TlsMaterial): void {
  try {
    new X509Certificate(ca);
  } catch (cause) {
    throw new TypeError(`\`${files.ca}\` has no certificates in PEM form`, { cause });
  }
  if (cert === null || key === null) return;
  try {
    createSecureContext({ cert, key });
  } catch (cause) {
    const names = `\`${files.cert ?? ""}\` and \`${files.key ?? ""}\``;
    throw new TypeError(`${names} are not a certificate and its key in PEM form, without a password`, { cause });
  }
}

function contentOf(path: string): Buffer {
  const content = readLimited(path, MAX_FILE_BYTES);
  if (content.length > MAX_FILE_BYTES)
    throw new TypeError(`\`${path}\` has more than ${MAX_FILE_BYTES.toString()} bytes`);
  return content;
}

function isEqual(one: TlsMaterial, other: TlsMaterial): boolean {
  const parts = ({ ca, cert, key }: TlsMaterial): Buffer[] => [ca, cert ?? Buffer.alloc(0), key ?? Buffer.alloc(0)];
  const others = parts(other);
  return parts(one).every((part, index) => part.equals(others[index] ?? Buffer.alloc(0)));
}
