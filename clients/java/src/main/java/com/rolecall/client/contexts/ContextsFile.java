package com.rolecall.client.contexts;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;

/** The contexts of a file by name, and the name of the current one (empty: none). */
record ContextsFile(Path path, Map<String, ServerContext> contexts, String current) {
  static final String VARIABLE = "ROLECALL_CONFIG";

  ServerContext context(String name) {
    ServerContext found = contexts.get(name);
    if (found == null) {
      throw ContextsException.in(
          path,
          "there is no context " + Texts.quoted(name),
          Texts.insteadOf(name, contexts.keySet(), "the file has no contexts"));
    }
    return found;
  }

  /** Returns the path of the file, whether it exists or not. */
  static Path locate(Map<String, String> env) {
    String named = env.getOrDefault(VARIABLE, "");
    if (!named.isEmpty()) {
      return expanded(named);
    }
    // The specification of XDG ignores relative paths.
    Path folder = Path.of(env.getOrDefault("XDG_CONFIG_HOME", ""));
    return (folder.isAbsolute() ? folder : expanded("~/.config"))
        .resolve("rolecall")
        .resolve("config.yaml");
  }

  /** Returns a path in which {@code ~} is the home of the user. */
  static Path expanded(String text) {
    if (text.equals("~") || text.startsWith("~/")) {
      String home = System.getProperty("user.home", "/");
      return Path.of(home.isEmpty() || home.equals("?") ? "/" : home, text.substring(1));
    }
    return Path.of(text);
  }

  /** Returns the contexts of the user; null if there is no file and no variable names one. */
  static ContextsFile read(Map<String, String> env) {
    Path path = locate(env);
    boolean named = !env.getOrDefault(VARIABLE, "").isEmpty();
    try {
      return ContextsReader.parse(text(path), path);
    } catch (NoSuchFileException error) {
      if (named) {
        throw ContextsException.in(
            path, VARIABLE + " names this file: it does not exist", "correct it, or unset it");
      }
      return null;
    } catch (IOException error) {
      // Neither has a user contexts whose home may not be entered, as in some containers.
      if (!named && !Files.isReadable(path.toAbsolutePath().getParent())) {
        return null;
      }
      throw ContextsException.in(path, "cannot read the file: " + error.getMessage(), "");
    }
  }

  private static String text(Path path) throws IOException {
    FileRights.requireSafe(path);
    byte[] data;
    try (InputStream file = Files.newInputStream(path)) {
      data = file.readNBytes(Limits.FILE_BYTES + 1);
    }
    if (data.length > Limits.FILE_BYTES) {
      String limit = Limits.shown(Limits.FILE_BYTES);
      throw ContextsException.in(
          path, "the file is longer than " + limit + " bytes, which is the limit", "");
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data)).toString();
    } catch (CharacterCodingException error) {
      throw ContextsException.in(path, "the file is not UTF-8 text", "");
    }
  }
}
