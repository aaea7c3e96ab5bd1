package com.rolecall.client.contexts;

import com.rolecall.client.ServerAddress;
import com.rolecall.client.TlsFiles;
import java.io.File;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * Reads a file of contexts: all its mistakes are reported at once.
 *
 * <p>file = {current?, contexts: {NAME: context, ...}}; context = {address, agent?, tls?, token?,
 * timeout_seconds?, accounts?, default_account?}; tls = {ca, cert?, key?, server_name?}; token =
 * {file} | {command}; accounts = {ALIAS: ID, ...}
 */
final class ContextsReader {
  private static final List<String> OPTIONAL =
      List.of("agent", "tls", "token", "timeout_seconds", "accounts", "default_account");

  private ContextsReader() {}

  /** Returns the contexts of the text of a file. */
  static ContextsFile parse(String text, Path path) {
    Mistakes mistakes = new Mistakes(path);
    Field root = new Field("the file", StrictYaml.decode(text, path), mistakes);
    Map<String, Field> fields = root.fields(List.of("contexts"), List.of("current"));
    Map<String, ServerContext> contexts =
        fields.containsKey("contexts") ? contexts(fields.get("contexts")) : Map.of();
    Field given = fields.get("current");
    String current = given == null ? "" : given.text();
    if (!current.isEmpty() && !contexts.containsKey(current)) {
      given.refuse(
          "there is no context " + Texts.quoted(current),
          Texts.insteadOf(current, contexts.keySet(), "add it to `contexts`, or remove `current`"));
    }
    mistakes.throwIfAny();
    return new ContextsFile(path, contexts, current);
  }

  private static Map<String, ServerContext> contexts(Field node) {
    Map<String, ServerContext> contexts = new LinkedHashMap<>();
    node.entries(Limits.CONTEXTS, "a mapping from names to contexts")
        .forEach(
            (name, value) -> {
              if (!Names.isContext(name)) {
                String message = Texts.quoted(name) + " is not the name of a context";
                node.mistakes().note(node.placeOf(name), message, Names.CONTEXT_RULE);
              }
              contexts.put(name, context(name, value.fields(List.of("address"), OPTIONAL)));
            });
    return contexts;
  }

  private static ServerContext context(String name, Map<String, Field> fields) {
    Field address = fields.get("address");
    Field agent = fields.get("agent");
    Field tls = fields.get("tls");
    Field token = fields.get("token");
    Field timeout = fields.get("timeout_seconds");
    Map<String, String> accounts =
        fields.containsKey("accounts") ? accounts(fields.get("accounts")) : Map.of();
    if (fields.containsKey("default_account")) {
      requireAccount(fields.get("default_account"), accounts);
    }
    Duration seconds = timeout == null ? null : timeout.seconds();
    return new ServerContext(
        name,
        address == null ? "" : checked(address, ServerAddress::target),
        agent == null ? null : checked(agent, ServerAddress::agent),
        tls == null ? null : tls(tls),
        token == null ? null : token(token),
        seconds);
  }

  private static String checked(Field node, UnaryOperator<String> read) {
    String text = node.text();
    try {
      return text.isEmpty() ? "" : read.apply(text);
    } catch (IllegalArgumentException error) {
      node.refuse(error.getMessage(), "");
      return "";
    }
  }

  private static TlsFiles tls(Field node) {
    Map<String, Field> fields = node.fields(List.of("ca"), List.of("cert", "key", "server_name"));
    Map<String, Path> paths = new LinkedHashMap<>();
    for (String name : List.of("ca", "cert", "key")) {
      if (fields.containsKey(name)) {
        paths.put(name, fields.get(name).path());
      }
    }
    if (fields.containsKey("cert") != fields.containsKey("key")) {
      String missing = fields.containsKey("cert") ? "key" : "cert";
      node.refuse(
          "`" + missing + "` is missing in `tls`",
          "a client certificate and its key are given together");
      return null;
    }
    Field name = fields.get("server_name");
    String serverName = name == null ? null : name.text();
    boolean whole = (paths.get("cert") == null) == (paths.get("key") == null);
    return paths.get("ca") == null || !whole
        ? null
        : new TlsFiles(paths.get("ca"), paths.get("cert"), paths.get("key"), serverName);
  }

  private static ServerContext.Token token(Field node) {
    Map<String, Field> fields = node.fields(List.of(), List.of("file", "command"));
    if (fields.size() != 1) {
      node.refuse("`token` needs either `file` or `command`", "give one of them");
      return null;
    }
    if (fields.containsKey("file")) {
      return new ServerContext.Token(fields.get("file").path(), null);
    }
    return new ServerContext.Token(null, command(fields.get("command")));
  }

  /** Returns the words; a program that is given with a path is relative to the file. */
  private static List<String> command(Field node) {
    List<String> words = new ArrayList<>(node.words());
    if (!words.isEmpty()
        && (words.get(0).contains(File.separator) || words.get(0).startsWith("~"))) {
      words.set(0, node.relative(words.get(0)).toString());
    }
    return words;
  }

  private static Map<String, String> accounts(Field node) {
    Map<String, String> accounts = new LinkedHashMap<>();
    node.entries(Limits.ALIASES, "a mapping from aliases to account ids")
        .forEach(
            (alias, value) -> {
              if (!Names.isAlias(alias)) {
                String message = Texts.quoted(alias) + " is not an alias";
                node.mistakes().note(node.placeOf(alias), message, Names.ALIAS_RULE);
              }
              String account = value.text();
              if (!account.isEmpty() && !Names.isAccount(account)) {
                value.refuse(Texts.quoted(account) + " is not an account id", Names.ACCOUNT_RULE);
              }
              accounts.put(alias, account);
            });
    return accounts;
  }

  private static void requireAccount(Field node, Map<String, String> accounts) {
    String text = node.text();
    if (!text.isEmpty() && !accounts.containsKey(text) && !Names.isAccount(text)) {
      node.refuse(
          Texts.quoted(text) + " is neither an account id nor an alias of this context",
          Texts.insteadOf(text, accounts.keySet(), Names.ACCOUNT_RULE));
    }
  }
}
