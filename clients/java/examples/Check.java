import com.rolecall.client.CheckStream;
import com.rolecall.client.Query;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.RolecallException;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.Decision;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/** Asks in every way whether a principal may assume roles: {@code Check ADDRESS}. */
public final class Check {
  private static final String ALICE = "acs:ram::123456789012:user/alice";

  private Check() {}

  public static void main(String[] arguments) {
    try (RolecallClient client = RolecallClient.builder(arguments[0]).build()) {
      Decision decision = client.check(Query.of(ALICE, "orders")).getDecision();
      System.out.println(decision.getAllowed() + " " + decision.getReason());
      service(client);
      many(client);
      stream(client);
      asynchronous(client);
      explain(client);
      reverse(client);
    }
  }

  private static void service(RolecallClient client) {
    AssumeRoleQuery pod =
        Query.as("k8s:cluster/pay/api")
            .role("123456789012/orders")
            .context("acs:SourceIp", "10.0.0.1")
            .build();
    System.out.println(client.check(pod).getDecision().getMissingKeysList());
  }

  private static void many(RolecallClient client) {
    var answers = client.batchCheck(List.of(Query.of(ALICE, "orders"), Query.of(ALICE, "billing")));
    for (var answer : answers.getResultsList()) {
      if (answer.hasError()) {
        System.out.println(RolecallException.of(answer.getError()).reason());
      } else {
        System.out.println(answer.getDecision().getAllowed());
      }
    }
  }

  private static void stream(RolecallClient client) {
    var queries =
        IntStream.range(0, 5_000).mapToObj(n -> Query.of(ALICE, "orders-" + n)).iterator();
    int allowed = 0;
    try (CheckStream answers = client.streamCheck(queries)) {
      for (var answer : answers) {
        allowed += answer.getDecision().getAllowed() ? 1 : 0;
      }
    }
    System.out.println(allowed + " roles");
  }

  private static void asynchronous(RolecallClient client) {
    CompletableFuture<Boolean> allowed =
        client
            .async()
            .check(Query.of(ALICE, "orders"))
            .thenApply(answer -> answer.getDecision().getAllowed());
    System.out.println(allowed.join());
  }

  private static void explain(RolecallClient client) {
    var explanation = client.explain(Query.of("acs:ram::123456789012:user/bob", "orders"));
    explanation.getNearMissesList().forEach(miss -> System.out.println(miss.getSuggestion()));
  }

  private static void reverse(RolecallClient client) {
    for (var role : client.whatCan(Query.as(ALICE).build())) {
      System.out.println(role.getRoleArn() + " " + role.getOutcome());
    }
    for (var grant : client.whoCan("orders").getGrantsList()) {
      System.out.println(grant.getEffect() + " " + grant.getPrincipalPattern());
    }
  }
}
