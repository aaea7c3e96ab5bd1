/** A value of the file of contexts, read as what a field takes; each mistake is noted with its place. */

import { dirname, resolve } from "node:path";

import { ContextsError, type ContextProblem } from "./errors.js";
import { MAX_PROBLEMS, MAX_TEXT_CHARACTERS, MAX_TIMEOUT_SECONDS } from "./limits.js";
import { expandedPath } from "./location.js";
import type { Place, YamlNode } from "./strict-yaml.js";
import { grouped, insteadOf, isPrintable, quoted } from "./text.js";

const SECONDS = /^[0-9]{1,6}(?:\.[0-9]{1,6})?$/;

/** Words that are not text without quotes. */
const NO_TEXT: readonly string[] = ["", "~", "null", "true", "false"];

/** The mistakes found so far in one file. */
export class Mistakes {
  readonly file: string;
  readonly #found: ContextProblem[] = [];

  constructor(file: string) {
    this.file = file;
  }

  /** Note a mistake; throw `ContextsError` when there are as many as are reported. */
  note(place: Place, message: string, fix = ""): void {
    this.#found.push({ file: this.file, ...place, message, fix });
    if (this.#found.length === MAX_PROBLEMS) this.throwIfAny();
  }

  /** Throw `ContextsError` with all mistakes. */
  throwIfAny(): void {
    if (this.#found.length === 0) return;
    throw new ContextsError(this.#found.sort((one, other) => one.line - other.line || one.column - other.column));
  }
}

/** The value of a field: its name for messages, and where its mistakes are noted. */
export class Field {
  readonly name: string;
  readonly node: YamlNode;
  readonly mistakes: Mistakes;

  constructor(name: string, node: YamlNode, mistakes: Mistakes) {
    this.name = name;
    this.node = node;
    this.mistakes = mistakes;
  }

  /** Note a mistake at this value. */
  refuse(message: string, fix = ""): void {
    this.mistakes.note(this.node.place, message, fix);
  }

  /** Return the known fields of a mapping; note those that are unknown or missing. */
  fields(required: readonly string[], optional: readonly string[] = []): Map<string, Field> {
    const known = [...required, ...optional];
    const wanted = `a mapping with ${known.map((name) => `\`${name}\``).join(", ")}`;
    const given = new Map(this.entries(known.length + 100, wanted));
    for (const name of given.keys()) {
      if (known.includes(name)) continue;
      this.mistakes.note(
        this.placeOf(name),
        `${quoted(name)} is not a field of ${this.name}`,
        insteadOf(name, known, ""),
      );
      given.delete(name);
    }
    for (const name of required) {
      if (this.node.kind === "mapping" && !given.has(name))
        this.refuse(`\`${name}\` is missing in ${this.name}`, "add it");
    }
    return given;
  }

  /** Return the names and values of a mapping of at most `limit` entries. */
  entries(limit: number, wanted: string): [string, Field][] {
    if (this.node.kind !== "mapping") {
      this.#refuseType(wanted);
      return [];
    }
    const { members } = this.node;
    if (members.size > limit) {
      this.refuse(`${this.name} has ${grouped(members.size)} entries`, `${grouped(limit)} are allowed`);
      return [];
    }
    return [...members].map(([name, { value }]) => [name, new Field(quoted(name), value, this.mistakes)]);
  }

  /** Return the place of a key of this mapping. */
  placeOf(name: string): Place {
    return (this.node.kind === "mapping" ? this.node.members.get(name)?.place : undefined) ?? this.node.place;
  }

  /** Return a text; empty after noting that it is none. */
  text(): string {
    const { node } = this;
    if (node.kind !== "text" || (node.plain && NO_TEXT.includes(node.text))) {
      this.#refuseType("text");
    } else if (node.text === "" || [...node.text].length > MAX_TEXT_CHARACTERS || !isPrintable(node.text)) {
      this.refuse(`${this.name} must have 1 to ${grouped(MAX_TEXT_CHARACTERS)} printable characters`);
    } else {
      return node.text;
    }
    return "";
  }

  /** Return a path, relative to the folder of the file; `~` is the home of the user. */
  path(): string | undefined {
    const text = this.text();
    return text === "" ? undefined : this.besideFile(text);
  }

  /** Return a path that is relative to the folder of the file. */
  besideFile(text: string): string {
    return resolve(dirname(resolve(this.mistakes.file)), expandedPath(text));
  }

  /** Return a time of more than 0 seconds. */
  seconds(): number | undefined {
    const text = this.node.kind === "text" && this.node.plain ? this.node.text : "";
    const seconds = SECONDS.test(text) ? Number(text) : 0;
    if (seconds > 0 && seconds <= MAX_TIMEOUT_SECONDS) return seconds;
    this.refuse(
      `${this.name} must be a number of seconds up to ${grouped(MAX_TIMEOUT_SECONDS)}`,
      "write it without quotes",
    );
    return undefined;
  }

  /** Return a list of 1 to `limit` texts; empty after noting that it is something else. */
  words(limit: number): readonly string[] {
    if (this.node.kind !== "list") {
      this.#refuseType("a list of words, such as `[print-token, --audience, rolecall]`");
      return [];
    }
    const { items } = this.node;
    if (items.length < 1 || items.length > limit) {
      this.refuse(`${this.name} has ${items.length.toString()} words`, `write 1 to ${limit.toString()}`);
      return [];
    }
    const words = items.map((item) => new Field(`a word of ${this.name}`, item, this.mistakes).text());
    return words.every((word) => word !== "") ? words : [];
  }

  #refuseType(wanted: string): void {
    this.refuse(`${this.name} must be ${wanted}, not ${kindOf(this.node)}`);
  }
}

function kindOf(node: YamlNode): string {
  if (node.kind !== "text") return `a ${node.kind}`;
  return node.plain && ["", "~", "null"].includes(node.text) ? "nothing" : quoted(node.text);
}
