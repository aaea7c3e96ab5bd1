/** How the methods of a service are protected: by a role each, open to every caller, or closed. */

const MAX_ENTRIES = 10_000;

const ROLE = /^(?:acs:ram::[0-9]{1,20}:role\/|[0-9]{1,20}\/|[A-Za-z][A-Za-z0-9_.-]{0,62}\/)?[A-Za-z0-9.-]{1,64}$/;

/** How a method is protected: by `role`, or `public`; with neither it is closed. `pattern` is the entry that says so. */
export interface MethodAccess {
  readonly pattern: string;
  readonly role: string;
  readonly isPublic: boolean;
}

/** That of a method which no entry names. */
export const CLOSED: MethodAccess = Object.freeze({ pattern: "", role: "", isPublic: false });

/** The methods of a service, and how each is protected. */
export interface AccessMap {
  /** Every role that protects a method. */
  readonly roles: ReadonlySet<string>;
  /** Return how a method is protected; closed if no entry names it. */
  find(name: string): MethodAccess;
}

/** Return the entries of a map as it was written; throw a `TypeError` if it names no method, or one twice, or no role. */
export function entriesOf(roles: Readonly<Record<string, string>>, opened: readonly string[]): MethodAccess[] {
  const named = Object.entries(roles);
  const count = named.length + opened.length;
  if (count < 1 || count > MAX_ENTRIES) {
    throw new TypeError(`a map names 1 to ${MAX_ENTRIES} methods, and this one ${count}`);
  }
  const both = opened.find((pattern) => Object.hasOwn(roles, pattern));
  if (both !== undefined) throw new TypeError(`\`${both}\` has a role and is public; remove one of the entries`);
  return [
    ...opened.map((pattern) => ({ pattern, role: "", isPublic: true })),
    ...named.map(([pattern, role]) => ({ pattern, role: requiredRole(pattern, role), isPublic: false })),
  ];
}

function requiredRole(pattern: string, role: string): string {
  if (ROLE.test(role)) return role;
  throw new TypeError(
    `\`${pattern}\` has the role \`${role}\`, which names no role; write NAME, ACCOUNT/NAME or acs:ram::ACCOUNT:role/NAME`,
  );
}
