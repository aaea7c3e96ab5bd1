package com.rolecall.client.contexts;

import java.util.List;
import java.util.Map;

/** A value of the file, which knows its place. */
sealed interface YamlNode {
  Place place();

  /** A line and a column of the file, from 1; 0: the file as a whole. */
  record Place(int line, int column) {
    static final Place NOWHERE = new Place(0, 0);
  }

  /** A scalar. {@code plain}: without quotes. */
  record Text(Place place, String text, boolean plain) implements YamlNode {}

  /** A sequence. */
  record Items(Place place, List<YamlNode> items) implements YamlNode {}

  /** A mapping; {@code places} are those of its keys. */
  record Mapping(Place place, Map<String, YamlNode> members, Map<String, Place> places)
      implements YamlNode {}
}
