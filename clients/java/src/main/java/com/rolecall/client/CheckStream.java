package com.rolecall.client;

import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.DecisionServiceGrpc;
import com.rolecall.v1.StreamCheckAssumeRoleRequest;
import com.rolecall.v1.StreamCheckAssumeRoleResponse;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.TimeUnit;

/**
 * The decisions of many queries, in order, on one stream; {@code sequence} is the index of the
 * query, from 0. It can be read once, by one thread, which also reads the queries. A bounded number
 * of them is read ahead of the decisions.
 *
 * <p>When the server ends the stream, because it stops for example, the queries without an answer
 * are sent again on a new one. Close it if it is not read to the end.
 */
public final class CheckStream
    implements Iterable<StreamCheckAssumeRoleResponse>,
        Iterator<StreamCheckAssumeRoleResponse>,
        AutoCloseable {
  static final int DEFAULT_IN_FLIGHT = 256;

  private static final int MAX_ATTEMPTS = 4;
  private static final long BACKOFF_MILLIS = 50;
  private static final long FOREVER = Long.MAX_VALUE;
  private static final long END_NANOS = TimeUnit.SECONDS.toNanos(5);

  private final Calls calls;
  private final CallSettings settings;
  private final Iterator<AssumeRoleQuery> queries;
  private final int inFlight;
  private final Deque<StreamCheckAssumeRoleRequest> unanswered = new ArrayDeque<>();
  private OpenStream<StreamCheckAssumeRoleRequest, StreamCheckAssumeRoleResponse> stream;
  private boolean atAgent;
  private long sequence;
  private int attempts;

  CheckStream(Calls calls, CallSettings settings, Iterator<AssumeRoleQuery> queries, int inFlight) {
    this.calls = calls;
    this.settings = settings;
    this.queries = queries;
    this.inFlight = Math.max(1, inFlight);
    this.atAgent = calls.hasAgent();
  }

  @Override
  public Iterator<StreamCheckAssumeRoleResponse> iterator() {
    return this;
  }

  @Override
  public boolean hasNext() {
    readAhead();
    if (!unanswered.isEmpty()) {
      return true;
    }
    end();
    return false;
  }

  /**
   * Waits for the next decision and returns it.
   *
   * @throws RolecallException when several streams in succession return none
   */
  @Override
  public StreamCheckAssumeRoleResponse next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    while (true) {
      try {
        return answer();
      } catch (RolecallException error) {
        continueAfter(error);
      }
    }
  }

  @Override
  public void close() {
    unanswered.clear();
    if (stream != null) {
      stream.cancel();
      stream = null;
    }
  }

  private StreamCheckAssumeRoleResponse answer() {
    if (stream == null) {
      stream =
          calls.open(
              DecisionServiceGrpc.getStreamCheckAssumeRoleMethod(), settings, atAgent, inFlight);
      unanswered.forEach(stream::send);
    }
    StreamCheckAssumeRoleResponse answer = stream.next(atAgent ? Calls.AGENT_NANOS : FOREVER);
    if (answer == null) {
      throw Errors.unavailable("the stream ended before every query was answered");
    }
    if (atAgent && AgentAnswers.isUnavailable(answer)) {
      throw Errors.unavailable("the agent cannot answer a query");
    }
    unanswered.remove();
    attempts = 0;
    return answer;
  }

  /** Continues on a new stream; throws the error if that would not help. */
  private void continueAfter(RolecallException error) {
    if (stream != null) {
      stream.cancel();
      stream = null;
    }
    if (Thread.currentThread().isInterrupted()) {
      throw error;
    }
    if (atAgent && AgentAnswers.isAway(error)) {
      atAgent = false;
      return;
    }
    attempts++;
    if (!(error instanceof UnavailableException) || attempts == MAX_ATTEMPTS) {
      throw error;
    }
    try {
      Thread.sleep(BACKOFF_MILLIS * (long) Math.pow(3, attempts - 1));
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
      throw Errors.interrupted(interrupted);
    }
  }

  private void readAhead() {
    while (unanswered.size() < inFlight && queries.hasNext()) {
      StreamCheckAssumeRoleRequest message =
          StreamCheckAssumeRoleRequest.newBuilder()
              .setSequence(sequence++)
              .setQuery(queries.next())
              .build();
      unanswered.add(message);
      if (stream != null) {
        stream.send(message);
      }
    }
  }

  /** Ends the stream after the last answer. Its status does not matter any more. */
  private void end() {
    if (stream == null) {
      return;
    }
    try {
      stream.halfClose();
      stream.next(END_NANOS);
    } catch (RolecallException ignored) {
      stream.cancel();
    }
    stream = null;
  }
}
