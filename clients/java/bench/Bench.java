import com.rolecall.client.Query;
import com.rolecall.client.RolecallClient;
import com.rolecall.client.RolecallClientBuilder;
import com.rolecall.v1.AssumeRoleQuery;
import com.sun.management.OperatingSystemMXBean;
import java.lang.management.ManagementFactory;

/**
 * Measures sequential checks: {@code Bench ADDRESS [AGENT] COUNT}. It prints one line of JSON: the
 * calls, and the CPU and the time of this process for them after a warm-up.
 */
public final class Bench {
  private static final int WARM_UP = 2_000;
  private static final OperatingSystemMXBean SYSTEM =
      (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();

  private Bench() {}

  public static void main(String[] arguments) {
    int count = Integer.parseInt(arguments[arguments.length - 1]);
    RolecallClientBuilder builder = RolecallClient.builder(arguments[0]);
    if (arguments.length == 3) {
      builder.agent(arguments[1]);
    }
    AssumeRoleQuery query = Query.of("acs:ram::123456789012:user/alice", "orders");
    try (RolecallClient client = builder.build()) {
      ask(client, query, WARM_UP);
      long cpu = SYSTEM.getProcessCpuTime();
      long start = System.nanoTime();
      ask(client, query, count);
      System.out.printf(
          "{\"calls\": %d, \"cpu_seconds\": %.6f, \"wall_seconds\": %.6f}%n",
          count, (SYSTEM.getProcessCpuTime() - cpu) / 1e9, (System.nanoTime() - start) / 1e9);
    }
  }

  private static void ask(RolecallClient client, AssumeRoleQuery query, int count) {
    for (int i = 0; i < count; i++) {
      client.check(query);
    }
  }
}
