/** The guard of a service: asks for each call whether its caller may assume the role of the method. */

import type { CallOptions } from "../options.js";
import type { Checked } from "../client.js";
import { RolecallError } from "../errors.js";
import { DecisionReason, type AssumeRoleQuery } from "../gen/rolecall/v1/decision_pb.js";
import { accountOf, query, type Values } from "../query.js";
import type { AccessMap, MethodAccess } from "./access.js";
import { passes, type GuardDecision, type GuardMode } from "./decision.js";
import type { Identify } from "./identities.js";
import { UnknownCallerError, type PeerFacts } from "./peer.js";
import { GuardReport, type GuardCounts, type GuardLog, type OnDecision } from "./report.js";

const DEFAULT_TIMEOUT_MS = 2_000;
const MAX_TIMEOUT_MS = 60_000;

/** Calls that an observing guard decides at the same time. */
const MAX_OBSERVED = 100;

const SOURCE_IP = "acs:SourceIp";

/** Answers checks, as `RolecallClient` does. */
export interface DecisionSource {
  check(query: AssumeRoleQuery, options?: CallOptions): Promise<Checked>;
}

/** What a guard needs, and how it works. */
export interface GuardOptions {
  /** The role of each method: a `RoleMap` for gRPC, a `RouteMap` for HTTP. */
  readonly roles: AccessMap;
  /** Who calls, such as `spiffePrincipals({...})`. */
  readonly identify: Identify;
  /** `observe`: every call passes, and what would have been refused is logged and counted. By default `enforce`. */
  readonly mode?: GuardMode;
  /** Further condition keys beside the address of the peer, from the method and the peer. */
  readonly context?: (method: string, peer: PeerFacts) => Values;
  /** How long a decision may take; 2,000 by default, at most 60,000. */
  readonly timeoutMs?: number;
  /** Receives each decision. */
  readonly onDecision?: OnDecision;
  /** Receives a line for each refusal, ten a second at most; by default the console. */
  readonly log?: GuardLog;
}

type Finding = Partial<GuardDecision> & Pick<GuardDecision, "outcome">;

/** A call, and the query that decides about it, or what was found without one. */
interface Prepared {
  readonly method: string;
  readonly access: MethodAccess;
  readonly caller: string;
  readonly query: AssumeRoleQuery | undefined;
  readonly finding: Finding | undefined;
}

/**
 * Protects the methods of a service with roles: a call passes if its caller may assume the role of its method.
 *
 * Whatever is not allowed is refused: a method without a role, an unknown caller, a deny, and a query that was not answered in time. The guard uses
 * the client and does not close it. The constructor throws a `TypeError` if the options are invalid.
 */
export class Guard {
  readonly #client: DecisionSource;
  readonly #options: GuardOptions;
  readonly #timeoutMs: number;
  readonly #report: GuardReport;
  readonly #observed = new Set<Promise<unknown>>();

  constructor(client: DecisionSource, options: GuardOptions) {
    const { mode = "enforce", timeoutMs = DEFAULT_TIMEOUT_MS, log = console, onDecision } = options;
    if (!["enforce", "observe"].includes(mode))
      throw new TypeError(`\`${mode}\` is no mode of a guard; write \`enforce\` or \`observe\``);
    if (!(timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
      throw new TypeError(
        `a guard waits more than 0 and at most ${MAX_TIMEOUT_MS} milliseconds for a decision, and not ${timeoutMs}`,
      );
    }
    requireAccounts(options);
    this.#client = client;
    this.#options = options;
    this.#timeoutMs = timeoutMs;
    this.#report = new GuardReport(mode, log, onDecision);
  }

  /** What this guard has found so far, in numbers. */
  get counts(): GuardCounts {
    return this.#report.counts;
  }

  /** How a caller without a credential is asked for one, in HTTP; empty if it is not. */
  get challenge(): string {
    return this.#options.identify.challenge ?? "";
  }

  /**
   * Return the decision that refuses a call; undefined if the call passes. Never rejects.
   *
   * `millisecondsLeft` is the time until the caller gives up.
   */
  async refusal(method: string, peer: PeerFacts, millisecondsLeft = Infinity): Promise<GuardDecision | undefined> {
    const prepared = this.#prepared(method, peer);
    if (this.#options.mode === "observe") {
      this.#observe(prepared, millisecondsLeft);
      return undefined;
    }
    const decision = await this.#decided(prepared, millisecondsLeft);
    return passes(decision) ? undefined : decision;
  }

  /** Decide what is still observed. The client stays open. */
  async close(): Promise<void> {
    while (this.#observed.size > 0) await Promise.all(this.#observed);
  }

  #observe(prepared: Prepared, millisecondsLeft: number): void {
    if (prepared.finding === undefined && this.#observed.size >= MAX_OBSERVED) {
      const detail = `${MAX_OBSERVED} calls are being decided already`;
      this.#report.add(decisionOf(prepared, { outcome: "not_observed", detail }));
      return;
    }
    const observed = this.#decided(prepared, millisecondsLeft).finally(() => this.#observed.delete(observed));
    this.#observed.add(observed);
  }

  #prepared(method: string, peer: PeerFacts): Prepared {
    const access = this.#options.roles.find(method);
    const found = { method, access, caller: "", query: undefined };
    if (access.isPublic) return { ...found, finding: { outcome: "public" } };
    if (access.role === "")
      return { ...found, finding: { outcome: "closed", detail: "the map does not name the method" } };
    try {
      const { as, token, claims, accountId } = this.#options.identify(peer);
      const context = this.#contextOf(method, peer);
      const asked = query(as, access.role, {
        token: token ?? "",
        claims: claims ?? {},
        accountId: accountId ?? "",
        context,
      });
      return { ...found, caller: as, query: asked, finding: undefined };
    } catch (error) {
      // Whatever fails in code of the service, the call must not pass.
      return { ...found, finding: failure(error) };
    }
  }

  #contextOf(method: string, peer: PeerFacts): Values {
    const further = this.#options.context?.(method, peer) ?? {};
    return peer.sourceIp === "" ? further : { [SOURCE_IP]: peer.sourceIp, ...further };
  }

  async #decided(prepared: Prepared, millisecondsLeft: number): Promise<GuardDecision> {
    const finding = prepared.finding ?? (await this.#asked(prepared, millisecondsLeft));
    const decision = decisionOf(prepared, finding);
    this.#report.add(decision);
    return decision;
  }

  async #asked({ query: asked }: Prepared, millisecondsLeft: number): Promise<Finding> {
    try {
      if (asked === undefined) throw new TypeError("there is no query");
      const timeoutMs = Math.max(1, Math.min(this.#timeoutMs, millisecondsLeft));
      const { decision } = await this.#client.check(asked, { timeoutMs });
      const reason = (DecisionReason[decision.reason] as string | undefined) ?? decision.reason.toString();
      // Only `true` passes, whatever else a source of decisions may return.
      const isAllowed = (decision.allowed as unknown) === true;
      return { outcome: isAllowed ? "allowed" : "denied", decisionId: decision.decisionId, reason };
    } catch (error) {
      return failure(error);
    }
  }
}

/** Return what is found about a call that could not be decided: it never passes. */
function failure(error: unknown): Finding {
  if (error instanceof UnknownCallerError) return { outcome: "unknown_caller", detail: error.message };
  if (!(error instanceof RolecallError)) return { outcome: "undecided", reason: "EXCEPTION", detail: String(error) };
  // A token that the server refuses is the caller's fault; every other query that it refuses is a mistake of the guard.
  const isRejected = error.violations.some(({ reason }) => reason === "INVALID_TOKEN");
  const outcome = isRejected ? "unknown_caller" : "undecided";
  return { outcome, reason: error.reason || error.code, detail: error.message };
}

function decisionOf({ method, access, caller }: Prepared, finding: Finding): GuardDecision {
  const { pattern, role } = access;
  return { method, pattern, role, caller, decisionId: "", reason: "", detail: "", ...finding };
}

function requireAccounts({ identify, roles }: GuardOptions): void {
  if (identify.needsAccount !== true) return;
  const bare = [...roles.roles].sort().find((role) => accountOf(role) === "");
  if (bare !== undefined) {
    throw new TypeError(`the role \`${bare}\` needs its account; write ACCOUNT/${bare}, or give \`accountId\``);
  }
}
