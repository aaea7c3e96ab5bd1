package com.rolecall.client.contexts;

import com.rolecall.client.contexts.YamlNode.Place;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A value of the file, read as what a field takes; each mistake is noted with its place. */
record Field(String name, YamlNode node, Mistakes mistakes) {
  private static final Pattern SECONDS = Pattern.compile("[0-9]{1,6}(\\.[0-9]{1,6})?");

  // Words that are not text without quotes.
  private static final Set<String> NO_TEXT = Set.of("", "~", "null", "true", "false");
  private static final Set<String> NOTHING = Set.of("", "~", "null");

  void refuse(String message, String fix) {
    mistakes.note(node.place(), message, fix);
  }

  /** Returns the known fields of a mapping; notes those that are unknown or missing. */
  Map<String, Field> fields(List<String> required, List<String> optional) {
    List<String> known = Stream.concat(required.stream(), optional.stream()).toList();
    String listed = known.stream().map(one -> "`" + one + "`").collect(Collectors.joining(", "));
    Map<String, Field> given = entries(known.size() + 100, "a mapping with " + listed);
    Map<String, Field> read = new LinkedHashMap<>();
    given.forEach(
        (key, field) -> {
          if (known.contains(key)) {
            read.put(key, new Field("`" + key + "`", field.node, mistakes));
          } else {
            String message = Texts.quoted(key) + " is not a field of " + name;
            mistakes.note(placeOf(key), message, Texts.insteadOf(key, known, ""));
          }
        });
    if (node instanceof YamlNode.Mapping) {
      required.stream()
          .filter(key -> !given.containsKey(key))
          .forEach(key -> refuse("`" + key + "` is missing in " + name, "add it"));
    }
    return read;
  }

  /** Returns the names and values of a mapping of at most {@code limit} entries. */
  Map<String, Field> entries(int limit, String wanted) {
    Map<String, Field> read = new LinkedHashMap<>();
    if (!(node instanceof YamlNode.Mapping mapping)) {
      refuseType(wanted);
    } else if (mapping.members().size() > limit) {
      String size = Limits.shown(mapping.members().size());
      refuse(name + " has " + size + " entries", Limits.shown(limit) + " are allowed");
    } else {
      mapping
          .members()
          .forEach((key, value) -> read.put(key, new Field(Texts.quoted(key), value, mistakes)));
    }
    return read;
  }

  Place placeOf(String key) {
    return node instanceof YamlNode.Mapping mapping ? mapping.places().get(key) : node.place();
  }

  /** Returns a text; empty after noting that it is none. */
  String text() {
    if (!(node instanceof YamlNode.Text text) || text.plain() && NO_TEXT.contains(text.text())) {
      refuseType("text");
      return "";
    }
    int length = text.text().codePointCount(0, text.text().length());
    if (length == 0 || length > Limits.TEXT_CHARACTERS || !Texts.isPrintable(text.text())) {
      String limit = Limits.shown(Limits.TEXT_CHARACTERS);
      refuse(name + " must have 1 to " + limit + " printable characters", "");
      return "";
    }
    return text.text();
  }

  /** Returns a path, relative to the folder of the file; null after noting that it is none. */
  Path path() {
    String text = text();
    return text.isEmpty() ? null : relative(text);
  }

  /** Returns a path, relative to the folder of the file; {@code ~} is the home of the user. */
  Path relative(String text) {
    return mistakes.file().toAbsolutePath().getParent().resolve(ContextsFile.expanded(text));
  }

  /** Returns a time of more than 0 seconds; null after noting that it is none. */
  Duration seconds() {
    if (node instanceof YamlNode.Text text
        && text.plain()
        && SECONDS.matcher(text.text()).matches()) {
      double seconds = Double.parseDouble(text.text());
      if (0 < seconds && seconds <= Limits.TIMEOUT_SECONDS) {
        return Duration.ofNanos(Math.round(seconds * 1e9));
      }
    }
    String limit = Limits.shown(Limits.TIMEOUT_SECONDS);
    refuse(name + " must be a number of seconds up to " + limit, "write it without quotes");
    return null;
  }

  /** Returns a list of texts; empty after noting that it is something else. */
  List<String> words() {
    if (!(node instanceof YamlNode.Items list)) {
      refuseType("a list of words, such as `[print-token, --audience, rolecall]`");
      return List.of();
    }
    int size = list.items().size();
    if (size < 1 || size > Limits.WORDS) {
      refuse(name + " has " + size + " words", "write 1 to " + Limits.WORDS);
      return List.of();
    }
    List<String> words = new ArrayList<>();
    for (YamlNode item : list.items()) {
      words.add(new Field("a word of " + name, item, mistakes).text());
    }
    return words.contains("") ? List.of() : words;
  }

  private void refuseType(String wanted) {
    refuse(name + " must be " + wanted + ", not " + kind(), "");
  }

  private String kind() {
    if (node instanceof YamlNode.Text text) {
      return text.plain() && NOTHING.contains(text.text()) ? "nothing" : Texts.quoted(text.text());
    }
    return node instanceof YamlNode.Items ? "a list" : "a mapping";
  }
}
