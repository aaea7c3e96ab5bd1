package com.rolecall.client;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/** Says in words why a file could not be used. */
final class Reasons {
  private Reasons() {}

  static String of(IOException error) {
    if (error instanceof NoSuchFileException) {
      return "it does not exist";
    }
    if (error instanceof AccessDeniedException) {
      return "permission denied";
    }
    if (error instanceof FileSystemException found && found.getReason() != null) {
      return found.getReason();
    }
    return String.valueOf(error.getMessage());
  }
}
