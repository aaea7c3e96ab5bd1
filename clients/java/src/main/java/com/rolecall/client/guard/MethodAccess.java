package com.rolecall.client.guard;

/** How a method is protected: by a role, or open to every caller; with neither it is closed. */
record MethodAccess(String pattern, String role, boolean open) {
  static final MethodAccess CLOSED = new MethodAccess("", "", false);
}
