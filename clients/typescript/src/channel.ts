/** Options of channels: balanced over the replicas of a service, with retries of calls that are safe to repeat. */

import type { ChannelOptions } from "@grpc/grpc-js";

import { METHODS } from "./methods.js";

const RETRY_POLICY = {
  maxAttempts: 4,
  initialBackoff: "0.05s",
  maxBackoff: "1s",
  backoffMultiplier: 3,
  // A server that stops, or has too many calls, cancels some before it looks at them. Those that this client cancels are not repeated.
  retryableStatusCodes: ["UNAVAILABLE", "CANCELLED"],
};

/**
 * The gRPC service config of the channel to the service. gRPC for Node has no health checks of its own, by which a client
 * would leave a replica before it stops: calls that such a replica ends are repeated on another one.
 */
export const SERVICE_CONFIG = {
  loadBalancingConfig: [{ round_robin: {} }],
  methodConfig: [
    {
      name: METHODS.filter(({ retried }) => retried).map(({ path }) => {
        const [, service = "", method = ""] = path.split("/");
        return { service, method };
      }),
      retryPolicy: RETRY_POLICY,
    },
  ],
};

/** The largest response that is accepted: that of an apply of 100,000 new roles with their documents fits. */
export const MAX_MESSAGE_BYTES = 256 * 1024 * 1024;

/** The least time between two DNS lookups. With the default of 30 seconds a client would miss new pods for that long. */
const RESOLUTION_MS = 5_000;

const COMMON_OPTIONS: ChannelOptions = {
  "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  // A pool of its own: the connections of one client end with it.
  "grpc.use_local_subchannel_pool": 1,
  // The service runs nearby. `http_proxy` is meant for the web, and would redirect even calls to the loopback address.
  "grpc.enable_http_proxy": 0,
};

/** The options of the channel to the service. */
export const SERVICE_OPTIONS: ChannelOptions = {
  ...COMMON_OPTIONS,
  "grpc.service_config": JSON.stringify(SERVICE_CONFIG),
  "grpc.service_config_disable_resolution": 1,
  "grpc.dns_min_time_between_resolutions_ms": RESOLUTION_MS,
  // A name has its new addresses, and a server that was restarted its clients, after seconds and not after minutes.
  "grpc.initial_reconnect_backoff_ms": 200,
  "grpc.max_reconnect_backoff_ms": 5_000,
  // By default a gRPC server closes the connection of a client that pings more often than every five minutes.
  "grpc.keepalive_time_ms": 310_000,
  "grpc.keepalive_timeout_ms": 20_000,
};

/** The options of the channel to an agent: a call that fails there is made to the service, so nothing is repeated or waited for. */
export const AGENT_OPTIONS: ChannelOptions = {
  ...COMMON_OPTIONS,
  "grpc.enable_retries": 0,
  "grpc.service_config_disable_resolution": 1,
  // An agent that was restarted is used again after a second.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
};
