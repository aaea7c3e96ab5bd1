/** Connects a client: to its service, and to an agent on this machine if it has one. */

import { AgentFirst } from "../agent.js";
import { Calls } from "../calls.js";
import { AGENT_OPTIONS, SERVICE_OPTIONS } from "../channel.js";
import { DEFAULT_TIMEOUT_MS, requiredTimeout, type ClientOptions, type Log } from "../options.js";
import { isThisMachine, targetOf } from "./address.js";
import { agentTarget } from "./agent-address.js";
import { Channels } from "./channels.js";
import { Credential } from "./credential.js";
import { ReloadingTls } from "./tls.js";

/** Return what makes the calls of a client; throw a `TypeError` for options that contradict each other, or are not safe. */
export function connect(address: string, options: ClientOptions): AgentFirst {
  const target = requiredTarget(address);
  requireSafe(address, options);
  const credential = new Credential(options.token, options.metadata ?? {});
  const timeoutMs = requiredTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  const agent = options.agent === undefined ? undefined : agentTarget(options.agent);
  const service = new Calls(serviceChannels(target, options), credential, timeoutMs);
  return new AgentFirst(
    agent === undefined ? undefined : new Calls(agentChannels(agent), credential, timeoutMs),
    service,
  );
}

function requiredTarget(address: string): string {
  const target = targetOf(address);
  if (target.startsWith("unix-abstract:")) {
    throw new TypeError(`gRPC for Node cannot connect to \`${address}\`; use the path of a socket, as unix:PATH`);
  }
  if (/^dns:\/\/[^/]/.test(target) && process.env.GRPC_NODE_USE_ALTERNATIVE_RESOLVER !== "true") {
    // Without this variable gRPC would ask the DNS servers of the system instead, and say nothing.
    const variable = "GRPC_NODE_USE_ALTERNATIVE_RESOLVER=true";
    throw new TypeError(
      `\`${address}\` names a DNS server, which gRPC for Node asks only with ${variable} in the environment`,
    );
  }
  return target;
}

function requireSafe(address: string, { credentials, tls, token }: ClientOptions): void {
  if (credentials !== undefined && tls !== undefined) {
    throw new TypeError("TLS comes from `credentials` or from the files of `tls`; give one of them");
  }
  const isEncrypted = tls !== undefined || credentials?._isSecure() === true;
  if (token !== undefined && !isEncrypted && !isThisMachine(address)) {
    throw new TypeError(`a token is sent over TLS, or to this machine; give TLS files for \`${address}\``);
  }
}

function serviceChannels(target: string, { tls, credentials, warn = processWarning }: ClientOptions): Channels {
  const named = tls?.serverName === undefined ? {} : { "grpc.ssl_target_name_override": tls.serverName };
  return new Channels({
    target,
    credentials,
    tls: tls && new ReloadingTls(tls, warn),
    options: { ...SERVICE_OPTIONS, ...named },
  });
}

function agentChannels(target: string): Channels {
  return new Channels({ target, credentials: undefined, tls: undefined, options: AGENT_OPTIONS });
}

const processWarning: Log = (line) => {
  process.emitWarning(line, "RolecallWarning");
};
