/** The methods of the client beside decisions: roles, policies, and what the caller may do. */

import { randomUUID } from "node:crypto";

import type { MessageInitShape } from "@bufbuild/protobuf";

import type { AgentFirst } from "./agent.js";
import type { Messages } from "./calls.js";
import type { CanIResponse, WhoAmIResponse } from "./gen/rolecall/v1/caller_pb.js";
import {
  PolicyProfile,
  type ValidatePermissionPolicyResponse,
  type ValidateTrustPolicyResponse,
} from "./gen/rolecall/v1/policy_pb.js";
import {
  RoleView,
  type ApplyRolesResponse,
  type CreateRoleRequestSchema,
  type CreateRoleResponse,
  type DeleteRoleRequestSchema,
  type DeleteRoleResponse,
  type GetRoleResponse,
  type ListChangesRequestSchema,
  type ListRolesRequestSchema,
  type RecordedChange,
  type Role,
  type RoleDeclaration,
  type RoleRevision,
  type RollbackRoleRequestSchema,
  type RollbackRoleResponse,
  type UndeleteRoleRequestSchema,
  type UndeleteRoleResponse,
  type UpdateRoleRequestSchema,
  type UpdateRoleResponse,
} from "./gen/rolecall/v1/role_pb.js";
import {
  APPLY_ROLES,
  CAN_I,
  CREATE_ROLE,
  DELETE_ROLE,
  GET_ROLE,
  LIST_CHANGES,
  LIST_ROLE_REVISIONS,
  LIST_ROLES,
  ROLLBACK_ROLE,
  UNDELETE_ROLE,
  UPDATE_ROLE,
  VALIDATE_PERMISSION_POLICY,
  VALIDATE_TRUST_POLICY,
  WHO_AM_I,
} from "./methods.js";
import type { CallOptions } from "./options.js";
import { conditionValues, type Values } from "./query.js";
import {
  applyStream,
  declarationOf,
  EXPORT_PAGE_SIZE,
  identified,
  PAGE_SIZE,
  type RoleDeclarationInit,
} from "./requests.js";

/** A request to create a role, as a message or as a plain object; and those of the other writes. */
export type CreateRoleInit = MessageInitShape<typeof CreateRoleRequestSchema>;
export type UpdateRoleInit = MessageInitShape<typeof UpdateRoleRequestSchema>;
export type DeleteRoleInit = MessageInitShape<typeof DeleteRoleRequestSchema>;
export type UndeleteRoleInit = MessageInitShape<typeof UndeleteRoleRequestSchema>;
export type RollbackRoleInit = MessageInitShape<typeof RollbackRoleRequestSchema>;
/** Which roles are listed. */
export type ListRolesInit = MessageInitShape<typeof ListRolesRequestSchema>;

/** Which changes are listed. */
export type ListChangesInit = MessageInitShape<typeof ListChangesRequestSchema>;

/** The options of a list of revisions. */
export interface ListRevisionsOptions extends CallOptions {
  /** The id of the role, if several roles had the name; by default the role that has it, or had it last. */
  readonly roleId?: string;
}

/** Which roles are exported. */
export interface ExportOptions extends CallOptions {
  /** The account, an id or an alias; by default that of the server. */
  readonly accountId?: string;
  /** Only roles that have all of these tags. */
  readonly tags?: Readonly<Record<string, string>>;
}

/** The options of an apply. Its time limit is 300 seconds by default. */
export interface ApplyOptions extends CallOptions {
  /** Delete roles that are not declared and have all of these tags. */
  readonly pruneTags?: Readonly<Record<string, string>>;
  /** Delete in these accounts only; by default in those of the declared roles. */
  readonly pruneAccountIds?: readonly string[];
  /** Return what would change, without writing. */
  readonly validateOnly?: boolean;
  readonly requestId?: string;
  readonly changeReason?: string;
  /** Where the declarations come from, for example a repository and commit. */
  readonly source?: string;
}

/** The options of a validation. */
export interface ValidateOptions extends CallOptions {
  /** Validate against the language of RAM, without the extensions of Rolecall. */
  readonly ram?: boolean;
}

/** The options of a validation of a permission policy. */
export interface ValidatePermissionOptions extends ValidateOptions {
  /** The policy is one that a session is created with. */
  readonly sessionPolicy?: boolean;
}

/** The options of a question whether the caller may do something. */
export interface CanIOptions extends CallOptions {
  /** The ARN of the resource; empty: the action names none. */
  readonly resource?: string;
  /** Condition keys of the request and of the resource. */
  readonly context?: Values;
}

const APPLY_TIMEOUT_MS = 300_000;

/** Administration of roles and policies, and the rights of the caller: a part of `RolecallClient`. */
export abstract class Administration {
  protected abstract readonly calls: AgentFirst;

  /** Create a role. */
  async createRole(request: CreateRoleInit, options: CallOptions = {}): Promise<CreateRoleResponse> {
    return this.calls.service.unary(CREATE_ROLE, identified(request), options);
  }

  /** Return one role with its trust policy. */
  async getRole(role: string, options: CallOptions = {}): Promise<GetRoleResponse> {
    return this.calls.service.unary(GET_ROLE, { role }, options);
  }

  /** Yield the roles of an account, page by page. */
  async *listRoles(request: ListRolesInit = {}, options: CallOptions = {}): AsyncGenerator<Role, void, undefined> {
    let pageToken = request.pageToken ?? "";
    do {
      const asked = { pageSize: PAGE_SIZE, ...request, pageToken };
      const page = await this.calls.service.unary(LIST_ROLES, asked, options);
      yield* page.roles;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Yield the roles of an account that have all of `tags`, page by page, in the form that `applyRoles` accepts. */
  async *exportRoles({ accountId = "", tags = {}, ...options }: ExportOptions = {}): AsyncGenerator<
    RoleDeclaration,
    void,
    undefined
  > {
    const request = { accountId, tags: { ...tags }, pageSize: EXPORT_PAGE_SIZE, view: RoleView.FULL };
    for await (const role of this.listRoles(request, options)) yield declarationOf(role);
  }

  /** Change a role. */
  async updateRole(request: UpdateRoleInit, options: CallOptions = {}): Promise<UpdateRoleResponse> {
    return this.calls.service.unary(UPDATE_ROLE, identified(request), options);
  }

  /** Delete a role. */
  async deleteRole(request: DeleteRoleInit, options: CallOptions = {}): Promise<DeleteRoleResponse> {
    return this.calls.service.unary(DELETE_ROLE, identified(request), options);
  }

  /** Yield the stored revisions of a role, the newest first, page by page. */
  async *listRoleRevisions(
    role: string,
    { roleId = "", ...options }: ListRevisionsOptions = {},
  ): AsyncGenerator<RoleRevision, void, undefined> {
    let pageToken = "";
    do {
      const page = await this.calls.service.unary(LIST_ROLE_REVISIONS, { role, roleId, pageToken }, options);
      yield* page.revisions;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Yield the changes of roles, page by page: what was changed when, by whom and why. */
  async *listChanges(
    request: ListChangesInit = {},
    options: CallOptions = {},
  ): AsyncGenerator<RecordedChange, void, undefined> {
    let pageToken = request.pageToken ?? "";
    do {
      const asked = { pageSize: PAGE_SIZE, ...request, pageToken };
      const page = await this.calls.service.unary(LIST_CHANGES, asked, options);
      yield* page.changes;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Restore a deleted role as it was when it was deleted. */
  async undeleteRole(request: UndeleteRoleInit, options: CallOptions = {}): Promise<UndeleteRoleResponse> {
    return this.calls.service.unary(UNDELETE_ROLE, identified(request), options);
  }

  /** Restore a role as it was at one of its revisions. */
  async rollbackRole(request: RollbackRoleInit, options: CallOptions = {}): Promise<RollbackRoleResponse> {
    return this.calls.service.unary(ROLLBACK_ROLE, identified(request), options);
  }

  /** Make the roles match their declarations in one atomic write. */
  async applyRoles(roles: Messages<RoleDeclarationInit>, options: ApplyOptions = {}): Promise<ApplyRolesResponse> {
    const {
      pruneTags,
      pruneAccountIds = [],
      validateOnly = false,
      changeReason = "",
      source = "",
      ...ofCall
    } = options;
    const { requestId = randomUUID(), ...call } = ofCall;
    const selector = pruneTags && { pruneSelector: { tags: { ...pruneTags }, accountIds: [...pruneAccountIds] } };
    const messages = applyStream({ ...selector, validateOnly, requestId, changeReason, source }, roles);
    return this.calls.service.upload(APPLY_ROLES, messages, { timeoutMs: APPLY_TIMEOUT_MS, ...call });
  }

  /** Return how the server recognises this client. */
  async whoAmI(options: CallOptions = {}): Promise<WhoAmIResponse> {
    return this.calls.service.unary(WHO_AM_I, {}, options);
  }

  /** Return whether this client may do `action`. */
  async canI(action: string, { resource = "", context = {}, ...options }: CanIOptions = {}): Promise<CanIResponse> {
    return this.calls.service.unary(CAN_I, { action, resource, context: conditionValues(context) }, options);
  }

  /** Validate a trust policy. An invalid document is a result, not an error. */
  async validate(document: string, { ram, ...options }: ValidateOptions = {}): Promise<ValidateTrustPolicyResponse> {
    return this.calls.service.unary(VALIDATE_TRUST_POLICY, { document, profile: profileOf(ram) }, options);
  }

  /** Validate a permission policy. An invalid document is a result, not an error. */
  async validatePermissionPolicy(
    document: string,
    { ram, sessionPolicy = false, ...options }: ValidatePermissionOptions = {},
  ): Promise<ValidatePermissionPolicyResponse> {
    const request = { document, profile: profileOf(ram), sessionPolicy };
    return this.calls.service.unary(VALIDATE_PERMISSION_POLICY, request, options);
  }
}

function profileOf(ram = false): PolicyProfile {
  return ram ? PolicyProfile.RAM : PolicyProfile.ROLECALL;
}
