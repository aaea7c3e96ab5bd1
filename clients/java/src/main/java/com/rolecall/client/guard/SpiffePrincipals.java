package com.rolecall.client.guard;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Callers by the SPIFFE id of their certificate.
 *
 * <p>In a pattern {@code *} stands for one whole segment of the path. An id that is listed counts
 * before a pattern; an id that matches patterns of different principals names no caller.
 */
public final class SpiffePrincipals implements CallerRule {
  private static final int MAX_PATTERNS = 1_000;
  private static final String ANY = "*";

  private record Entry(String[] segments, String principal) {}

  private final Map<String, String> principals;
  private final List<Entry> patterns = new ArrayList<>();

  /**
   * Makes the rule.
   *
   * @param principals principals by SPIFFE id, such as {@code
   *     spiffe://prod.example/ns/shop/sa/cart}
   * @throws IllegalArgumentException if an id or a principal is invalid, or there are more than
   *     1,000 patterns
   */
  public SpiffePrincipals(Map<String, String> principals) {
    this.principals = Principals.checked(principals);
    this.principals.forEach(
        (id, principal) -> {
          requirePattern(id);
          if (id.contains(ANY)) {
            patterns.add(new Entry(id.split("/", -1), principal));
          }
        });
    if (patterns.size() > MAX_PATTERNS) {
      throw new IllegalArgumentException(
          "the map has %,d patterns; the limit is %,d".formatted(patterns.size(), MAX_PATTERNS));
    }
  }

  @Override
  public CallerIdentity identify(PeerFacts peer) {
    String id = CertificateNames.spiffeId(peer);
    Set<String> found = find(id);
    if (found.size() != 1) {
      String what =
          found.isEmpty()
              ? "stands for no principal; add it to the map"
              : "stands for " + found.size() + " principals";
      throw new UnknownCallerException("the certificate has `" + id + "`, which " + what);
    }
    return CallerIdentity.of(found.iterator().next());
  }

  @Override
  public boolean needsAccount() {
    return Principals.haveServiceAccount(principals);
  }

  private Set<String> find(String id) {
    String exact = principals.get(id);
    if (exact != null) {
      return Set.of(exact);
    }
    String[] segments = id.split("/", -1);
    Set<String> found = new HashSet<>();
    for (Entry entry : patterns) {
      if (matches(entry.segments, segments)) {
        found.add(entry.principal);
      }
    }
    return found;
  }

  private static boolean matches(String[] pattern, String[] segments) {
    if (pattern.length != segments.length) {
      return false;
    }
    for (int i = 0; i < pattern.length; i++) {
      if (!pattern[i].equals(ANY) && !pattern[i].equals(segments[i])) {
        return false;
      }
    }
    return true;
  }

  private static void requirePattern(String text) {
    String[] segments = text.split("/", -1);
    for (int i = 3; i < segments.length; i++) {
      segments[i] = segments[i].equals(ANY) ? "x" : segments[i];
    }
    if (!CertificateNames.isSpiffeId(String.join("/", segments))) {
      throw new IllegalArgumentException(
          "`%s` is no SPIFFE id; write `spiffe://TRUST_DOMAIN/PATH`, with `*` for whole segments of the path alone"
              .formatted(text));
    }
  }
}
