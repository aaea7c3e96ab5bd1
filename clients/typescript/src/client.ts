/** The client: one method for each method of the contract. */

import { create } from "@bufbuild/protobuf";
import { timestampFromDate, type Timestamp } from "@bufbuild/protobuf/wkt";

import { Administration } from "./administration.js";
import { type AgentFirst, isLeftOut } from "./agent.js";
import type { Messages } from "./calls.js";
import { connect } from "./connection/connect.js";
import { settingsFromEnv, settingsOfContext } from "./contexts/index.js";
import type {
  AssumableRole,
  AssumeRoleQuery,
  Consistency,
  Decision,
  ExplainAssumeRoleResponse,
  TrustGrant,
} from "./gen/rolecall/v1/decision_pb.js";
import { WatchRolesRequestSchema } from "./gen/rolecall/v1/watch_pb.js";
import { BATCH_CHECK, CHECK, EXPLAIN, LIST_ASSUMABLE_ROLES, LIST_TRUSTED_PRINCIPALS } from "./methods.js";
import {
  DEFAULT_TIMEOUT_MS,
  requiredTimeout,
  type CallMetadata,
  type CallOptions,
  type ClientOptions,
} from "./options.js";
import { DEFAULT_IN_FLIGHT, Pipeline } from "./pipeline.js";
import { PAGE_SIZE, assumableRolesRequest, requiredDecision, resultOf, type CheckResult } from "./requests.js";
import { Watch, type RoleWatchEvent, type WatchOptions } from "./watch.js";

/** How fresh the state that decides must be. */
export type ConsistencyRequirement = Consistency["requirement"];

/** The options of a check. */
export interface CheckOptions extends CallOptions {
  /** How fresh the state must be; by default the one that the server has in memory. */
  readonly consistency?: ConsistencyRequirement;
}

/** One decision. */
export interface Checked {
  readonly decision: Decision;
  /** Names the state that decided, for `consistency: { case: "atLeastAsFresh", value: TOKEN }`. */
  readonly consistencyToken: string;
}

/** Many decisions, all of one revision. */
export interface BatchChecked {
  /** One for each query, in order. */
  readonly results: readonly CheckResult[];
  readonly consistencyToken: string;
}

/** The result of one query of a stream; `sequence` is the index of the query, from 0. */
export type StreamedResult = CheckResult & { readonly sequence: number };

/** The options of a stream of checks. */
export interface StreamCheckOptions {
  /** How many queries are read ahead of the decisions, at most; 256 by default. */
  readonly inFlight?: number;
  /** Ends the stream. */
  readonly signal?: AbortSignal;
  readonly metadata?: CallMetadata;
}

/** The options of an explanation. */
export interface ExplainOptions extends CheckOptions {
  /** Decide with the role as it was at this revision. */
  readonly atRevision?: bigint;
  /** Decide as if it were this time. A `Date` has milliseconds, a `Timestamp` nanoseconds. */
  readonly assumeTime?: Date | Timestamp;
}

/** The options of a reverse query. */
export interface WhatCanOptions extends CallOptions {
  /** Only roles of this account. */
  readonly accountId?: string;
  /** The roles of one page, up to 1,000. */
  readonly pageSize?: number;
}

/**
 * A client of one Rolecall service; close it at the end.
 *
 * Methods reject with a `RolecallError` when a call fails; a deny is a decision. Every write has a `requestId`, made if none is given, so
 * it is safe to repeat. The constructor throws a `TypeError` for an invalid address or option.
 */
export class RolecallClient extends Administration {
  protected readonly calls: AgentFirst;
  readonly #timeoutMs: number;

  /** Make a client of the service at an address: `HOST:PORT`, `HOST` (port 50051), `dns:///NAME:PORT` or `unix:PATH`. */
  constructor(address: string, options: ClientOptions = {}) {
    super();
    this.#timeoutMs = requiredTimeout(options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
    this.calls = connect(address, options);
  }

  /** Make a client of the service that the environment names (`ROLECALL_ADDRESS`, ...), or else of the current context. */
  static fromEnv(options: ClientOptions = {}): RolecallClient {
    const { address, ...settings } = settingsFromEnv();
    return new RolecallClient(address, overridden(settings, options));
  }

  /** Make a client of the service of a context, which has this name in the configuration file. */
  static fromContext(name: string, options: ClientOptions = {}): RolecallClient {
    const { address, ...settings } = settingsOfContext(name);
    return new RolecallClient(address, overridden(settings, options));
  }

  /** End the calls in progress, and close the connections. */
  close(): void {
    this.calls.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** Return the decision of one query. */
  async check(query: AssumeRoleQuery, options: CheckOptions = {}): Promise<Checked> {
    const request = { query, ...consistencyOf(options) };
    const { decision, consistencyToken } = await this.calls.unary(CHECK, request, options);
    return { decision: requiredDecision(decision), consistencyToken };
  }

  /** Return the decisions of many queries at one revision, in order; a malformed query has an `error` instead. */
  async batchCheck(queries: Iterable<AssumeRoleQuery>, options: CheckOptions = {}): Promise<BatchChecked> {
    const request = { queries: [...queries], ...consistencyOf(options) };
    const { results, consistencyToken } = await this.calls.unary(
      BATCH_CHECK,
      request,
      options,
      (response) => !response.results.some(({ result }) => isLeftOut(result)),
    );
    return { results: results.map(({ result }) => resultOf(result)), consistencyToken };
  }

  /**
   * Yield the decisions of queries as they arrive, in order.
   *
   * At most `inFlight` queries are read ahead of the decisions, so any number of them needs little memory. When the server ends the stream,
   * because it stops for example, the unanswered queries are sent again on a new one.
   */
  async *streamCheck(
    queries: Messages<AssumeRoleQuery>,
    { inFlight = DEFAULT_IN_FLIGHT, ...options }: StreamCheckOptions = {},
  ): AsyncGenerator<StreamedResult, void, undefined> {
    for await (const { sequence, result } of new Pipeline(this.calls, queries, inFlight, options).answers()) {
      yield { ...resultOf(result), sequence: Number(sequence) };
    }
  }

  /** Return the decision of one query with an explanation. */
  async explain(query: AssumeRoleQuery, options: ExplainOptions = {}): Promise<ExplainAssumeRoleResponse> {
    const { atRevision, assumeTime } = options;
    const request = {
      query,
      ...consistencyOf(options),
      ...(atRevision !== undefined && { atRevision }),
      ...(assumeTime !== undefined && {
        assumeTime: assumeTime instanceof Date ? timestampFromDate(assumeTime) : assumeTime,
      }),
    };
    return this.calls.service.unary(EXPLAIN, request, options);
  }

  /**
   * Yield every role that the identity of `asked` can assume, or could with further condition keys, page by page.
   *
   * `asked` is a query without a role.
   */
  async *whatCan(
    asked: AssumeRoleQuery,
    { accountId = "", pageSize = PAGE_SIZE, ...options }: WhatCanOptions = {},
  ): AsyncGenerator<AssumableRole, void, undefined> {
    const first = assumableRolesRequest(asked, accountId, pageSize);
    let pageToken = "";
    do {
      const page = await this.calls.service.unary(LIST_ASSUMABLE_ROLES, { ...first, pageToken }, options);
      yield* page.roles;
      pageToken = page.nextPageToken;
    } while (pageToken !== "");
  }

  /** Return the principals that the trust policy of a role names, statement by statement. */
  async whoCan(role: string, options: CallOptions = {}): Promise<readonly TrustGrant[]> {
    return (await this.calls.service.unary(LIST_TRUSTED_PRINCIPALS, { role }, options)).grants;
  }

  /**
   * Yield each change of a role, in order and once, and checkpoints, until the caller leaves the loop.
   *
   * The watch starts now, or after `startToken`, or with `includeInitialState`. A stream that breaks is resumed. It throws
   * `ResyncRequiredError` when changes are lost: discard what was built from the changes, and start a new watch with the initial state.
   */
  watchRoles(options: WatchOptions = {}): AsyncGenerator<RoleWatchEvent, void, undefined> {
    const { startToken = "", accountIds = [], includeInitialState = false } = options;
    const request = create(WatchRolesRequestSchema, {
      startToken,
      accountIds: [...accountIds],
      includeInitialState,
    });
    return new Watch(this.calls.service, request, options, this.#timeoutMs).events();
  }
}

function consistencyOf({ consistency }: CheckOptions): { consistency?: { requirement: ConsistencyRequirement } } {
  return consistency === undefined ? {} : { consistency: { requirement: consistency } };
}

/** Return the settings, in which the options that are given count more. */
function overridden(settings: ClientOptions, options: ClientOptions): ClientOptions {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  const { tls, ...others } = settings;
  return { ...others, ...(options.credentials === undefined && { tls }), ...given };
}
