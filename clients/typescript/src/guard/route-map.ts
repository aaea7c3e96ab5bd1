/** The routes of an HTTP service, and the role that a caller of each needs. */

import { CLOSED, entriesOf, type AccessMap, type MethodAccess } from "./access.js";

const MAX_SEGMENTS = 64;

const ROUTE = /^([A-Z]+|\*) (\/[^\n]*)$/;
const LITERAL = /^[A-Za-z0-9._~!$&'()+,;=:@-]*$/;
const PARAMETER = /^\{\w+\}$/;

/** A place in the tree of patterns: what follows it, and the entries that end there, by verb. */
class Place {
  readonly literals = new Map<string, Place>();
  parameter: Place | undefined;
  readonly ends = new Map<string, MethodAccess>();
  readonly rest = new Map<string, MethodAccess>();
}

/**
 * Maps `VERB /path` to a role: `POST /orders/{id}/refund`, `GET /orders/*`, `* /admin/*`.
 *
 * `{name}` stands for one segment that is not empty, `*` at the end for everything that follows, and `*` as the verb for each verb. `GET` includes
 * HEAD. Of several patterns that match a path the first in this order counts, segment by segment from the left: the literal, `{name}`, `*`; then
 * the verb itself, then `*`. As in Express, case and a slash at the end do not count. Routes in `public` are open to every caller; a route that is
 * in neither is closed. The constructor throws a `TypeError` if the map is invalid.
 */
export class RouteMap implements AccessMap {
  readonly roles: ReadonlySet<string>;
  readonly #root = new Place();

  constructor(roles: Readonly<Record<string, string>>, options: { readonly public?: readonly string[] } = {}) {
    for (const entry of entriesOf(roles, options.public ?? [])) this.#add(entry);
    this.roles = new Set(Object.values(roles));
  }

  /** Return how a route, as `VERB /path`, is protected. */
  find(name: string): MethodAccess {
    const at = name.indexOf(" ");
    const [verb, path] = [name.slice(0, at), name.slice(at + 1)];
    if (at < 1 || !path.startsWith("/")) return CLOSED;
    const access = this.#find(verb, path);
    // Express compares the path as it was sent, and others decode it first. If that makes a difference the route is closed.
    return path.includes("%") && this.#find(verb, decoded(path)) !== access ? CLOSED : access;
  }

  #find(verb: string, path: string): MethodAccess {
    const segments = segmentsOf(path);
    if (segments.length > MAX_SEGMENTS || !isPlain(segments)) return CLOSED;
    return found(this.#root, segments, verbsOf(verb)) ?? CLOSED;
  }

  #add(entry: MethodAccess): void {
    const [, verb, path] = ROUTE.exec(entry.pattern) ?? [];
    if (verb === undefined || path === undefined) {
      throw new TypeError(`\`${entry.pattern}\` is no route; write a verb and a path, such as \`GET /orders/{id}\``);
    }
    const ends = this.#endsOf(entry.pattern, segmentsOf(path));
    const other = ends.get(verb);
    if (other !== undefined) {
      throw new TypeError(`\`${entry.pattern}\` and \`${other.pattern}\` are the same route; remove one`);
    }
    ends.set(verb, entry);
  }

  #endsOf(pattern: string, segments: readonly string[]): Map<string, MethodAccess> {
    if (segments.length > MAX_SEGMENTS) {
      throw new TypeError(`\`${pattern}\` has ${segments.length} segments; the limit is ${MAX_SEGMENTS}`);
    }
    if (!isPlain(segments))
      throw new TypeError(`\`${pattern}\` has a segment \`.\`, \`..\` or an empty one, which never matches`);
    let place = this.#root;
    for (const [index, segment] of segments.entries()) {
      if (segment === "*" && index === segments.length - 1) return place.rest;
      place = next(place, segment, pattern);
    }
    return place.ends;
  }
}

/** Return a path with its escapes decoded, or one that no route has. */
function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return "/..";
  }
}

/** Return the segments of a path. A slash at the end does not count. */
function segmentsOf(path: string): string[] {
  const segments = path.split("/").slice(1);
  if (segments.length > 1 && segments.at(-1) === "") segments.pop();
  return segments;
}

/** Return whether every reader reads these segments alike: none is `.` or `..`, and none is empty unless it is the only one. */
function isPlain(segments: readonly string[]): boolean {
  // `//`, `/./` and `/../` are one path for one reader and another for the next. A framework could reach another route.
  return segments.every((segment) => segment !== "." && segment !== ".." && (segment !== "" || segments.length === 1));
}

function next(place: Place, segment: string, pattern: string): Place {
  if (PARAMETER.test(segment)) return (place.parameter ??= new Place());
  if (!LITERAL.test(segment)) {
    throw new TypeError(
      `\`${pattern}\` has the segment \`${segment}\`; write text, \`{name}\` for one segment, or \`*\` at the end for the rest`,
    );
  }
  const literal = place.literals.get(segment.toLowerCase()) ?? new Place();
  place.literals.set(segment.toLowerCase(), literal);
  return literal;
}

/** Return the entry that counts of those that match. */
function found(place: Place, segments: readonly string[], verbs: readonly string[]): MethodAccess | undefined {
  const [first, ...others] = segments;
  if (first === undefined) return ofVerb(place.ends, verbs);
  const literal = place.literals.get(first.toLowerCase());
  return (
    (literal && found(literal, others, verbs)) ??
    (first !== "" && place.parameter ? found(place.parameter, others, verbs) : undefined) ??
    ofVerb(place.rest, verbs)
  );
}

function ofVerb(entries: ReadonlyMap<string, MethodAccess>, verbs: readonly string[]): MethodAccess | undefined {
  return verbs.map((verb) => entries.get(verb)).find((entry) => entry !== undefined);
}

function verbsOf(verb: string): string[] {
  return verb === "HEAD" ? [verb, "GET", "*"] : [verb, "*"];
}
