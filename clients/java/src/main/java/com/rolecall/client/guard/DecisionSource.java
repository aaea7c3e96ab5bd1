package com.rolecall.client.guard;

import com.rolecall.client.RolecallClient;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.CheckAssumeRoleResponse;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** Answers checks, as a client does. */
@FunctionalInterface
public interface DecisionSource {
  /**
   * Decides one query.
   *
   * @param query the query
   * @param timeout how long it may take
   * @return the decision, or a {@link com.rolecall.client.RolecallException}
   */
  CompletableFuture<CheckAssumeRoleResponse> check(AssumeRoleQuery query, Duration timeout);

  /**
   * Returns a source that asks with a client.
   *
   * @param client the client, which stays open
   * @return the source
   */
  static DecisionSource of(RolecallClient client) {
    return (query, timeout) -> client.async().withTimeout(timeout).check(query);
  }
}
