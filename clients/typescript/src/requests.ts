/** The requests of the client, and what it reads from the responses. */

import { randomUUID } from "node:crypto";

import { create, toBinary, type MessageInitShape } from "@bufbuild/protobuf";

import type { Messages } from "./calls.js";
import { errorOf, type RolecallError } from "./errors.js";
import type { Status } from "./gen/google/rpc/status_pb.js";
import type { AssumeRoleQuery, Decision, ListAssumableRolesRequestSchema } from "./gen/rolecall/v1/decision_pb.js";
import {
  ApplyRolesRequestSchema,
  RoleDeclarationSchema,
  type ApplyRolesOptionsSchema,
  type ApplyRolesRequest,
  type Role,
  type RoleDeclaration,
} from "./gen/rolecall/v1/role_pb.js";
import { errorOfStatus } from "./status.js";

export const PAGE_SIZE = 1_000;

/** The roles of one page with their trust policies: 8 MB, if each has the longest that a server accepts by default. */
export const EXPORT_PAGE_SIZE = 500;

const CHUNK_BYTES = 512 * 1024;

/** A declared role, as a message or as a plain object. */
export type RoleDeclarationInit = MessageInitShape<typeof RoleDeclarationSchema>;

/** The decision of one query of many, or why there is none. */
export type CheckResult =
  | { readonly decision: Decision; readonly error?: undefined }
  | { readonly decision?: undefined; readonly error: RolecallError };

/** Return the result of one query of a batch or of a stream. */
export function resultOf(
  result:
    { case: "decision"; value: Decision } | { case: "error"; value: Status } | { case: undefined; value?: undefined },
): CheckResult {
  switch (result.case) {
    case "decision":
      return { decision: result.value };
    case "error":
      return { error: errorOfStatus(result.value) };
    case undefined:
      return { error: noDecisionError() };
  }
}

/** Return the decision of a response; throw if there is none. */
export function requiredDecision(decision: Decision | undefined): Decision {
  if (decision === undefined) throw noDecisionError();
  return decision;
}

/** Return the request of the first page of a reverse query. */
export function assumableRolesRequest(
  asked: AssumeRoleQuery,
  accountId: string,
  pageSize: number,
): MessageInitShape<typeof ListAssumableRolesRequestSchema> {
  const { identity, context, durationSeconds, roleSessionName, externalId, sourceIdentity } = asked;
  return { identity, context, durationSeconds, roleSessionName, externalId, sourceIdentity, accountId, pageSize };
}

/** Return the request of a write with a request id, so that a repeat is harmless. */
export function identified<T extends object>(request: T & { requestId?: string }): T {
  return request.requestId ? request : { ...request, requestId: randomUUID() };
}

/** Yield the messages of an apply: the options, then the roles in chunks. */
export async function* applyStream(
  options: MessageInitShape<typeof ApplyRolesOptionsSchema>,
  roles: Messages<RoleDeclarationInit>,
): AsyncGenerator<ApplyRolesRequest, void, undefined> {
  yield create(ApplyRolesRequestSchema, { part: { case: "options", value: options } });
  let chunk: RoleDeclaration[] = [];
  let size = 0;
  for await (const init of roles) {
    const role = create(RoleDeclarationSchema, init);
    chunk.push(role);
    size += toBinary(RoleDeclarationSchema, role).length;
    if (size < CHUNK_BYTES) continue;
    yield chunkOf(chunk);
    [chunk, size] = [[], 0];
  }
  if (chunk.length > 0) yield chunkOf(chunk);
}

/** Return a role in the form that an apply accepts. */
export function declarationOf(role: Role): RoleDeclaration {
  const { accountId, roleName, assumeRolePolicyDocument, description, maxSessionDurationSeconds, tags } = role;
  return create(RoleDeclarationSchema, {
    accountId,
    roleName,
    assumeRolePolicyDocument,
    description,
    maxSessionDurationSeconds,
    tags,
  });
}

function chunkOf(roles: RoleDeclaration[]): ApplyRolesRequest {
  return create(ApplyRolesRequestSchema, { part: { case: "roles", value: { roles } } });
}

function noDecisionError(): RolecallError {
  return errorOf("INTERNAL", "the response of the server has no decision");
}
