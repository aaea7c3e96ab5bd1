package com.rolecall.client.contexts;

import com.rolecall.client.CommandToken;
import com.rolecall.client.FileToken;
import com.rolecall.client.TlsFiles;
import com.rolecall.client.TokenSource;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** One context: a server, and how to connect to it. What it does not say is null. */
record ServerContext(
    String name, String address, String agent, TlsFiles tls, Token token, Duration timeout) {
  /** Where the token comes from: a file, or what a command prints. The other one is null. */
  record Token(Path file, List<String> command) {
    TokenSource source() {
      return file == null ? new CommandToken(command) : new FileToken(file);
    }
  }
}
