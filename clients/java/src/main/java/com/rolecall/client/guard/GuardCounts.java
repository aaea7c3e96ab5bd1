package com.rolecall.client.guard;

import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * Counts decisions by role and outcome. Guards may share it. The roles are those of the maps, and
 * empty for calls without one, so the number of counters is limited by the maps.
 */
public final class GuardCounts {
  /**
   * What is counted.
   *
   * @param role the role; empty for calls without one
   * @param outcome the outcome
   */
  public record Key(String role, GuardOutcome outcome) {}

  private final Map<Key, LongAdder> counts = new ConcurrentHashMap<>();

  /** Makes counters, all of which are zero. */
  public GuardCounts() {}

  void add(GuardDecision decision) {
    counts
        .computeIfAbsent(new Key(decision.role(), decision.outcome()), key -> new LongAdder())
        .increment();
  }

  /**
   * Returns the number of decisions so far of each role and outcome.
   *
   * @return the numbers
   */
  public Map<Key, Long> byRole() {
    Map<Key, Long> numbers = new HashMap<>();
    counts.forEach((key, count) -> numbers.put(key, count.sum()));
    return numbers;
  }

  /**
   * Returns the number of decisions so far with an outcome.
   *
   * @param outcome the outcome
   * @return the number
   */
  public long total(GuardOutcome outcome) {
    return counts.entrySet().stream()
        .filter(entry -> entry.getKey().outcome() == outcome)
        .mapToLong(entry -> entry.getValue().sum())
        .sum();
  }
}
