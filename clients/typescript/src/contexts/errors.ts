/** The error of a file of contexts that cannot be used. */

/** One mistake: the file, its line and column (from 1; 0: the file as a whole), the broken rule, and what to do. */
export interface ContextProblem {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly fix: string;
}

/** The file of contexts cannot be used, or has no such context; `problems` are all its mistakes. */
export class ContextsError extends Error {
  readonly problems: readonly ContextProblem[];

  constructor(problems: readonly ContextProblem[]) {
    super(problems.map(shown).join("; "));
    this.name = "ContextsError";
    this.problems = problems;
  }
}

/** Return the error of one mistake that is about a file as a whole. */
export function errorIn(file: string, message: string, fix = ""): ContextsError {
  return new ContextsError([{ file, line: 0, column: 0, message, fix }]);
}

function shown({ file, line, column, message, fix }: ContextProblem): string {
  const place = line > 0 ? `${file}:${line.toString()}:${column.toString()}` : file;
  return `${place}: ${message}${fix && `; ${fix}`}`;
}
