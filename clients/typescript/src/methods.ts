/** The methods of the contract as gRPC for Node calls them, and which of them are safe to repeat. */

import {
  create,
  fromBinary,
  toBinary,
  type DescMessage,
  type DescMethod,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";

import { CallerService } from "./gen/rolecall/v1/caller_pb.js";
import { DecisionService } from "./gen/rolecall/v1/decision_pb.js";
import { PolicyService } from "./gen/rolecall/v1/policy_pb.js";
import { RoleService } from "./gen/rolecall/v1/role_pb.js";
import { WatchService } from "./gen/rolecall/v1/watch_pb.js";

/** One method of the contract. `retried`: a call that failed because the service was unavailable is repeated. */
export interface Method<I extends DescMessage, O extends DescMessage> {
  readonly path: string;
  readonly input: I;
  readonly retried: boolean;
  readonly serialize: (message: MessageShape<I>) => Buffer;
  readonly deserialize: (bytes: Buffer) => MessageShape<O>;
}

type Described<I extends DescMessage, O extends DescMessage> = DescMethod & { input: I; output: O };

function method<I extends DescMessage, O extends DescMessage>(
  described: Described<I, O>,
  retried = true,
): Method<I, O> {
  const { input, output } = described;
  return {
    path: `/${described.parent.typeName}/${described.name}`,
    input,
    retried,
    serialize: (message) => {
      const bytes = toBinary(input, message);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    },
    deserialize: (bytes) => fromBinary(output, bytes),
  };
}

/** Return the message of a request that may be given as a plain object. */
export function messageOf<I extends DescMessage, O extends DescMessage>(
  called: Method<I, O>,
  init: MessageInitShape<I>,
): MessageShape<I> {
  return create(called.input, init);
}

export const CHECK = method(DecisionService.method.checkAssumeRole);
export const BATCH_CHECK = method(DecisionService.method.batchCheckAssumeRole);
export const EXPLAIN = method(DecisionService.method.explainAssumeRole);
export const LIST_ASSUMABLE_ROLES = method(DecisionService.method.listAssumableRoles);
export const LIST_TRUSTED_PRINCIPALS = method(DecisionService.method.listTrustedPrincipals);
export const VALIDATE_TRUST_POLICY = method(PolicyService.method.validateTrustPolicy);
export const VALIDATE_PERMISSION_POLICY = method(PolicyService.method.validatePermissionPolicy);
export const WHO_AM_I = method(CallerService.method.whoAmI);
export const CAN_I = method(CallerService.method.canI);
// The client sends a request id with each write, so the server answers a repeated one with the first result.
export const GET_ROLE = method(RoleService.method.getRole);
export const LIST_ROLES = method(RoleService.method.listRoles);
export const LIST_ROLE_REVISIONS = method(RoleService.method.listRoleRevisions);
export const LIST_CHANGES = method(RoleService.method.listChanges);
export const CREATE_ROLE = method(RoleService.method.createRole);
export const UPDATE_ROLE = method(RoleService.method.updateRole);
export const DELETE_ROLE = method(RoleService.method.deleteRole);
export const UNDELETE_ROLE = method(RoleService.method.undeleteRole);
export const ROLLBACK_ROLE = method(RoleService.method.rollbackRole);
export const APPLY_ROLES = method(RoleService.method.applyRoles);
// Streams are continued by the client itself, which knows where to continue.
export const STREAM_CHECK = method(DecisionService.method.streamCheckAssumeRole, false);
export const WATCH_ROLES = method(WatchService.method.watchRoles, false);

/** Every method of the contract. */
export const METHODS: readonly { readonly path: string; readonly retried: boolean }[] = [
  CHECK,
  BATCH_CHECK,
  EXPLAIN,
  LIST_ASSUMABLE_ROLES,
  LIST_TRUSTED_PRINCIPALS,
  VALIDATE_TRUST_POLICY,
  VALIDATE_PERMISSION_POLICY,
  WHO_AM_I,
  CAN_I,
  GET_ROLE,
  LIST_ROLES,
  LIST_ROLE_REVISIONS,
  LIST_CHANGES,
  CREATE_ROLE,
  UPDATE_ROLE,
  DELETE_ROLE,
  UNDELETE_ROLE,
  ROLLBACK_ROLE,
  APPLY_ROLES,
  STREAM_CHECK,
  WATCH_ROLES,
];
