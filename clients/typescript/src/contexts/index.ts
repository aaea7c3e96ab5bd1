/**
 * Contexts: named servers and how to connect to them, in one file for the command line and for every client.
 *
 * The file is `~/.config/rolecall/config.yaml`, or what `ROLECALL_CONFIG` names; docs/contexts.md of the project describes it.
 */

import { chosenSettings, namedSettings, type ConnectionSettings } from "./choice.js";
import type { Environment } from "./location.js";

export type { ConnectionSettings } from "./choice.js";
export { ContextsError, type ContextProblem } from "./errors.js";
export type { Environment } from "./location.js";

/**
 * Return what `ROLECALL_*` variables say, over the context of `ROLECALL_CONTEXT` or the current one, over the defaults.
 *
 * The current context is not used if `ROLECALL_ADDRESS` names a server. Throw `ContextsError` for the file of contexts, and a `TypeError` for
 * the variables.
 */
export function settingsFromEnv(environ: Environment = process.env): ConnectionSettings {
  return chosenSettings(environ);
}

/** Return the settings of a context, whatever other variables say; throw `ContextsError`. `environ` only says where the file is. */
export function settingsOfContext(name: string, environ: Environment = process.env): ConnectionSettings {
  if (name === "") throw new TypeError("the name of the context is empty");
  return namedSettings(name, environ);
}
