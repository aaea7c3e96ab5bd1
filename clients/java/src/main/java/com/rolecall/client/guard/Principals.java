package com.rolecall.client.guard;

import java.util.Map;
import java.util.regex.Pattern;

/** The principals that callers stand for. */
final class Principals {
  private static final Pattern PRINCIPAL =
      Pattern.compile(
          "acs:(ram|sts)::[0-9]{1,20}:[^\\s:]+|[0-9]{1,20}@[a-z0-9.-]+|[a-z0-9.-]+\\.aliyuncs\\.com"
              + "|k8s:[^/\\s]+/[^/\\s]+/[^/\\s]+");

  private Principals() {}

  /**
   * Returns the map; throws {@link IllegalArgumentException} if it is empty or names no principal.
   */
  static Map<String, String> checked(Map<String, String> principals) {
    if (principals.isEmpty()) {
      throw new IllegalArgumentException("the map names no caller");
    }
    principals.values().forEach(Principals::require);
    return Map.copyOf(principals);
  }

  /** Returns whether a principal belongs to the provider of the role's account. */
  static boolean haveServiceAccount(Map<String, String> principals) {
    return principals.values().stream().anyMatch(name -> name.startsWith("k8s:"));
  }

  private static void require(String text) {
    if (!PRINCIPAL.matcher(text).matches()) {
      throw new IllegalArgumentException(
          "`%s` is no principal; write `acs:ram::ACCOUNT:user/NAME`, `ACCOUNT@SERVICE` or `k8s:PROVIDER/NAMESPACE/NAME`"
              .formatted(text));
    }
  }
}
