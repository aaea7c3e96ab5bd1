/** The methods of a gRPC service, and the role that a caller of each needs. */

import type { DescService } from "@bufbuild/protobuf";
import type { ServiceDefinition } from "@grpc/grpc-js";

import { CLOSED, entriesOf, type AccessMap, type MethodAccess } from "./access.js";

const METHOD = /^\/[A-Za-z_][\w.]*\/(?:[A-Za-z_]\w*|\*)$/;

/** What a map has beside its roles. */
export interface RoleMapOptions {
  /** Methods that are open to every caller. */
  readonly public?: readonly string[];
  /** The services that are protected, as gRPC for Node or protobuf-es describes them. */
  readonly services?: readonly (ServiceDefinition | DescService)[];
}

/**
 * Maps `/package.Service/Method` to a role. `/package.Service/*` stands for the methods of a service without an own entry.
 *
 * A method that is neither here nor public is closed. With `services`, a map that names a method which they do not have, or that misses one of
 * theirs, is invalid: otherwise a misspelt entry would leave its method to the entry with `*`. The constructor throws a `TypeError` if the map
 * is invalid.
 */
export class RoleMap implements AccessMap {
  readonly roles: ReadonlySet<string>;
  readonly #entries = new Map<string, MethodAccess>();

  constructor(roles: Readonly<Record<string, string>>, options: RoleMapOptions = {}) {
    for (const entry of entriesOf(roles, options.public ?? [])) this.#add(entry);
    this.roles = new Set(Object.values(roles));
    if (options.services !== undefined) this.#requireComplete(options.services.flatMap(pathsOf));
  }

  /** Return how the method is protected. */
  find(name: string): MethodAccess {
    return this.#entries.get(name) ?? this.#entries.get(`${name.slice(0, name.lastIndexOf("/"))}/*`) ?? CLOSED;
  }

  #add(entry: MethodAccess): void {
    const { pattern } = entry;
    if (!METHOD.test(pattern)) {
      throw new TypeError(
        `\`${pattern}\` names no method; write \`/package.Service/Method\`, or \`/package.Service/*\` for all others`,
      );
    }
    if (this.#entries.has(pattern)) throw new TypeError(`\`${pattern}\` is listed twice`);
    this.#entries.set(pattern, entry);
  }

  #requireComplete(methods: readonly string[]): void {
    const exact = [...this.#entries.values()].filter(({ pattern, role }) => role !== "" && !pattern.endsWith("*"));
    const unknown = exact.find(({ pattern }) => !methods.includes(pattern));
    if (unknown !== undefined)
      throw new TypeError(`\`${unknown.pattern}\` is no method of the services; correct the name`);
    const missing = methods.find((method) => this.find(method) === CLOSED);
    if (missing !== undefined) throw new TypeError(`\`${missing}\` has no role and is not public; add it to the map`);
  }
}

function pathsOf(service: ServiceDefinition | DescService): string[] {
  if (!isDescService(service)) return Object.values(service).map(({ path }) => path);
  return service.methods.map(({ name }) => `/${service.typeName}/${name}`);
}

function isDescService(service: ServiceDefinition | DescService): service is DescService {
  return "kind" in service && (service.kind as unknown) === "service";
}
