/** Guards an HTTP service: middleware for Express, and for everything that has its kind of middleware. */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { TLSSocket } from "node:tls";

import { namesIn } from "./certificate-names.js";
import { RETRY_SECONDS, type GuardDecision, type GuardOutcome } from "./decision.js";
import type { Guard } from "./guard.js";
import { NOBODY, plainAddress, type PeerFacts } from "./peer.js";

/** Middleware, as Express calls it. */
export type Middleware = (request: IncomingMessage, response: ServerResponse, next: (error?: unknown) => void) => void;

const MAX_PATH_CHARACTERS = 8_192;

/** The characters of a path that every reader takes alike. */
const PATH = /^\/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*$/;

/** An encoded slash or backslash, or a zero byte: some readers decode it before they split a path, and some after. */
const AMBIGUOUS = /%2f|%5c|%00/i;

const TITLES = { 401: "Unauthorized", 403: "Forbidden", 503: "Service Unavailable" } as const;

const CODES: Readonly<Partial<Record<GuardOutcome, keyof typeof TITLES>>> = {
  denied: 403,
  closed: 403,
  unknown_caller: 401,
};

/**
 * Return middleware that lets a request pass only if the guard lets it: `app.use(guardMiddleware(guard))`.
 *
 * The guard has a `RouteMap`, whose paths are those below the path at which the middleware is mounted. A refused request is answered with 403, 401 or
 * 503 and a JSON problem (RFC 9457). Use it before everything that answers, and nothing after it that changes the verb or the path. It does not
 * see WebSockets, whose requests do not go through middleware.
 */
export function guardMiddleware(guard: Guard): Middleware {
  return (request, response, next) => {
    void guard.refusal(routeOf(request), peerOf(request)).then((decision) => {
      if (response.destroyed) return;
      if (decision === undefined) next();
      else refuse(guard, request, response, decision);
    });
  };
}

/** Return the route of a request as `VERB /path`; a path that two readers could read differently is no route of any map. */
function routeOf({ method = "", url = "" }: IncomingMessage): string {
  const [path = ""] = url.split("?", 1);
  return `${method} ${isClear(path) ? path : ""}`;
}

function isClear(path: string): boolean {
  if (path.length > MAX_PATH_CHARACTERS || !PATH.test(path) || AMBIGUOUS.test(path)) return false;
  try {
    return !/\p{C}/u.test(decodeURIComponent(path));
  } catch {
    return false;
  }
}

/** Return what is known of the peer of a request. Never throws: a peer that cannot be read is nobody. */
function peerOf(request: IncomingMessage): PeerFacts {
  try {
    const headers = Object.entries(request.headersDistinct).map(([name, values]) => [name, values ?? []] as const);
    return {
      ...certificateOf(request),
      headers: new Map(headers),
      sourceIp: plainAddress(request.socket.remoteAddress ?? ""),
    };
  } catch {
    return NOBODY;
  }
}

function certificateOf(request: IncomingMessage): ReturnType<typeof namesIn> {
  const socket = request.socket as Partial<TLSSocket>;
  // Only a certificate that the connection has verified counts.
  if (socket.encrypted !== true || socket.authorized !== true) return namesIn(undefined);
  return namesIn(socket.getPeerCertificate?.().subjectaltname);
}

function refuse(guard: Guard, request: IncomingMessage, response: ServerResponse, decision: GuardDecision): void {
  const code = CODES[decision.outcome] ?? 503;
  const id = decision.decisionId === "" ? {} : { decision_id: decision.decisionId };
  const body = JSON.stringify({ type: "about:blank", title: TITLES[code], status: code, ...id });
  response.statusCode = code;
  response.setHeader("content-type", "application/problem+json");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.setHeader("cache-control", "no-store");
  if (code === 401 && guard.challenge !== "") response.setHeader("www-authenticate", guard.challenge);
  if (code === 503) response.setHeader("retry-after", RETRY_SECONDS);
  response.end(request.method === "HEAD" ? undefined : body);
}
