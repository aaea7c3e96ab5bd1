/** How messages about a file of contexts show its texts and its names. */

const MAX_SHOWN = 80;
const MAX_COMPARED = 64;
const MAX_LISTED = 10;
const PRINTABLE = /^[\p{L}\p{M}\p{N}\p{P}\p{S} ]*$/u;

/** Return a text in backticks, cut if it is long, with unprintable characters escaped. */
export function quoted(text: string): string {
  const characters = [...text];
  const cut = characters.length > MAX_SHOWN ? [...characters.slice(0, MAX_SHOWN), "..."] : characters;
  return `\`${cut.map((character) => (isPrintable(character) ? character : escaped(character))).join("")}\``;
}

/** Return whether every character of a text can be seen. */
export function isPrintable(text: string): boolean {
  return PRINTABLE.test(text);
}

/** Return a number with separators, as in a message. */
export function grouped(number: number): string {
  return number.toLocaleString("en");
}

/** Return what to write instead of an unknown name; `none` if no name is known. */
export function insteadOf(name: string, names: Iterable<string>, none: string): string {
  const known = [...names].sort();
  if (known.length === 0) return none;
  const meant = nearest(name.slice(0, MAX_COMPARED), known);
  if (meant !== undefined) return `did you mean \`${meant}\`?`;
  const more = known.length > MAX_LISTED ? ` and ${(known.length - MAX_LISTED).toString()} more` : "";
  return `known: ${known
    .slice(0, MAX_LISTED)
    .map((one) => `\`${one}\``)
    .join(", ")}${more}`;
}

function nearest(name: string, known: readonly string[]): string | undefined {
  const [best] = known
    .map((one) => ({ one, edits: editsBetween(name, one.slice(0, MAX_COMPARED)) }))
    .filter(({ one, edits }) => edits <= Math.max(name.length, one.length) * 0.5)
    .sort((left, right) => left.edits - right.edits);
  return best?.one;
}

/** Return how many characters have to be added, removed or replaced to make one text of the other. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, character] of [...one].entries()) {
    const next = [index + 1];
    for (let column = 1; column <= other.length; column += 1) {
      const replaced = (row[column - 1] ?? 0) + (other[column - 1] === character ? 0 : 1);
      next.push(Math.min(replaced, (row[column] ?? 0) + 1, (next[column - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[other.length] ?? 0;
}

function escaped(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
