package com.rolecall.client.contexts;

/** The limits of a file of contexts. A file that exceeds one is refused. */
final class Limits {
  static final int FILE_BYTES = 256 * 1024;
  static final int DEPTH = 8;
  static final int VALUES = 20_000;
  static final int CONTEXTS = 200;
  static final int ALIASES = 1_000;
  static final int WORDS = 64;
  static final int TEXT_CHARACTERS = 4_096;
  static final int PROBLEMS = 50;
  static final int TIMEOUT_SECONDS = 86_400;

  private Limits() {}

  /** Returns a number as messages show it. */
  static String shown(int number) {
    return "%,d".formatted(number).replace('\u00a0', ',').replace('.', ',');
  }
}
