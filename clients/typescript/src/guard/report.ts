/** Reports what a guard finds: counts it, logs refusals, and calls back. */

import { passes, type GuardDecision, type GuardMode, type GuardOutcome } from "./decision.js";

/** Receives each decision. It must be quick; what it throws is logged. */
export type OnDecision = (decision: GuardDecision) => void;

/** Receives lines of the log of a guard. */
export interface GuardLog {
  info(line: string): void;
  warn(line: string): void;
  error(line: string): void;
}

/** Of the log. Callers cause these lines, so they must not be able to fill a disk. */
const LINES_PER_SECOND = 10;

const MAX_CHARACTERS = 200;

const LEVELS: Readonly<Record<GuardOutcome, keyof GuardLog>> = {
  allowed: "info",
  public: "info",
  denied: "info",
  unknown_caller: "info",
  closed: "warn",
  not_observed: "warn",
  undecided: "error",
};

/** One number of a guard: how many decisions had this role and outcome. The role is empty for calls without one. */
export interface GuardCount {
  readonly role: string;
  readonly outcome: GuardOutcome;
  readonly count: number;
}

/** Counts decisions. The roles are those of the maps, so the number of counters is limited by the maps. */
export class GuardCounts {
  readonly #counts = new Map<string, GuardCount>();

  /** Count a decision. */
  add({ role, outcome }: GuardDecision): void {
    const key = `${role} ${outcome}`;
    this.#counts.set(key, { role, outcome, count: (this.#counts.get(key)?.count ?? 0) + 1 });
  }

  /** Return the number of decisions so far of each role and outcome. */
  byRole(): readonly GuardCount[] {
    return [...this.#counts.values()];
  }

  /** Return the number of decisions so far with this outcome. */
  total(outcome: GuardOutcome): number {
    return this.byRole().reduce((sum, one) => sum + (one.outcome === outcome ? one.count : 0), 0);
  }
}

/** Limits lines to some a second, and counts those that are left out. */
class LineLimit {
  #second = -1;
  #written = 0;
  #leftOut = 0;

  /** Return the number of lines that were left out since the last one, or undefined if this one is left out too. */
  admit(): number | undefined {
    const second = Math.floor(performance.now() / 1_000);
    if (second !== this.#second) [this.#second, this.#written] = [second, 0];
    if (this.#written >= LINES_PER_SECOND) {
      this.#leftOut += 1;
      return undefined;
    }
    this.#written += 1;
    const leftOut = this.#leftOut;
    this.#leftOut = 0;
    return leftOut;
  }
}

/** Where the decisions of a guard are reported. */
export class GuardReport {
  readonly counts = new GuardCounts();
  readonly #mode: GuardMode;
  readonly #log: GuardLog;
  readonly #onDecision: OnDecision | undefined;
  readonly #limit = new LineLimit();

  constructor(mode: GuardMode, log: GuardLog, onDecision: OnDecision | undefined) {
    this.#mode = mode;
    this.#log = log;
    this.#onDecision = onDecision;
  }

  /** Report a decision. Never throws. */
  add(decision: GuardDecision): void {
    this.counts.add(decision);
    try {
      this.#write(decision);
      this.#onDecision?.(decision);
    } catch (error) {
      process.emitWarning(`the log or the callback of a guard failed: ${String(error)}`, "RolecallWarning");
    }
  }

  #write(decision: GuardDecision): void {
    if (passes(decision)) return;
    const leftOut = this.#limit.admit();
    if (leftOut === undefined) return;
    const isObserving = this.#mode === "observe";
    // Of an observing guard every line matters: they show what to mend before the guard enforces.
    const level = isObserving ? "warn" : LEVELS[decision.outcome];
    this.#log[level](
      `${isObserving ? "would be refused" : "refused"} ${decision.outcome}: ${factsOf(decision, leftOut)}`,
    );
  }
}

function factsOf(decision: GuardDecision, leftOut: number): string {
  const facts = {
    method: shown(decision.method),
    role: decision.role,
    caller: decision.caller && shown(decision.caller),
    reason: decision.reason,
    decision_id: decision.decisionId,
    detail: decision.detail && shown(decision.detail),
    lines_left_out: leftOut === 0 ? "" : leftOut.toString(),
  };
  return Object.entries(facts)
    .flatMap(([name, fact]) => (fact === "" ? [] : [`${name}=${fact}`]))
    .join(" ");
}

/** Return a text without line breaks, and not of megabytes: callers choose methods and paths. */
function shown(text: string): string {
  const cut = text.length > MAX_CHARACTERS ? `${text.slice(0, MAX_CHARACTERS)}...` : text;
  return JSON.stringify(cut).replace(
    /[^ -~]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
