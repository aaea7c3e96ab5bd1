/** A service of the contract in this process, whose methods a test supplies. */

import { once } from "node:events";

import { create, fromBinary, toBinary, type DescMethod, type DescService, type Message } from "@bufbuild/protobuf";
import { AnySchema } from "@bufbuild/protobuf/wkt";
import {
  Metadata,
  Server,
  ServerCredentials,
  status,
  type MethodDefinition,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import {
  BatchCheckAssumeRoleResponseSchema,
  CallerService,
  CheckAssumeRoleResponseSchema,
  DecisionReason,
  DecisionService,
  PolicyService,
  RoleService,
  StatusSchema,
  StreamCheckAssumeRoleResponseSchema,
  WatchService,
  type AssumeRoleQuery,
  type BatchCheckAssumeRoleRequest,
  type CheckAssumeRoleRequest,
  type Decision,
  type StreamCheckAssumeRoleRequest,
} from "rolecall-client/v1";

export type Unary<I = Message, O = Message> = (
  call: ServerUnaryCall<I, O>,
  done: (error: Partial<StatusObject> | null, response?: O) => void,
) => void;
export type Upload<I = Message, O = Message> = (
  call: ServerReadableStream<I, O>,
  done: (error: Partial<StatusObject> | null, response?: O) => void,
) => void;
export type Events<I = Message, O = Message> = (call: ServerWritableStream<I, O>) => void;
export type Conversation<I = Message, O = Message> = (call: ServerDuplexStream<I, O>) => void;

/** Methods by their names, such as `CheckAssumeRole`. Those that are missing end with UNIMPLEMENTED. */
export type Methods = UntypedServiceImplementation;

const SERVICES = [CallerService, DecisionService, PolicyService, RoleService, WatchService];

/** A server in this process. */
export class RunningService {
  readonly address: string;
  readonly #server: Server;

  constructor(server: Server, address: string) {
    this.#server = server;
    this.address = address;
  }

  /** End every call and stop. */
  stop(): void {
    this.#server.forceShutdown();
  }

  [Symbol.dispose](): void {
    this.stop();
  }
}

/** Start a server with some methods of the contract. */
export async function serve(
  methods: Methods,
  { address = "127.0.0.1:0", credentials = ServerCredentials.createInsecure() } = {},
): Promise<RunningService> {
  const server = new Server();
  for (const service of SERVICES) {
    const named = service.methods.filter(({ name }) => methods[name] !== undefined);
    server.addService(
      definitionOf(service),
      Object.fromEntries(named.map(({ name }) => [name, methods[name]])) as Methods,
    );
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(address, credentials, (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  return new RunningService(server, address.startsWith("unix:") ? address : `${address.split(":")[0] ?? ""}:${port}`);
}

/** Return a service as gRPC for Node defines it. */
export function definitionOf(service: DescService): ServiceDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.name, methodOf(method)]));
}

function methodOf({ parent, name, input, output, methodKind }: DescMethod): MethodDefinition<Message, Message> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: methodKind === "client_streaming" || methodKind === "bidi_streaming",
    responseStream: methodKind === "server_streaming" || methodKind === "bidi_streaming",
    requestSerialize: (message) => Buffer.from(toBinary(input, message)),
    requestDeserialize: (bytes) => fromBinary(input, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(output, message)),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

/** Return who a query is about. */
export function principalOf(query: AssumeRoleQuery | undefined): string {
  return query?.identity.case === "principal" ? query.identity.value : "";
}

/** Decide as a role does that trusts alice alone. */
export function decide(query: AssumeRoleQuery | undefined): Pick<Decision, "allowed" | "reason" | "decisionId"> {
  const allowed = principalOf(query).endsWith("/alice");
  const reason = allowed ? DecisionReason.ALLOW : DecisionReason.IMPLICIT_DENY;
  return { allowed, reason, decisionId: `decision-of-${query?.role ?? ""}` };
}

const check: Unary<CheckAssumeRoleRequest> = (call, done) => {
  done(null, create(CheckAssumeRoleResponseSchema, { decision: decide(call.request.query), consistencyToken: "now" }));
};

const batch: Unary<BatchCheckAssumeRoleRequest> = (call, done) => {
  const results = call.request.queries.map((query) => ({
    result: { case: "decision" as const, value: decide(query) },
  }));
  done(null, create(BatchCheckAssumeRoleResponseSchema, { results, consistencyToken: "now" }));
};

const stream: Conversation<StreamCheckAssumeRoleRequest> = (call) => {
  call.on("data", ({ sequence, query }: StreamCheckAssumeRoleRequest) => {
    call.write(answerTo(sequence, query));
  });
  call.on("end", () => call.end());
};

/** Methods that decide. */
export const DECISIONS: Methods = {
  CheckAssumeRole: check,
  BatchCheckAssumeRole: batch,
  StreamCheckAssumeRole: stream,
};

/** Return the answer of a stream to one query. */
export function answerTo(sequence: bigint, query: AssumeRoleQuery | undefined): Message {
  return create(StreamCheckAssumeRoleResponseSchema, { sequence, result: { case: "decision", value: decide(query) } });
}

/** Return a status with details, each a name of google.rpc and the bytes of its message. */
export function failure(
  code: status,
  message: string,
  details: readonly [string, Uint8Array][] = [],
): Partial<StatusObject> {
  const anys = details.map(([name, value]) => create(AnySchema, { typeUrl: `type.googleapis.com/${name}`, value }));
  const metadata = new Metadata();
  metadata.set("x-request-id", "request-1");
  const sent = create(StatusSchema, { code, message, details: anys });
  metadata.set("grpc-status-details-bin", Buffer.from(toBinary(StatusSchema, sent)));
  return { code, details: message, metadata };
}

/** Return the status of a service that is away. */
export function unavailable(): Partial<StatusObject> {
  return failure(status.UNAVAILABLE, "the service stops");
}

/** Wait until a condition holds; fail after ten seconds. */
export async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error("it has not come true within ten seconds");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Wait until the first call has ended on the side of the server. */
export async function cancelled([call]: readonly ServerUnaryCall<unknown, unknown>[]): Promise<void> {
  if (call === undefined) throw new Error("there was no call");
  if (!call.cancelled) await once(call, "cancelled");
}
