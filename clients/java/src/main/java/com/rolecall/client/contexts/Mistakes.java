package com.rolecall.client.contexts;

import com.rolecall.client.contexts.YamlNode.Place;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** The mistakes found so far in one file. */
final class Mistakes {
  private final Path file;
  private final List<ContextProblem> found = new ArrayList<>();

  Mistakes(Path file) {
    this.file = file;
  }

  Path file() {
    return file;
  }

  /** Notes a mistake; throws all when there are as many as are reported. */
  void note(Place place, String message, String fix) {
    found.add(new ContextProblem(file.toString(), place.line(), place.column(), message, fix));
    if (found.size() == Limits.PROBLEMS) {
      throwIfAny();
    }
  }

  void throwIfAny() {
    if (!found.isEmpty()) {
      found.sort(
          Comparator.comparingInt(ContextProblem::line).thenComparingInt(ContextProblem::column));
      throw new ContextsException(found);
    }
  }
}
