/**
 * Guards protect the methods of a service with roles: a call passes if its caller may assume the role of its method.
 *
 * A `Guard` decides, with a `RoleMap` for gRPC or a `RouteMap` for HTTP, and something that says who calls, such as `spiffePrincipals`.
 * `guardInterceptor`, `guardHandlers` and `guardMiddleware` place it in front of a service. Guards fail closed: what is not allowed is refused.
 *
 * @module
 */

export type { AccessMap, MethodAccess } from "./access.js";
export type { GuardDecision, GuardMode, GuardOutcome } from "./decision.js";
export { guardHandlers, guardInterceptor } from "./grpc.js";
export { Guard, type DecisionSource, type GuardOptions } from "./guard.js";
export { guardMiddleware, type Middleware } from "./http.js";
export {
  dnsPrincipals,
  oidcBearer,
  spiffePrincipals,
  spiffeServiceAccounts,
  type CallerIdentity,
  type Identify,
  type ServiceAccountOptions,
} from "./identities.js";
export { UnknownCallerError, type PeerFacts } from "./peer.js";
export { GuardCounts, type GuardCount, type GuardLog, type OnDecision } from "./report.js";
export { RoleMap, type RoleMapOptions } from "./role-map.js";
export { RouteMap } from "./route-map.js";
