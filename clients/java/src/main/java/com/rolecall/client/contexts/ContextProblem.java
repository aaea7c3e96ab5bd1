package com.rolecall.client.contexts;

/**
 * One mistake in a file of contexts.
 *
 * @param file the file
 * @param line the line, from 1; 0: the file as a whole
 * @param column the column, from 1; 0: the file as a whole
 * @param message the broken rule
 * @param fix what to do; may be empty
 */
public record ContextProblem(String file, int line, int column, String message, String fix) {
  @Override
  public String toString() {
    String place = line > 0 ? "%s:%d:%d".formatted(file, line, column) : file;
    return place + ": " + message + (fix.isEmpty() ? "" : "; " + fix);
  }
}
