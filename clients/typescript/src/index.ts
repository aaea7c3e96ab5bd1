/**
 * A client of Rolecall, which decides whether a principal may assume a role.
 *
 * @module
 */

export type {
  ApplyOptions,
  CanIOptions,
  CreateRoleInit,
  DeleteRoleInit,
  ExportOptions,
  ListChangesInit,
  ListRevisionsOptions,
  ListRolesInit,
  RollbackRoleInit,
  UndeleteRoleInit,
  UpdateRoleInit,
  ValidateOptions,
  ValidatePermissionOptions,
} from "./administration.js";
export { Administration } from "./administration.js";
export type { Messages } from "./calls.js";
export {
  RolecallClient,
  type BatchChecked,
  type Checked,
  type CheckOptions,
  type ConsistencyRequirement,
  type ExplainOptions,
  type StreamCheckOptions,
  type StreamedResult,
  type WhatCanOptions,
} from "./client.js";
export type { TlsFiles } from "./connection/tls.js";
export {
  CommandToken,
  FileToken,
  type CommandTokenOptions,
  type RenewedToken,
  type TokenSource,
} from "./connection/tokens.js";
export {
  ContextsError,
  settingsFromEnv,
  settingsOfContext,
  type ConnectionSettings,
  type ContextProblem,
  type Environment,
} from "./contexts/index.js";
export {
  AbortedError,
  AccessDeniedError,
  AlreadyExistsError,
  DeadlineExceededError,
  InvalidArgumentError,
  NotAuthenticatedError,
  NotFoundError,
  OtherStoreError,
  ResourceExhaustedError,
  ResyncRequiredError,
  RolecallError,
  TokenError,
  UnavailableError,
  type ErrorCode,
  type ErrorFacts,
  type Violation,
} from "./errors.js";
export type { CallMetadata, CallOptions, ClientOptions, Log } from "./options.js";
export { query, type QueryOptions, type Values } from "./query.js";
export type { CheckResult, RoleDeclarationInit } from "./requests.js";
export type { RoleWatchEvent, WatchOptions } from "./watch.js";
