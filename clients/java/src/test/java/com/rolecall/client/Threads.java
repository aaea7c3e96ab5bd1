package com.rolecall.client;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;

/** Finds the threads that something has left. */
public final class Threads {
  /** How the names of threads begin that are those of a server in a test. */
  static final String OF_A_FAKE = "fake-service";

  private static final long SETTLED_NANOS = TimeUnit.SECONDS.toNanos(15);

  private final Set<Thread> before = Thread.getAllStackTraces().keySet();

  /** Waits until every thread has ended that was not there before. */
  public void assertNoneLeft() throws InterruptedException {
    // Netty has a thread of its own that reports the end of others, and ends a second later.
    assertTrue(eventually(() -> left().isEmpty()), () -> "left: " + left());
  }

  public static boolean eventually(BooleanSupplier condition) throws InterruptedException {
    long until = System.nanoTime() + SETTLED_NANOS;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > until) {
        return false;
      }
      Thread.sleep(5);
    }
    return true;
  }

  private List<String> left() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> !before.contains(thread) && !isOfAnother(thread))
        .map(Thread::getName)
        .collect(Collectors.toList());
  }

  /** Threads of the server of a test, and of Java itself, which reaps processes and compiles. */
  private static boolean isOfAnother(Thread thread) {
    ThreadGroup group = thread.getThreadGroup();
    return thread.getName().startsWith(OF_A_FAKE)
        || group != null && List.of("system", "InnocuousThreadGroup").contains(group.getName());
  }
}
