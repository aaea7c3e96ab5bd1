package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ReadmeTest {
  private static final Pattern CODE = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  @Test
  void theCodeOfThePageIsPartOfTheExamples() throws IOException {
    String examples = examples();
    List<String> code =
        CODE.matcher(Files.readString(Path.of("README.md")))
            .results()
            .map((MatchResult match) -> match.group(1))
            .toList();

    assertTrue(code.size() > 5);
    assertEquals(
        List.of(), code.stream().filter(block -> !examples.contains(squeezed(block))).toList());
  }

  @Test
  void thePageHasTheVersion() throws IOException {
    String version = RolecallClient.class.getPackage().getImplementationVersion();
    String pom = Files.readString(Path.of("pom.xml"));
    String page = Files.readString(Path.of("README.md"));

    var found = Pattern.compile("<version>([0-9.]+)</version>").matcher(pom);
    assertTrue(found.find() && page.contains("<version>" + found.group(1) + "</version>"));
    assertTrue(version == null || version.equals(found.group(1)));
  }

  private static String examples() throws IOException {
    try (Stream<Path> files = Files.list(Path.of("examples"))) {
      StringBuilder all = new StringBuilder();
      for (Path file : files.sorted().toList()) {
        all.append(squeezed(Files.readString(file))).append('\n');
      }
      return all.toString();
    }
  }

  private static String squeezed(String code) {
    return code.strip().replaceAll("\\s+", " ");
  }
}
