package com.rolecall.client.contexts;

import java.util.regex.Pattern;

/** The names in a file of contexts: those of contexts, aliases and accounts. */
final class Names {
  static final String CONTEXT_RULE =
      "write 1 to 63 letters, digits, `.`, `_`, `-`, the first a letter or digit";
  static final String ALIAS_RULE =
      "write 1 to 63 letters, digits, `_`, `.`, `-`, the first a letter";
  static final String ACCOUNT_RULE = "write its 1 to 20 digits";

  private static final Pattern CONTEXT = Pattern.compile("[A-Za-z0-9][A-Za-z0-9._-]{0,62}");
  private static final Pattern ALIAS = Pattern.compile("[A-Za-z][A-Za-z0-9_.-]{0,62}");
  private static final Pattern ACCOUNT = Pattern.compile("[0-9]{1,20}");

  private Names() {}

  static boolean isContext(String text) {
    return CONTEXT.matcher(text).matches();
  }

  static boolean isAlias(String text) {
    return ALIAS.matcher(text).matches();
  }

  static boolean isAccount(String text) {
    return ACCOUNT.matcher(text).matches();
  }
}
