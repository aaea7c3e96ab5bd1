package com.rolecall.client.contexts;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** How messages show the texts and the names of a file. */
final class Texts {
  private static final int MAX_SHOWN = 80;
  private static final int MAX_COMPARED = 64;
  private static final int MAX_LISTED = 10;
  private static final double CLOSE = 0.6;

  private Texts() {}

  /** Returns a text in backticks, cut if it is long, with unprintable characters escaped. */
  static String quoted(String text) {
    StringBuilder shown = new StringBuilder("`");
    text.codePoints()
        .limit(MAX_SHOWN)
        .forEach(c -> shown.append(isPrintable(c) ? Character.toString(c) : escaped(c)));
    return shown
        .append(text.codePointCount(0, text.length()) > MAX_SHOWN ? "...`" : "`")
        .toString();
  }

  static boolean isPrintable(String text) {
    return text.codePoints().allMatch(Texts::isPrintable);
  }

  /** Returns what to write instead of an unknown name; {@code none} if no name is known. */
  static String insteadOf(String name, Collection<String> known, String none) {
    List<String> sorted = known.stream().sorted().toList();
    if (sorted.isEmpty()) {
      return none;
    }
    String meant = nearest(name, sorted);
    if (!meant.isEmpty()) {
      return "did you mean `" + meant + "`?";
    }
    String listed =
        sorted.stream()
            .limit(MAX_LISTED)
            .map(one -> "`" + one + "`")
            .collect(Collectors.joining(", "));
    int more = sorted.size() - MAX_LISTED;
    return "known: " + listed + (more > 0 ? " and " + more + " more" : "");
  }

  private static String nearest(String name, List<String> known) {
    String compared = name.substring(0, Math.min(name.length(), MAX_COMPARED));
    String best = "";
    double closest = CLOSE;
    for (String one : known) {
      double closeness =
          1
              - (double) distance(compared, one)
                  / Math.max(1, Math.max(compared.length(), one.length()));
      if (closeness >= closest) {
        closest = closeness;
        best = one;
      }
    }
    return best;
  }

  /** Returns how many characters are to be added, removed or exchanged (Levenshtein). */
  private static int distance(String one, String other) {
    int[] row = new int[other.length() + 1];
    for (int j = 0; j <= other.length(); j++) {
      row[j] = j;
    }
    for (int i = 1; i <= one.length(); i++) {
      int diagonal = row[0];
      row[0] = i;
      for (int j = 1; j <= other.length(); j++) {
        int exchanged = diagonal + (one.charAt(i - 1) == other.charAt(j - 1) ? 0 : 1);
        diagonal = row[j];
        row[j] = Math.min(exchanged, Math.min(row[j], row[j - 1]) + 1);
      }
    }
    return row[other.length()];
  }

  private static boolean isPrintable(int character) {
    return character == ' '
        || switch (Character.getType(character)) {
          case Character.CONTROL,
              Character.FORMAT,
              Character.SURROGATE,
              Character.PRIVATE_USE,
              Character.UNASSIGNED,
              Character.LINE_SEPARATOR,
              Character.PARAGRAPH_SEPARATOR,
              Character.SPACE_SEPARATOR ->
              false;
          default -> true;
        };
  }

  private static String escaped(int character) {
    return switch (character) {
      case '\n' -> "\\n";
      case '\r' -> "\\r";
      case '\t' -> "\\t";
      default ->
          character < 0x100
              ? "\\x%02x".formatted(character)
              : String.format(Locale.ROOT, "\\u%04x", character);
    };
  }
}
