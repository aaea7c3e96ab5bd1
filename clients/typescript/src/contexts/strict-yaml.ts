/**
 * Decodes the YAML of a file of contexts into nodes that know their place.
 *
 * Accepted is the part of YAML in which a value means what it looks like: one document, no tags, no anchors and aliases, no key twice. Scalars
 * stay text here; what reads a field decides whether the text is a number.
 */

import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
  type Scalar,
} from "yaml";

import { ContextsError, errorIn } from "./errors.js";
import { MAX_DEPTH, MAX_VALUES } from "./limits.js";
import { grouped, quoted } from "./text.js";

/** A line and a column of the file, from 1. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

/** A scalar. `plain`: without quotes. */
export interface YamlText {
  readonly kind: "text";
  readonly place: Place;
  readonly text: string;
  readonly plain: boolean;
}

/** A sequence. */
export interface YamlList {
  readonly kind: "list";
  readonly place: Place;
  readonly items: readonly YamlNode[];
}

/** A mapping; the place of each member is that of its key. */
export interface YamlMapping {
  readonly kind: "mapping";
  readonly place: Place;
  readonly members: ReadonlyMap<string, { readonly place: Place; readonly value: YamlNode }>;
}

export type YamlNode = YamlText | YamlList | YamlMapping;

/** Return the content of a file; throw `ContextsError` for YAML that is broken, ambiguous or nested too deep. */
export function decodeYaml(text: string, file: string): YamlNode {
  const lines = new LineCounter();
  const documents = parsed(text, file, lines);
  if (documents[0] === undefined) throw emptyError(file);
  return new Decoder(file, lines).document(documents);
}

function parsed(text: string, file: string, lines: LineCounter): readonly Document.Parsed[] {
  try {
    // No schema but the one in which every scalar is text. Duplicate keys are found here, with the line of the first.
    const options = {
      schema: "failsafe",
      uniqueKeys: false,
      merge: false,
      lineCounter: lines,
      prettyErrors: false,
    } as const;
    const documents = parseAllDocuments(text, options);
    return Array.isArray(documents) ? (documents as Document.Parsed[]) : [];
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    // The parser calls itself for each level.
    throw errorIn(file, `nested deeper than ${MAX_DEPTH.toString()} levels, which is the limit`);
  }
}

function emptyError(file: string): ContextsError {
  return errorIn(file, "the file is empty", "write `contexts:` with at least one context");
}

/** Decodes one file. */
class Decoder {
  readonly #file: string;
  readonly #lines: LineCounter;
  #count = 0;

  constructor(file: string, lines: LineCounter) {
    this.#file = file;
    this.#lines = lines;
  }

  document([first, second]: readonly Document.Parsed[]): YamlNode {
    const [error] = first?.errors ?? [];
    if (error !== undefined) throw this.#refusal(error.pos[0], `not YAML: ${error.message.split("\n", 1)[0] ?? ""}`);
    if (second !== undefined) {
      throw this.#refusal(second.range[0], "the file has several documents", "write one, without `---`");
    }
    const root = first?.contents;
    if (root === null || root === undefined) throw emptyError(this.#file);
    return this.#node(root, 1);
  }

  #node(node: Node, depth: number): YamlNode {
    this.#requirePlain(node, depth);
    const place = this.#placeOf(node.range?.[0]);
    if (isScalar(node)) return { kind: "text", place, text: textOf(node), plain: node.type === "PLAIN" };
    if (isSeq(node))
      return { kind: "list", place, items: node.items.map((item) => this.#node(item as Node, depth + 1)) };
    if (isMap(node))
      return { kind: "mapping", place, members: this.#members(node.items as readonly YamlPair[], depth) };
    throw this.#refusal(node.range?.[0], "not YAML: cannot be read");
  }

  #members(pairs: readonly YamlPair[], depth: number): YamlMapping["members"] {
    const members = new Map<string, { place: Place; value: YamlNode }>();
    for (const { key, value } of pairs) {
      const name = this.#key(key, depth);
      const place = this.#placeOf(key?.range?.[0]);
      const first = members.get(name);
      if (first !== undefined) {
        const message = `the key ${quoted(name)} is given twice; the first is in line ${first.place.line.toString()}`;
        throw this.#refusal(key?.range?.[0], message, "remove one of the two");
      }
      const empty: YamlText = { kind: "text", place, text: "", plain: true };
      members.set(name, { place, value: value === null ? empty : this.#node(value, depth + 1) });
    }
    return members;
  }

  #key(key: Node | null, depth: number): string {
    if (key !== null) this.#requirePlain(key, depth);
    if (!isScalar(key)) throw this.#refusal(key?.range?.[0], "a key must be text", "write a name");
    return textOf(key);
  }

  #requirePlain(node: Node, depth: number): void {
    this.#count += 1;
    const offset = node.range?.[0];
    const { anchor, tag } = node as { anchor?: string; tag?: string };
    if (isAlias(node) || anchor !== undefined) {
      throw this.#refusal(offset, "anchors and aliases are not supported", "write the value itself");
    }
    if (tag !== undefined)
      throw this.#refusal(offset, `the tag ${quoted(tag)} is not supported`, "write the value itself");
    if (depth > MAX_DEPTH)
      throw this.#refusal(offset, `nested deeper than ${MAX_DEPTH.toString()} levels, which is the limit`);
    if (this.#count > MAX_VALUES)
      throw this.#refusal(offset, `the file has more than ${grouped(MAX_VALUES)} values, which is the limit`);
  }

  #placeOf(offset: number | undefined): Place {
    const { line, col } = this.#lines.linePos(offset ?? 0);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  }

  #refusal(offset: number | undefined, message: string, fix = ""): ContextsError {
    return new ContextsError([{ file: this.#file, ...this.#placeOf(offset), message, fix }]);
  }
}

function textOf({ value }: Scalar): string {
  return typeof value === "string" ? value : "";
}

interface YamlPair {
  readonly key: Node | null;
  readonly value: Node | null;
}
