package com.rolecall.client.contexts;

import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;

/** The file of contexts cannot be used, or has no such context. */
public class ContextsException extends IllegalArgumentException {
  /** All mistakes. */
  private final List<ContextProblem> problems;

  ContextsException(List<ContextProblem> problems) {
    super(problems.stream().map(ContextProblem::toString).collect(Collectors.joining("; ")));
    this.problems = List.copyOf(problems);
  }

  static ContextsException in(Path file, String message, String fix) {
    return new ContextsException(List.of(new ContextProblem(file.toString(), 0, 0, message, fix)));
  }

  /**
   * Returns all mistakes.
   *
   * @return the mistakes, in the order of the file
   */
  public List<ContextProblem> problems() {
    return problems;
  }
}
