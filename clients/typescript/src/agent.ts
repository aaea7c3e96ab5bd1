/** Asks an agent on this machine first, and the service where the agent cannot answer. */

import type { DescMessage, MessageInitShape, MessageShape } from "@bufbuild/protobuf";

import { status } from "@grpc/grpc-js";

import type { Calls } from "./calls.js";
import { DeadlineExceededError, RolecallError, UnavailableError } from "./errors.js";
import type { BatchCheckResult, StreamCheckAssumeRoleResponse } from "./gen/rolecall/v1/decision_pb.js";
import type { Method } from "./methods.js";
import type { CallOptions } from "./options.js";

const UNAVAILABLE: number = status.UNAVAILABLE;

type ItemResult = BatchCheckResult["result"] | StreamCheckAssumeRoleResponse["result"];

/** How long an agent may take to answer. It is on the same machine. */
export const AGENT_MS = 1_000;

/** Makes calls of an agent, if there is one, and of the service. */
export class AgentFirst {
  readonly agent: Calls | undefined;
  readonly service: Calls;

  constructor(agent: Calls | undefined, service: Calls) {
    this.agent = agent;
    this.service = service;
  }

  /**
   * Return the response of the agent, or that of the service within the rest of the time. A response that is not `whole` has left
   * something to the service.
   */
  async unary<I extends DescMessage, O extends DescMessage>(
    method: Method<I, O>,
    request: MessageInitShape<I>,
    options: CallOptions,
    whole: (response: MessageShape<O>) => boolean = () => true,
  ): Promise<MessageShape<O>> {
    if (this.agent === undefined) return this.service.unary(method, request, options);
    const deadline = this.service.deadlineOf(options);
    const timeoutMs = Math.min(AGENT_MS, (deadline - Date.now()) / 2);
    try {
      const response = await this.agent.unary(method, request, { ...options, timeoutMs });
      if (whole(response)) return response;
    } catch (error) {
      if (!isAway(error)) throw error;
    }
    return this.service.unary(method, request, { ...options, timeoutMs: Math.max(1, deadline - Date.now()) });
  }

  close(): void {
    this.agent?.close();
    this.service.close();
  }
}

/** Return whether the agent has left out one query of a batch or a stream, because only the service can answer it. */
export function isLeftOut(result: ItemResult): boolean {
  return result.case === "error" && result.value.code === UNAVAILABLE;
}

/** Return whether an error of an agent says that it cannot answer. Every other error is the answer. */
export function isAway(error: unknown): boolean {
  return (
    error instanceof RolecallError && (error instanceof UnavailableError || error instanceof DeadlineExceededError)
  );
}
