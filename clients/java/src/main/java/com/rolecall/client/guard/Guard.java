package com.rolecall.client.guard;

import com.rolecall.client.Query;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.RolecallException;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.CheckAssumeRoleResponse;
import com.rolecall.v1.Decision;
import com.rolecall.v1.DecisionReason;
import java.time.Duration;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Consumer;

/**
 * Protects the methods of a service with roles: a call passes if its caller may assume the role of
 * its method.
 *
 * <p>Whatever is not allowed is refused: a method without a role, an unknown caller, a deny, and a
 * query that was not answered in time. A guard that observes lets every call pass, and logs and
 * counts what would have been refused. It has no threads of its own, uses its client, and does not
 * close it.
 */
public final class Guard {
  private static final String SOURCE_IP = "acs:SourceIp";
  private static final int MAX_OBSERVED = 100;
  private static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(2);
  private static final Duration MAX_TIMEOUT = Duration.ofSeconds(60);
  private static final Duration LEAST_TIME = Duration.ofNanos(1);

  private final DecisionSource source;
  private final RoleMap roles;
  private final CallerRule callers;
  private final BiFunction<String, PeerFacts, Map<String, ? extends Collection<String>>> context;
  private final Duration timeout;
  private final GuardCounts counts;
  private final GuardReport report;
  private final AtomicInteger observed = new AtomicInteger();

  /** A call that is judged. */
  private record Call(String method, MethodAccess access, Duration time) {}

  private Guard(Builder builder) {
    this.source = builder.source;
    this.roles = builder.roles;
    this.callers = builder.callers;
    this.context = builder.context;
    this.timeout = builder.timeout;
    this.counts = builder.counts;
    this.report = new GuardReport(builder.mode, counts, builder.onDecision);
  }

  /**
   * Starts a guard that asks with a client.
   *
   * @param client the client, which needs the right to ask, and no other
   * @param roles the role of each method
   * @param callers who calls
   * @return the builder
   */
  public static Builder builder(RolecallClient client, RoleMap roles, CallerRule callers) {
    return builder(DecisionSource.of(client), roles, callers);
  }

  /**
   * Starts a guard.
   *
   * @param source what answers checks
   * @param roles the role of each method
   * @param callers who calls
   * @return the builder
   */
  public static Builder builder(DecisionSource source, RoleMap roles, CallerRule callers) {
    return new Builder(source, roles, callers);
  }

  /**
   * Returns the number of decisions so far.
   *
   * @return the counters
   */
  public GuardCounts counts() {
    return counts;
  }

  /**
   * Returns the decision that refuses a call; nothing if the call passes. The future never fails.
   *
   * @param method the method, {@code /package.Service/Method}
   * @param peer what is known of the peer
   * @param left the time until the caller gives up; null: not known
   * @return the decision that refuses the call
   */
  public CompletableFuture<Optional<GuardDecision>> refusal(
      String method, PeerFacts peer, Duration left) {
    Duration time = left != null && left.compareTo(timeout) < 0 ? left : timeout;
    Call call =
        new Call(method, roles.find(method), time.compareTo(LEAST_TIME) < 0 ? LEAST_TIME : time);
    if (report.mode() == GuardMode.OBSERVE) {
      observe(call, peer);
      return CompletableFuture.completedFuture(Optional.empty());
    }
    return decided(call, peer)
        .thenApply(found -> found.allowed() ? Optional.empty() : Optional.of(found));
  }

  private void observe(Call call, PeerFacts peer) {
    if (observed.incrementAndGet() > MAX_OBSERVED) {
      observed.decrementAndGet();
      String detail = MAX_OBSERVED + " calls are being decided already";
      report.add(GuardDecision.of(GuardOutcome.NOT_OBSERVED, call.method, call.access, "", detail));
      return;
    }
    decided(call, peer).whenComplete((found, error) -> observed.decrementAndGet());
  }

  private CompletableFuture<GuardDecision> decided(Call call, PeerFacts peer) {
    return judged(call, peer)
        .thenApply(
            found -> {
              report.add(found);
              return found;
            });
  }

  private CompletableFuture<GuardDecision> judged(Call call, PeerFacts peer) {
    if (call.access.open()) {
      return done(call, GuardOutcome.PUBLIC, "");
    }
    if (call.access.role().isEmpty()) {
      return done(call, GuardOutcome.CLOSED, "the map does not name the method");
    }
    try {
      CallerIdentity caller = callers.identify(peer);
      AssumeRoleQuery query = query(call, peer, caller);
      return source
          .check(query, call.time)
          .handle(
              (answer, error) ->
                  error == null && answer != null
                      ? answered(call, caller, answer)
                      : failed(call, caller.name(), error));
    } catch (RuntimeException error) {
      // Whatever fails in code of the service, the call must not pass.
      return CompletableFuture.completedFuture(failed(call, "", error));
    }
  }

  private AssumeRoleQuery query(Call call, PeerFacts peer, CallerIdentity caller) {
    Query.Builder query =
        Query.as(caller.name())
            .role(call.access.role())
            .token(caller.token())
            .claims(caller.claims())
            .account(caller.accountId());
    if (!peer.sourceIp().isEmpty()) {
      query.context(SOURCE_IP, peer.sourceIp());
    }
    return query.context(context.apply(call.method, peer)).build();
  }

  private static GuardDecision answered(
      Call call, CallerIdentity caller, CheckAssumeRoleResponse answer) {
    Decision decision = answer.getDecision();
    GuardOutcome outcome = decision.getAllowed() ? GuardOutcome.ALLOWED : GuardOutcome.DENIED;
    return GuardDecision.of(outcome, call.method, call.access, caller.name(), "")
        .withReason(decision.getDecisionId(), reason(decision));
  }

  private static GuardDecision failed(Call call, String caller, Throwable thrown) {
    Throwable error =
        thrown instanceof CompletionException && thrown.getCause() != null
            ? thrown.getCause()
            : thrown;
    if (error instanceof UnknownCallerException) {
      return GuardDecision.of(
          GuardOutcome.UNKNOWN_CALLER, call.method, call.access, "", error.getMessage());
    }
    if (!(error instanceof RolecallException failure)) {
      return GuardDecision.of(
              GuardOutcome.UNDECIDED, call.method, call.access, caller, String.valueOf(error))
          .withReason("", "EXCEPTION");
    }
    // A token that the server refuses is the caller's fault; every other query that it refuses is a
    // mistake of the guard.
    boolean rejected =
        failure.violations().stream().anyMatch(one -> one.reason().equals("INVALID_TOKEN"));
    GuardOutcome outcome = rejected ? GuardOutcome.UNKNOWN_CALLER : GuardOutcome.UNDECIDED;
    String reason = failure.reason().isEmpty() ? failure.code().name() : failure.reason();
    return GuardDecision.of(
            outcome, call.method, call.access, caller, String.valueOf(failure.getMessage()))
        .withReason("", reason);
  }

  private static CompletableFuture<GuardDecision> done(
      Call call, GuardOutcome outcome, String detail) {
    return CompletableFuture.completedFuture(
        GuardDecision.of(outcome, call.method, call.access, "", detail));
  }

  private static String reason(Decision decision) {
    // A newer server may have further reasons.
    return decision.getReason() == DecisionReason.UNRECOGNIZED
        ? String.valueOf(decision.getReasonValue())
        : decision.getReason().name().substring("DECISION_REASON_".length());
  }

  /** The parts of a guard. */
  public static final class Builder {
    private final DecisionSource source;
    private final RoleMap roles;
    private final CallerRule callers;
    private GuardMode mode = GuardMode.ENFORCE;
    private BiFunction<String, PeerFacts, Map<String, ? extends Collection<String>>> context =
        (method, peer) -> Map.of();
    private Duration timeout = DEFAULT_TIMEOUT;
    private GuardCounts counts = new GuardCounts();
    private Consumer<GuardDecision> onDecision = decision -> {};

    private Builder(DecisionSource source, RoleMap roles, CallerRule callers) {
      this.source = source;
      this.roles = roles;
      this.callers = callers;
    }

    /**
     * Sets whether calls are refused; by default they are.
     *
     * @param mode the mode
     * @return this
     */
    public Builder mode(GuardMode mode) {
      this.mode = mode;
      return this;
    }

    /**
     * Adds condition keys to queries, beside {@code acs:SourceIp}, the address of the peer's
     * connection, which they may replace.
     *
     * @param context returns the keys and their values for a method and a peer
     * @return this
     */
    public Builder context(
        BiFunction<String, PeerFacts, Map<String, ? extends Collection<String>>> context) {
      this.context = context;
      return this;
    }

    /**
     * Sets how long the guard waits for a decision, at most 60 seconds; by default 2 seconds. It
     * never waits longer than the caller.
     *
     * @param timeout the time
     * @return this
     * @throws IllegalArgumentException if no query can be answered in it
     */
    public Builder timeout(Duration timeout) {
      if (timeout.isNegative() || timeout.isZero() || timeout.compareTo(MAX_TIMEOUT) > 0) {
        throw new IllegalArgumentException(
            "a guard waits more than 0 and at most %d seconds for a decision, and not %s"
                .formatted(MAX_TIMEOUT.toSeconds(), timeout));
      }
      this.timeout = timeout;
      return this;
    }

    /**
     * Sets counters, which several guards may share.
     *
     * @param counts the counters
     * @return this
     */
    public Builder counts(GuardCounts counts) {
      this.counts = counts;
      return this;
    }

    /**
     * Sets what receives each decision, in the thread that made it. It must be quick; what it
     * throws is logged.
     *
     * @param callback the callback
     * @return this
     */
    public Builder onDecision(Consumer<GuardDecision> callback) {
      this.onDecision = callback;
      return this;
    }

    /**
     * Returns the guard.
     *
     * @return the guard
     * @throws IllegalArgumentException if a role needs its account and its name has none
     */
    public Guard build() {
      if (callers.needsAccount()) {
        for (String role : roles.roles()) {
          if (Query.accountOf(role).isEmpty()) {
            throw new IllegalArgumentException(
                "the role `%s` needs its account; write ACCOUNT/%s".formatted(role, role));
          }
        }
      }
      return new Guard(this);
    }
  }
}
