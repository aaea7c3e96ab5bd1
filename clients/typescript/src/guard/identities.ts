/** Who calls: the principal that the certificate or the token of a peer stands for. */

import type { Values } from "../query.js";
import { UnknownCallerError, type PeerFacts } from "./peer.js";
import { dnsNameOf, isSpiffeId, spiffeIdOf } from "./spiffe.js";

const MAX_TOKEN_CHARACTERS = 8_192;
const MAX_PATTERNS = 1_000;

const PRINCIPAL =
  /^(?:acs:(?:ram|sts)::[0-9]{1,20}:[^\s:]+|[0-9]{1,20}@[a-z0-9.-]+|[a-z0-9.-]+\.aliyuncs\.com|k8s:[^/\s]+\/[^/\s]+\/[^/\s]+)$/;
const OIDC_PROVIDER = /^acs:ram::[0-9]{1,20}:oidc-provider\/[^/\s]+$/;
const TOKEN = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
const DNS_NAME = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/;

/** Who a query asks for, in the spelling of `query`. `accountId` is the account of a role whose name has none. */
export interface CallerIdentity {
  readonly as: string;
  readonly token?: string;
  readonly claims?: Values;
  readonly accountId?: string;
}

/** Says who calls. */
export interface Identify {
  /** Return who calls; throw `UnknownCallerError` unless the call names exactly one caller. */
  (peer: PeerFacts): CallerIdentity;
  /** Whether the roles need their account in their names. */
  readonly needsAccount?: boolean;
  /** How a caller without a credential is asked for one, in HTTP. */
  readonly challenge?: string;
}

/**
 * Callers by the SPIFFE id of their certificate: `{"spiffe://prod.example/ns/shop/sa/cart": "acs:ram::ID:user/cart"}`.
 *
 * In a pattern `*` stands for one whole segment of the path. An id that is listed counts before a pattern; an id that matches patterns of
 * different principals names no caller. Throw a `TypeError` if an id or a principal is invalid.
 */
export function spiffePrincipals(principals: Readonly<Record<string, string>>): Identify {
  const listed = new Map(
    Object.entries(principals).map(([pattern, as]) => [requiredPattern(pattern), requiredPrincipal(as)]),
  );
  const patterns = [...listed]
    .filter(([pattern]) => pattern.includes("*"))
    .map(([pattern, as]) => ({ segments: pattern.split("/"), as }));
  if (listed.size === 0) throw new TypeError("the map names no caller");
  if (patterns.length > MAX_PATTERNS)
    throw new TypeError(`the map has ${patterns.length} patterns; the limit is ${MAX_PATTERNS}`);
  return named({ needsAccount: haveServiceAccount(principals) }, (peer) => {
    const spiffe = spiffeIdOf(peer);
    const as = listed.get(spiffe);
    const found =
      as === undefined
        ? new Set(patterns.filter(({ segments }) => matches(segments, spiffe)).map((one) => one.as))
        : new Set([as]);
    const [only] = found;
    if (found.size === 1 && only !== undefined) return { as: only };
    const what = found.size > 1 ? `stands for ${found.size} principals` : "stands for no principal; add it to the map";
    throw new UnknownCallerError(`the certificate has \`${spiffe}\`, which ${what}`);
  });
}

/** What `spiffeServiceAccounts` has beside the trust domain and the provider. */
export interface ServiceAccountOptions {
  /** The account of roles whose names have none. */
  readonly accountId?: string;
  /** Claims that every service account has, such as `oidc:iss`. The guard asserts them, so its own client needs the right to. */
  readonly claims?: Values;
}

/**
 * Callers that are service accounts: `spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/NAME` is `k8s:PROVIDER/NAMESPACE/NAME`.
 *
 * The provider is that of the role's account.
 */
export function spiffeServiceAccounts(
  trustDomain: string,
  provider: string,
  options: ServiceAccountOptions = {},
): Identify {
  if (!TRUST_DOMAIN.test(trustDomain)) {
    throw new TypeError(`\`${trustDomain}\` is no trust domain; write it as in \`spiffe://TRUST_DOMAIN/...\``);
  }
  if (!/^[^/\s:]+$/.test(provider)) {
    throw new TypeError(`\`${provider}\` is not the name of a provider; write the last part of its ARN`);
  }
  return named({ needsAccount: !options.accountId }, (peer) => {
    const spiffe = spiffeIdOf(peer);
    const [domain, ns, namespace, sa, name, ...rest] = spiffe.slice("spiffe://".length).split("/");
    if (domain !== trustDomain || ns !== "ns" || sa !== "sa" || !namespace || !name || rest.length > 0) {
      throw new UnknownCallerError(`\`${spiffe}\` is not of the form \`spiffe://${trustDomain}/ns/NAMESPACE/sa/NAME\``);
    }
    return { as: `k8s:${provider}/${namespace}/${name}`, ...options };
  });
}

/**
 * Callers by the only DNS name of their certificate: `{"cart.shop.internal": "acs:ram::ID:user/cart"}`, without wildcards.
 *
 * A certificate with a SPIFFE id is not looked at further, and names no caller here.
 */
export function dnsPrincipals(principals: Readonly<Record<string, string>>): Identify {
  const invalid = Object.keys(principals).find((name) => !DNS_NAME.test(name));
  if (invalid !== undefined) {
    throw new TypeError(`\`${invalid}\` is no DNS name; write it in lower case and without wildcards`);
  }
  const listed = new Map(Object.entries(principals).map(([name, as]) => [name, requiredPrincipal(as)]));
  if (listed.size === 0) throw new TypeError("the map names no caller");
  return named({ needsAccount: haveServiceAccount(principals) }, (peer) => {
    const name = dnsNameOf(peer);
    const as = listed.get(name);
    if (as !== undefined) return { as };
    throw new UnknownCallerError(`the certificate has \`${name}\`, which stands for no principal; add it to the map`);
  });
}

/**
 * Callers by the token that they send, once, as `authorization: Bearer TOKEN`. The server verifies it, not the guard.
 *
 * `providerArn` is `acs:ram::ACCOUNT:oidc-provider/NAME`, a provider whose keys the server has.
 */
export function oidcBearer(providerArn: string): Identify {
  if (!OIDC_PROVIDER.test(providerArn)) {
    throw new TypeError(`\`${providerArn}\` is no OIDC provider; write \`acs:ram::ACCOUNT:oidc-provider/NAME\``);
  }
  return named({ challenge: "Bearer" }, ({ headers }) => {
    const sent = headers.get("authorization") ?? [];
    const [, token] = /^bearer (\S*)$/i.exec(sent.length === 1 ? (sent[0] ?? "") : "") ?? [];
    if (token !== undefined && token.length <= MAX_TOKEN_CHARACTERS && TOKEN.test(token))
      return { as: providerArn, token };
    throw new UnknownCallerError(`the call has ${sent.length} \`authorization\`, not one of the form \`Bearer TOKEN\``);
  });
}

function named(
  facts: Pick<Identify, "needsAccount" | "challenge">,
  identify: (peer: PeerFacts) => CallerIdentity,
): Identify {
  return Object.assign(identify, facts);
}

function matches(pattern: readonly string[], spiffe: string): boolean {
  const segments = spiffe.split("/");
  return pattern.length === segments.length && pattern.every((one, index) => one === "*" || one === segments[index]);
}

function requiredPattern(text: string): string {
  const sample = text
    .split("/")
    .map((segment, index) => (index > 2 && segment === "*" ? "x" : segment))
    .join("/");
  if (isSpiffeId(sample)) return text;
  throw new TypeError(
    `\`${text}\` is no SPIFFE id; write \`spiffe://TRUST_DOMAIN/PATH\`, with \`*\` for whole segments of the path alone`,
  );
}

function requiredPrincipal(text: string): string {
  if (PRINCIPAL.test(text)) return text;
  throw new TypeError(
    `\`${text}\` is no principal; write \`acs:ram::ACCOUNT:user/NAME\`, \`ACCOUNT@SERVICE\` or \`k8s:PROVIDER/NAMESPACE/NAME\``,
  );
}

/** Return whether a principal belongs to the provider of the role's account, so that the role needs its account. */
function haveServiceAccount(principals: Readonly<Record<string, string>>): boolean {
  return Object.values(principals).some((as) => as.startsWith("k8s:"));
}
