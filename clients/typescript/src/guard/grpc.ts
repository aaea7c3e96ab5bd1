/** Guards a gRPC server of this process: as an interceptor of the whole server, or around the handlers of one service. */

import { create, toBinary } from "@bufbuild/protobuf";
import {
  Metadata,
  ServerInterceptingCall,
  status,
  type Deadline,
  type ServerInterceptor,
  type ServiceDefinition,
  type StatusObject,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";

import { packErrorInfo, packRetryInfo } from "../details.js";
import { StatusSchema } from "../gen/google/rpc/status_pb.js";
import { DETAILS_KEY } from "../status.js";
import { namesIn } from "./certificate-names.js";
import { RETRY_SECONDS, type GuardDecision, type GuardOutcome } from "./decision.js";
import type { Guard } from "./guard.js";
import { NOBODY, plainAddress, type PeerFacts } from "./peer.js";

/** The `domain` of the ErrorInfo of a refused call. */
const DOMAIN = "rolecall.guard";

/** The status of a refused call. It says nothing about roles and policies. */
interface GrpcRefusal {
  readonly code: status;
  readonly reason: string;
  readonly message: string;
}

const UNDECIDED: GrpcRefusal = {
  code: status.UNAVAILABLE,
  reason: "NOT_DECIDED",
  message: "whether the caller is allowed could not be decided; retry later",
};

const REFUSALS: Readonly<Partial<Record<GuardOutcome, GrpcRefusal>>> = {
  denied: {
    code: status.PERMISSION_DENIED,
    reason: "NOT_ALLOWED",
    message: "the caller is not allowed to call this method",
  },
  closed: { code: status.PERMISSION_DENIED, reason: "METHOD_CLOSED", message: "this method is not open to callers" },
  unknown_caller: {
    code: status.UNAUTHENTICATED,
    reason: "UNKNOWN_CALLER",
    message: "the call has no valid credential that names one caller",
  },
};

/** What gRPC knows of a call before its handler runs. */
interface IncomingCall {
  getPeer(): string;
  getDeadline(): Deadline;
  getAuthContext(): { readonly sslPeerCertificate?: { readonly subjectaltname?: string | undefined } };
}

/**
 * Return an interceptor that lets a call reach its handler only if the guard lets it pass: `new Server({interceptors: [guardInterceptor(guard)]})`.
 *
 * It guards every service of the server, also those that are added later. It must be the first interceptor: those before it see calls that may be
 * refused. A refused call ends with PERMISSION_DENIED, UNAUTHENTICATED or UNAVAILABLE.
 */
export function guardInterceptor(guard: Guard): ServerInterceptor {
  return (method, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, proceed) => {
            void refusalOf(guard, method.path, call, metadata).then((decision) => {
              if (decision === undefined) proceed(metadata);
              else call.sendStatus(refusedStatus(decision));
            });
          },
        });
      },
    });
}

/**
 * Return handlers that run only if the guard lets the call pass: `server.addService(definition, guardHandlers(guard, definition, handlers))`.
 *
 * Use it where not every service of a server is guarded; else `guardInterceptor` forgets none.
 */
export function guardHandlers<T extends UntypedServiceImplementation>(
  guard: Guard,
  definition: ServiceDefinition,
  handlers: T,
): T {
  const guarded: UntypedServiceImplementation = {};
  for (const [name, { path, responseStream, originalName = "" }] of Object.entries(definition)) {
    const handler = (handlers[name] ?? handlers[originalName]) as Handler | undefined;
    if (handler !== undefined)
      guarded[name] = guardedHandler(guard, path, responseStream, handler.bind(handlers)) as never;
  }
  return guarded as T;
}

type HandledCall = IncomingCall & {
  readonly metadata: Metadata;
  readonly cancelled: boolean;
  emit(event: "error", error: Partial<StatusObject>): boolean;
};
type Answer = (error: Partial<StatusObject>) => void;
type Handler = (call: HandledCall, answer?: Answer) => unknown;

function guardedHandler(guard: Guard, path: string, isStream: boolean, handler: Handler): Handler {
  return (call, answer) => {
    const fail: Answer = isStream || answer === undefined ? (error) => call.emit("error", error) : answer;
    void refusalOf(guard, path, call, call.metadata).then((decision) => {
      if (call.cancelled) return;
      if (decision !== undefined) {
        fail(refusedStatus(decision));
        return;
      }
      try {
        // As without a guard: what an asynchronous handler rejects with is its own matter.
        void handler(call, answer);
      } catch (error) {
        fail({ code: status.UNKNOWN, details: `Server method handler threw error ${String(error)}` });
      }
    });
  };
}

function refusalOf(
  guard: Guard,
  path: string,
  call: IncomingCall,
  metadata: Metadata,
): Promise<GuardDecision | undefined> {
  return guard.refusal(path, peerOf(call, metadata), Number(call.getDeadline()) - Date.now());
}

/** Return what is known of the peer of a call. Never throws: a peer that cannot be read is nobody. */
function peerOf(call: IncomingCall, metadata: Metadata): PeerFacts {
  try {
    // gRPC gives the certificate only if the connection has verified it.
    const names = namesIn(call.getAuthContext().sslPeerCertificate?.subjectaltname);
    return { ...names, headers: headersOf(metadata), sourceIp: addressIn(call.getPeer()) };
  } catch {
    return NOBODY;
  }
}

function headersOf(metadata: Metadata): ReadonlyMap<string, readonly string[]> {
  const names = Object.keys(metadata.getMap());
  return new Map(names.map((name) => [name, metadata.get(name).filter((value) => typeof value === "string")]));
}

/** Return the IP address in `ADDRESS:PORT`, in which gRPC does not put brackets around IPv6. */
function addressIn(peer: string): string {
  return plainAddress(peer.slice(0, peer.lastIndexOf(":")).replace(/^\[|\]$/g, ""));
}

/** Return the status of a refused call, with details. */
function refusedStatus({ outcome, decisionId }: GuardDecision): StatusObject {
  const { code, reason, message } = REFUSALS[outcome] ?? UNDECIDED;
  const details = decisionId === "" ? message : `${message}; decision \`${decisionId}\``;
  const facts: Record<string, string> = decisionId === "" ? {} : { decision_id: decisionId };
  const retry = code === status.UNAVAILABLE ? [packRetryInfo(RETRY_SECONDS)] : [];
  const packed = [packErrorInfo({ reason, domain: DOMAIN, metadata: facts }), ...retry];
  const metadata = new Metadata();
  metadata.set(
    DETAILS_KEY,
    Buffer.from(toBinary(StatusSchema, create(StatusSchema, { code, message: details, details: packed }))),
  );
  return { code, details, metadata };
}
