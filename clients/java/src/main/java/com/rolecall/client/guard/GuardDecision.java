package com.rolecall.client.guard;

/**
 * What a guard found about one call. Nothing of it may be shown to the caller but the id of the
 * decision.
 *
 * @param outcome what was found
 * @param method the method
 * @param pattern the entry of the map that names the method; empty: none
 * @param role the role of the method; empty: none
 * @param caller who was asked for; empty: nobody
 * @param decisionId the id of the decision; empty: there is none
 * @param reason the reason of the decision, or that of the error
 * @param detail a sentence for the log; may be empty
 */
public record GuardDecision(
    GuardOutcome outcome,
    String method,
    String pattern,
    String role,
    String caller,
    String decisionId,
    String reason,
    String detail) {
  /**
   * Returns whether an enforcing guard lets the call pass.
   *
   * @return whether it does
   */
  public boolean allowed() {
    return outcome == GuardOutcome.ALLOWED || outcome == GuardOutcome.PUBLIC;
  }

  static GuardDecision of(
      GuardOutcome outcome, String method, MethodAccess access, String caller, String detail) {
    return new GuardDecision(
        outcome, method, access.pattern(), access.role(), caller, "", "", detail);
  }

  GuardDecision withReason(String id, String why) {
    return new GuardDecision(outcome, method, pattern, role, caller, id, why, detail);
  }
}
