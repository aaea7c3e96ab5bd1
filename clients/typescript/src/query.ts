/** Makes queries: the kind of identity is recognised from its spelling. */

import { create, type MessageInitShape } from "@bufbuild/protobuf";

import {
  AssumeRoleQuerySchema,
  type AssumeRoleQuery,
  type ConditionValuesSchema,
  type FederatedIdentitySchema,
} from "./gen/rolecall/v1/decision_pb.js";

/** Condition keys and their values; a string is one value. */
export type Values = Readonly<Record<string, string | readonly string[]>>;

/** What a query may have beside an identity and a role. */
export interface QueryOptions {
  /** The claims of the identity provider that asks. */
  readonly claims?: Values;
  /** A token of the OIDC provider that asks, which the server verifies; then there are no claims. */
  readonly token?: string;
  /** Condition keys of the request. */
  readonly context?: Values;
  readonly durationSeconds?: number;
  readonly roleSessionName?: string;
  readonly externalId?: string;
  readonly sourceIdentity?: string;
  /** The account of the role, if the name of the role does not contain it. */
  readonly accountId?: string;
}

/** The messages of condition keys. */
export type ConditionValuesInit = Record<string, MessageInitShape<typeof ConditionValuesSchema>>;

type FederatedInit = MessageInitShape<typeof FederatedIdentitySchema>;
type IdentityInit = NonNullable<
  Extract<MessageInitShape<typeof AssumeRoleQuerySchema>, { identity?: unknown }>["identity"]
>;

export const KUBERNETES_PREFIX = "k8s:";

const ROLE_ARN = /^acs:ram::([0-9]{1,20}):role\/[^\n]*$/;
const ACCOUNT_AND_NAME = /^([0-9]{1,20})\/[^\n]*$/;
const PROVIDER_ARN = /^acs:ram::[^:]*:(?:saml|oidc)-provider\/.*$/s;
const OIDC_PROVIDER_ARN = /^acs:ram::[^:]*:oidc-provider\/.*$/s;
const KUBERNETES = /^k8s:([^/]+)\/([^/]+)\/([^/]+)$/;
const SUBJECT = "oidc:sub";

/**
 * Return a query: may `as` assume `role`? Throw a `TypeError` if the arguments contradict each other.
 *
 * `as` is a principal (`acs:ram::ID:user/NAME`, a role session, `ID@SERVICE`, ...), the ARN of an identity provider, with `claims` or a
 * `token`, or `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`, a service account that comes through the OIDC provider of the role's account.
 * `whatCan` takes a query without a role.
 */
export function query(as: string, role = "", options: QueryOptions = {}): AssumeRoleQuery {
  return create(AssumeRoleQuerySchema, {
    identity: identityOf(as, role, options),
    role,
    context: conditionValues(options.context ?? {}),
    durationSeconds: options.durationSeconds ?? 0,
    roleSessionName: options.roleSessionName ?? "",
    externalId: options.externalId ?? "",
    sourceIdentity: options.sourceIdentity ?? "",
  });
}

/** Return the account id that the name of a role contains, or an empty string. */
export function accountOf(role: string): string {
  return (ROLE_ARN.exec(role) ?? ACCOUNT_AND_NAME.exec(role))?.[1] ?? "";
}

/** Return condition keys and their values as a request contains them. */
export function conditionValues(values: Values): ConditionValuesInit {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, { values: typeof value === "string" ? [value] : [...value] }]),
  );
}

function identityOf(as: string, role: string, { claims = {}, token = "", accountId = "" }: QueryOptions): IdentityInit {
  if (token) return { case: "oidc", value: withToken(as, token, claims) };
  if (as.startsWith(KUBERNETES_PREFIX)) {
    return { case: "federated", value: serviceAccount(as, accountOf(role) || accountId, claims) };
  }
  if (PROVIDER_ARN.test(as)) return { case: "federated", value: { providerArn: as, claims: conditionValues(claims) } };
  if (Object.keys(claims).length > 0) {
    throw new TypeError(`claims come with an identity provider, and \`${as}\` is not one; use the ARN of the provider`);
  }
  return { case: "principal", value: as };
}

function withToken(as: string, token: string, claims: Values): { providerArn: string; token: string } {
  if (!OIDC_PROVIDER_ARN.test(as)) {
    throw new TypeError(`a token comes with an OIDC provider, and \`${as}\` is not the ARN of one`);
  }
  if (Object.keys(claims).length > 0) throw new TypeError("the claims are in the token; give either");
  return { providerArn: as, token };
}

function serviceAccount(as: string, account: string, claims: Values): FederatedInit {
  const [, provider, namespace, name] = KUBERNETES.exec(as) ?? [];
  if (provider === undefined || namespace === undefined || name === undefined) {
    throw new TypeError(`\`${as}\` is not of the form \`k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT\``);
  }
  if (!account) {
    throw new TypeError(`\`${as}\` needs the account of the role; write the role as ACCOUNT/NAME or as an ARN`);
  }
  if (SUBJECT in claims) throw new TypeError(`\`${as}\` already determines \`${SUBJECT}\`; leave the claim out`);
  return {
    providerArn: `acs:ram::${account}:oidc-provider/${provider}`,
    claims: conditionValues({ ...claims, [SUBJECT]: `system:serviceaccount:${namespace}:${name}` }),
  };
}
