package com.rolecall.client.guard;

import java.util.List;
import java.util.Map;

/**
 * Who a query asks for, in the spelling of {@link com.rolecall.client.Query}.
 *
 * @param name the principal, the ARN of a provider, or {@code k8s:PROVIDER/NAMESPACE/NAME}
 * @param token the token of the provider; empty: none
 * @param claims the claims of the provider, which the guard asserts
 * @param accountId the account of a role whose name has none; empty: none
 */
public record CallerIdentity(
    String name, String token, Map<String, List<String>> claims, String accountId) {
  /**
   * Returns a caller that is known by its name alone.
   *
   * @param name the principal
   * @return the caller
   */
  public static CallerIdentity of(String name) {
    return new CallerIdentity(name, "", Map.of(), "");
  }

  @Override
  public String toString() {
    return "CallerIdentity[" + name + "]"; // without the token
  }
}
