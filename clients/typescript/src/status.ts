/** The error that a status of gRPC stands for. */

import { fromBinary } from "@bufbuild/protobuf";
import { durationMs } from "@bufbuild/protobuf/wkt";
import { status as codes, type Metadata, type ServiceError } from "@grpc/grpc-js";

import { readDetails, type StatusDetails } from "./details.js";
import { errorOf, type ErrorCode, type RolecallError, type Violation } from "./errors.js";
import { StatusSchema, type Status } from "./gen/google/rpc/status_pb.js";

/** The metadata key of the request id, which the server also logs. */
export const REQUEST_ID_KEY = "x-request-id";

/** The metadata key of the status with its details. */
export const DETAILS_KEY = "grpc-status-details-bin";

/** Return the error of a status: that of a call, or of one query of a batch. */
export function errorOfStatus(status: Status, requestId = "", cause?: unknown): RolecallError {
  const details = readDetails(status.details);
  const { info, retryDelay } = details;
  return errorOf(codeOf(status.code), status.message, {
    reason: info?.reason ?? "",
    violations: violationsOf(details),
    metadata: info?.metadata ?? {},
    requestId: requestId || (info?.metadata.request_id ?? ""),
    retryAfterMs: retryDelay && durationMs(retryDelay),
    cause,
  });
}

/** Return the error of a failed call of gRPC. */
export function errorOfCall(error: ServiceError): RolecallError {
  const requestId = textOf(error.metadata, REQUEST_ID_KEY);
  // A call that this client cancels ends with the reason for that.
  if (codeOf(error.code) === "CANCELLED") {
    return errorOf("UNAVAILABLE", "the server cancelled the call; it may be stopping", { requestId, cause: error });
  }
  return statusError(error, requestId) ?? errorOf(codeOf(error.code), error.details, { requestId, cause: error });
}

/** Return whether a value is the error of a call of gRPC. */
export function isServiceError(error: unknown): error is ServiceError {
  return error instanceof Error && "code" in error && typeof error.code === "number" && "details" in error;
}

function statusError(error: ServiceError, requestId: string): RolecallError | undefined {
  const [bytes] = metadataOf(error)?.get(DETAILS_KEY) ?? [];
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return undefined;
  try {
    return errorOfStatus(fromBinary(StatusSchema, bytes), requestId, error);
  } catch {
    return undefined; // cut by a proxy; the code and the message are still valid
  }
}

function metadataOf(error: ServiceError): Metadata | undefined {
  return error.metadata; // an error of the library itself may have none
}

function violationsOf({ fieldViolations, positions }: StatusDetails): Violation[] {
  // Servers before positions, and errors without a trust policy, send none.
  return fieldViolations.map(({ field, reason, description }, index) => ({
    field,
    reason,
    message: description,
    pointer: positions[index]?.pointer ?? "",
    line: positions[index]?.line ?? 0,
    column: positions[index]?.column ?? 0,
  }));
}

function codeOf(code: number): ErrorCode {
  return code in codes ? (codes[code] as ErrorCode) : "UNKNOWN";
}

function textOf(metadata: Metadata | undefined, key: string): string {
  const [value] = metadata?.get(key) ?? [];
  return value === undefined ? "" : value.toString();
}
