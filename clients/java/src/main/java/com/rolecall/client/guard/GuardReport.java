package com.rolecall.client.guard;

import java.lang.System.Logger.Level;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/** Reports what a guard finds: counts it, logs refusals, and calls back. */
final class GuardReport {
  // Callers cause these lines, so they must not be able to fill a disk.
  private static final int LINES_PER_SECOND = 10;
  private static final int MAX_CHARACTERS = 200;
  private static final System.Logger LOG = System.getLogger("com.rolecall.client.guard");

  private final GuardMode mode;
  private final GuardCounts counts;
  private final Consumer<GuardDecision> onDecision;
  private long second;
  private int written;
  private int leftOut;

  GuardReport(GuardMode mode, GuardCounts counts, Consumer<GuardDecision> onDecision) {
    this.mode = mode;
    this.counts = counts;
    this.onDecision = onDecision;
  }

  GuardMode mode() {
    return mode;
  }

  /** Reports a decision. Never throws. */
  void add(GuardDecision decision) {
    counts.add(decision);
    log(decision);
    try {
      onDecision.accept(decision);
    } catch (RuntimeException error) {
      // A callback must not change what happens to a call.
      if (admit() >= 0) {
        LOG.log(Level.ERROR, "the callback of a guard failed", error);
      }
    }
  }

  private void log(GuardDecision decision) {
    Level level = level(decision.outcome());
    if (level == null || !LOG.isLoggable(level)) {
      return;
    }
    int lines = admit();
    if (lines >= 0) {
      String verb = mode == GuardMode.ENFORCE ? "refused" : "would be refused";
      LOG.log(level, verb + " " + decision.outcome() + ":" + facts(decision, lines));
    }
  }

  private Level level(GuardOutcome outcome) {
    Level enforced =
        switch (outcome) {
          case ALLOWED, PUBLIC -> null;
          case DENIED, UNKNOWN_CALLER -> Level.INFO;
          case CLOSED, NOT_OBSERVED -> Level.WARNING;
          case UNDECIDED -> Level.ERROR;
        };
    // Of an observing guard every line matters: they show what to mend before it enforces.
    return enforced != null && mode == GuardMode.OBSERVE ? Level.WARNING : enforced;
  }

  /** Returns how many lines were left out since the last one; -1 if this one is left out, too. */
  private synchronized int admit() {
    long now = TimeUnit.NANOSECONDS.toSeconds(System.nanoTime());
    if (now != second) {
      second = now;
      written = 0;
    }
    if (written >= LINES_PER_SECOND) {
      leftOut++;
      return -1;
    }
    written++;
    int lines = leftOut;
    leftOut = 0;
    return lines;
  }

  private static String facts(GuardDecision decision, int lines) {
    StringBuilder facts = new StringBuilder();
    add(facts, "method", shown(decision.method()));
    add(facts, "role", decision.role());
    add(facts, "caller", decision.caller().isEmpty() ? "" : shown(decision.caller()));
    add(facts, "reason", decision.reason());
    add(facts, "decision_id", decision.decisionId());
    add(facts, "detail", decision.detail().isEmpty() ? "" : shown(decision.detail()));
    add(facts, "lines_left_out", lines == 0 ? "" : String.valueOf(lines));
    return facts.toString();
  }

  private static void add(StringBuilder facts, String name, String value) {
    if (!value.isEmpty()) {
      facts.append(' ').append(name).append('=').append(value);
    }
  }

  /** Callers choose some texts: no line breaks, and not megabytes. */
  private static String shown(String text) {
    StringBuilder shown = new StringBuilder("'");
    text.chars()
        .limit(MAX_CHARACTERS)
        .forEach(
            c -> {
              if (32 <= c && c < 127 && c != '\'' && c != '\\') {
                shown.append((char) c);
              } else {
                shown.append("\\u%04x".formatted(c));
              }
            });
    return shown.append(text.length() > MAX_CHARACTERS ? "'..." : "'").toString();
  }
}
