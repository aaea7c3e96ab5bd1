/** What a guard found about one call. */

/** After how many seconds a caller may try again whose call could not be decided. */
export const RETRY_SECONDS = 1;

/** What a guard does with what it finds: `observe` lets every call pass, and reports what would have been refused. */
export type GuardMode = "enforce" | "observe";

/**
 * What was found about a call. Only `allowed` and `public` calls pass an enforcing guard.
 *
 * `denied`: the caller may not assume the role of the method. `closed`: no entry of the map names the method. `unknown_caller`: the call does not
 * name exactly one caller, or its token is invalid. `undecided`: no decision could be made. `not_observed`: the guard observes, and too many
 * calls were being decided already.
 */
export type GuardOutcome = "allowed" | "public" | "denied" | "closed" | "unknown_caller" | "undecided" | "not_observed";

/**
 * What a guard found about one call.
 *
 * `pattern` is the entry of the map that names the method, `caller` who was asked for. `reason` is the reason of the decision, or the code of the
 * error; `detail` is a sentence for the log. None of them may be shown to the caller but `decisionId`.
 */
export interface GuardDecision {
  readonly outcome: GuardOutcome;
  readonly method: string;
  readonly pattern: string;
  readonly role: string;
  readonly caller: string;
  readonly decisionId: string;
  readonly reason: string;
  readonly detail: string;
}

/** Return whether an enforcing guard lets the call pass. */
export function passes({ outcome }: GuardDecision): boolean {
  return outcome === "allowed" || outcome === "public";
}
