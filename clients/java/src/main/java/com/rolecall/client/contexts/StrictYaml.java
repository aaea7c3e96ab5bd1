package com.rolecall.client.contexts;

import com.rolecall.client.contexts.YamlNode.Place;
import java.io.StringReader;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.events.CollectionStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.MappingEndEvent;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.events.SequenceEndEvent;
import org.yaml.snakeyaml.events.SequenceStartEvent;
import org.yaml.snakeyaml.events.StreamEndEvent;

/**
 * Decodes the YAML of a file of contexts into nodes.
 *
 * <p>Accepted is the part of YAML in which a value means what it looks like: one document, no tags,
 * no anchors and aliases, no key twice. Scalars stay text here.
 */
final class StrictYaml {
  private final Path file;
  private final Iterator<Event> events;
  private int count;

  private StrictYaml(String text, Path file) {
    this.file = file;
    LoaderOptions options = new LoaderOptions();
    options.setCodePointLimit(Integer.MAX_VALUE);
    this.events = new Yaml(options).parse(new StringReader(text)).iterator();
  }

  /** Returns the content; throws for YAML that is broken, ambiguous or nested too deep. */
  static YamlNode decode(String text, Path file) {
    try {
      return new StrictYaml(text, file).document();
    } catch (MarkedYAMLException error) {
      Mark mark = error.getProblemMark() == null ? error.getContextMark() : error.getProblemMark();
      String problem = error.getProblem() == null ? error.getContext() : error.getProblem();
      Place place = mark == null ? Place.NOWHERE : placeOf(mark);
      throw refused(file, place, "not YAML: " + (problem == null ? "cannot be read" : problem), "");
    } catch (YAMLException error) {
      throw refused(file, Place.NOWHERE, "not YAML: " + firstLine(error.getMessage()), "");
    }
  }

  private YamlNode document() {
    events.next();
    if (events.next() instanceof StreamEndEvent) {
      throw ContextsException.in(
          file, "the file is empty", "write `contexts:` with at least one context");
    }
    YamlNode root = node(events.next(), 1);
    events.next();
    Event first = events.next();
    if (!(first instanceof StreamEndEvent)) {
      throw refused(first, "the file has several documents", "write one, without `---`");
    }
    return root;
  }

  private YamlNode node(Event event, int depth) {
    requirePlain(event, depth);
    Place place = placeOf(event.getStartMark());
    if (event instanceof ScalarEvent scalar) {
      boolean plain = scalar.getScalarStyle() == ScalarStyle.PLAIN;
      return new YamlNode.Text(place, scalar.getValue(), plain);
    }
    if (event instanceof SequenceStartEvent) {
      return new YamlNode.Items(place, items(depth));
    }
    return mapping(place, depth);
  }

  private List<YamlNode> items(int depth) {
    List<YamlNode> items = new ArrayList<>();
    for (Event event = events.next(); !(event instanceof SequenceEndEvent); event = events.next()) {
      items.add(node(event, depth + 1));
    }
    return items;
  }

  private YamlNode mapping(Place place, int depth) {
    Map<String, YamlNode> members = new LinkedHashMap<>();
    Map<String, Place> places = new LinkedHashMap<>();
    for (Event event = events.next(); !(event instanceof MappingEndEvent); event = events.next()) {
      requirePlain(event, depth);
      if (!(event instanceof ScalarEvent key)) {
        throw refused(event, "a key must be text", "write a name");
      }
      Place first = places.get(key.getValue());
      if (first != null) {
        throw refused(
            event,
            "the key %s is given twice; the first is in line %d"
                .formatted(Texts.quoted(key.getValue()), first.line()),
            "remove one of the two");
      }
      places.put(key.getValue(), placeOf(event.getStartMark()));
      members.put(key.getValue(), node(events.next(), depth + 1));
    }
    return new YamlNode.Mapping(place, members, places);
  }

  private void requirePlain(Event event, int depth) {
    count++;
    if (event instanceof AliasEvent
        || event instanceof NodeEvent node && node.getAnchor() != null) {
      throw refused(event, "anchors and aliases are not supported", "write the value itself");
    }
    String tag =
        event instanceof ScalarEvent scalar
            ? scalar.getTag()
            : event instanceof CollectionStartEvent start ? start.getTag() : null;
    if (tag != null) {
      throw refused(
          event, "the tag " + Texts.quoted(tag) + " is not supported", "write the value itself");
    }
    if (depth > Limits.DEPTH) {
      throw refused(
          event, "nested deeper than " + Limits.DEPTH + " levels, which is the limit", "");
    }
    if (count > Limits.VALUES) {
      String limit = Limits.shown(Limits.VALUES);
      throw refused(event, "the file has more than " + limit + " values, which is the limit", "");
    }
  }

  private ContextsException refused(Event event, String message, String fix) {
    return refused(file, placeOf(event.getStartMark()), message, fix);
  }

  private static ContextsException refused(Path file, Place place, String message, String fix) {
    return new ContextsException(
        List.of(new ContextProblem(file.toString(), place.line(), place.column(), message, fix)));
  }

  private static Place placeOf(Mark mark) {
    return new Place(mark.getLine() + 1, mark.getColumn() + 1);
  }

  private static String firstLine(String message) {
    return message == null ? "cannot be read" : message.lines().findFirst().orElse("");
  }
}
