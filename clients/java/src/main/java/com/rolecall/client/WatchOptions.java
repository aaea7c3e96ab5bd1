package com.rolecall.client;

import com.rolecall.v1.WatchRolesRequest;
import java.time.Duration;
import java.util.List;
import java.util.function.Consumer;

/** Where a watch starts, and when it is given up. */
public final class WatchOptions {
  private static final Duration GIVE_UP_AFTER = Duration.ofSeconds(300);

  private final WatchRolesRequest request;
  private final Duration giveUpAfter;
  private final Consumer<RolecallException> onResume;
  private final Runnable onOpen;

  private WatchOptions(Builder builder) {
    this.request = builder.request.build();
    this.giveUpAfter = builder.giveUpAfter;
    this.onResume = builder.onResume;
    this.onOpen = builder.onOpen;
  }

  /**
   * Starts options. By default a watch has the changes from now on, of every account.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  WatchRolesRequest request() {
    return request;
  }

  Duration giveUpAfter() {
    return giveUpAfter;
  }

  Consumer<RolecallException> onResume() {
    return onResume;
  }

  Runnable onOpen() {
    return onOpen;
  }

  /** The parts of options. */
  public static final class Builder {
    private final WatchRolesRequest.Builder request = WatchRolesRequest.newBuilder();
    private Duration giveUpAfter = GIVE_UP_AFTER;
    private Consumer<RolecallException> onResume = error -> {};
    private Runnable onOpen = () -> {};

    private Builder() {}

    /**
     * Starts the watch after a token.
     *
     * @param token that of a checkpoint, or the consistency token of a write
     * @return this
     */
    public Builder startToken(String token) {
      request.setStartToken(token);
      return this;
    }

    /**
     * Restricts the watch to some accounts.
     *
     * @param accountIds their ids
     * @return this
     */
    public Builder accounts(String... accountIds) {
      request.clearAccountIds().addAllAccountIds(List.of(accountIds));
      return this;
    }

    /**
     * Starts the watch with the present state: every role comes first as a change of the kind
     * CREATED, up to the first checkpoint.
     *
     * @return this
     */
    public Builder includeInitialState() {
      request.setIncludeInitialState(true);
      return this;
    }

    /**
     * Sets after which time without a message the watch ends with an error; 300 seconds by default.
     * For the first message it is the timeout of calls.
     *
     * @param time the time
     * @return this
     */
    public Builder giveUpAfter(Duration time) {
      giveUpAfter = CallSettings.checked(time);
      return this;
    }

    /**
     * Sets what is called before a stream that broke is resumed.
     *
     * @param callback it receives the error
     * @return this
     */
    public Builder onResume(Consumer<RolecallException> callback) {
      onResume = callback;
      return this;
    }

    /**
     * Sets what is called just before each stream is opened. Note the time: the age of the state is
     * counted from it.
     *
     * @param callback the callback
     * @return this
     */
    public Builder onOpen(Runnable callback) {
      onOpen = callback;
      return this;
    }

    /**
     * Returns the options.
     *
     * @return the options
     */
    public WatchOptions build() {
      return new WatchOptions(this);
    }
  }
}
