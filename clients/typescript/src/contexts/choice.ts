/**
 * Chooses how to connect: by the environment, a context, and the defaults.
 *
 * 1. Each setting is that of the first source that has it: environment, context, default.
 * 2. A context that the caller names stands alone: the environment does not count beside it.
 * 3. The current context is used only if the environment names no server: its token and its certificates are for its own server.
 */

import { statSync } from "node:fs";

import { targetOf } from "../connection/address.js";
import { agentTarget } from "../connection/agent-address.js";
import type { TlsFiles } from "../connection/tls.js";
import { CommandToken, FileToken, type RenewedToken } from "../connection/tokens.js";
import { DEFAULT_TIMEOUT_MS } from "../options.js";
import { errorIn } from "./errors.js";
import { MAX_TIMEOUT_SECONDS } from "./limits.js";
import { codeOf, contextsPath, expandedPath, FILE_VARIABLE, type Environment } from "./location.js";
import { contextIn, readContexts, type ContextsFile, type ServerContext, type TokenOrigin } from "./reading.js";
import { grouped, quoted } from "./text.js";

/** One service: its address, its agent, how it is trusted and how the client identifies itself. */
export interface ConnectionSettings {
  readonly address: string;
  readonly agent: string | undefined;
  readonly tls: TlsFiles | undefined;
  readonly token: RenewedToken | undefined;
  readonly timeoutMs: number;
}

const DEFAULT_ADDRESS = "127.0.0.1:50051";

/** What the environment says about a connection. */
type Given = Omit<ServerContext, "name" | "address"> & { readonly address: string | undefined };

/** Return the settings of the environment, over those of a context, over the defaults. */
export function chosenSettings(environ: Environment): ConnectionSettings {
  const address = checked("ROLECALL_ADDRESS", targetOf, environ);
  const context = contextInUse(environ, address !== undefined);
  return settings(givenBy(environ, address, context), context);
}

/** Return the settings of a context of the user; throw `ContextsError` if there is none of this name. */
export function namedSettings(name: string, environ: Environment): ConnectionSettings {
  return settings(undefined, contextNamed(name, "the caller", environ));
}

function settings(given: Given | undefined, context: ServerContext | undefined): ConnectionSettings {
  const seconds = given?.timeoutSeconds ?? context?.timeoutSeconds;
  const token = given?.token ?? context?.token;
  return {
    address: given?.address ?? context?.address ?? DEFAULT_ADDRESS,
    agent: given?.agent ?? context?.agent,
    tls: tlsOf(given?.tls, context?.tls),
    token: token && sourceOf(token),
    timeoutMs: seconds === undefined ? DEFAULT_TIMEOUT_MS : seconds * 1_000,
  };
}

/** Return the files of the environment, and those of the context that the environment does not name. */
function tlsOf(given: TlsFiles | undefined, own: TlsFiles | undefined): TlsFiles | undefined {
  if (given === undefined || own === undefined) return given ?? own;
  const { cert, key } = given.cert === undefined ? own : given;
  return { ca: given.ca, cert, key, serverName: own.serverName };
}

function sourceOf(token: TokenOrigin): RenewedToken {
  return "file" in token ? new FileToken(token.file) : new CommandToken(token.command);
}

function givenBy(environ: Environment, address: string | undefined, context: ServerContext | undefined): Given {
  const file = environ.ROLECALL_TOKEN_FILE;
  return {
    address,
    agent: checked("ROLECALL_AGENT", agentTarget, environ),
    tls: tlsGivenBy(environ, context),
    token: file ? { file: expandedPath(file) } : undefined,
    timeoutSeconds: secondsIn(environ),
  };
}

/**
 * A server has settings of the names `ROLECALL_TLS_CERT` and `ROLECALL_TLS_KEY`, too. So they count only beside `ROLECALL_TLS_CA`, which only a
 * client has: else a client in the environment of a server would send the certificate of that server.
 */
function tlsGivenBy(environ: Environment, context: ServerContext | undefined): TlsFiles | undefined {
  const [ca, cert, key] = ["CA", "CERT", "KEY"].map((name) => {
    const path = environ[`ROLECALL_TLS_${name}`];
    return path ? expandedPath(path) : undefined;
  });
  if (ca === undefined) return undefined;
  if ((cert === undefined) !== (key === undefined)) {
    throw new TypeError("ROLECALL_TLS_CERT and ROLECALL_TLS_KEY must be given together");
  }
  return { ca, cert, key, serverName: context?.tls?.serverName };
}

function secondsIn(environ: Environment): number | undefined {
  const text = environ.ROLECALL_TIMEOUT;
  if (!text) return undefined;
  const seconds = /^\s*[0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?\s*$/i.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return seconds;
  const limit = grouped(MAX_TIMEOUT_SECONDS);
  throw new TypeError(`ROLECALL_TIMEOUT is ${quoted(text)}; write a number of seconds up to ${limit}`);
}

function checked(name: string, check: (text: string) => string, environ: Environment): string | undefined {
  const text = environ[name];
  if (!text) return undefined;
  try {
    return check(text);
  } catch (error) {
    throw new TypeError(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Return the context that the environment names, else the current one unless the environment names a server. */
function contextInUse(environ: Environment, namesServer: boolean): ServerContext | undefined {
  const named = environ.ROLECALL_CONTEXT;
  if (named) return contextNamed(named, "ROLECALL_CONTEXT", environ);
  if (namesServer) return undefined;
  const file = contextsOf(environ);
  return file?.current ? contextIn(file, file.current) : undefined;
}

function contextNamed(name: string, by: string, environ: Environment): ServerContext {
  const file = contextsOf(environ);
  if (file === undefined) {
    throw errorIn(contextsPath(environ), `${by} names ${quoted(name)}, and this file does not exist`, "create it");
  }
  return contextIn(file, name);
}

/** Return the contexts of the user; undefined if there is no file and no variable names one; throw `ContextsError`. */
function contextsOf(environ: Environment): ContextsFile | undefined {
  const path = contextsPath(environ);
  try {
    statSync(path);
  } catch (error) {
    if (environ[FILE_VARIABLE]) {
      const why = codeOf(error) === "ENOENT" ? "it does not exist" : `it cannot be read (${codeOf(error)})`;
      throw errorIn(path, `${FILE_VARIABLE} names this file: ${why}`, "correct it, or unset it");
    }
    // Neither has a user contexts whose home may not be entered: `HOME` is that of another user, as in some containers.
    return undefined;
  }
  return readContexts(path);
}
