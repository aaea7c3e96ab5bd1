package com.rolecall.client;

import com.rolecall.v1.ApplyRolesOptions;
import com.rolecall.v1.PruneSelector;
import java.util.Collection;
import java.util.Map;
import java.util.UUID;

/** What an apply does beside writing the declared roles. */
public final class ApplyOptions {
  private final ApplyRolesOptions message;

  private ApplyOptions(ApplyRolesOptions message) {
    this.message = message;
  }

  /**
   * Starts options. By default nothing is deleted.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  ApplyRolesOptions message() {
    return message.getRequestId().isEmpty()
        ? message.toBuilder().setRequestId(UUID.randomUUID().toString()).build()
        : message;
  }

  /** The parts of options. */
  public static final class Builder {
    private final ApplyRolesOptions.Builder options = ApplyRolesOptions.newBuilder();

    private Builder() {}

    /**
     * Has roles deleted that are not declared and have all of these tags.
     *
     * @param tags the tags, at least one
     * @return this
     */
    public Builder prune(Map<String, String> tags) {
      selector().clearTags().putAllTags(tags);
      return this;
    }

    /**
     * Restricts what is deleted to some accounts; by default to those of the declared roles.
     *
     * @param accountIds their ids or aliases
     * @return this
     */
    public Builder pruneAccounts(Collection<String> accountIds) {
      selector().clearAccountIds().addAllAccountIds(accountIds);
      return this;
    }

    /**
     * Has the changes returned, and nothing written.
     *
     * @return this
     */
    public Builder validateOnly() {
      options.setValidateOnly(true);
      return this;
    }

    /**
     * Sets the id that makes a repeat harmless. By default each apply has a new one.
     *
     * @param id a UUID
     * @return this
     */
    public Builder requestId(String id) {
      options.setRequestId(id);
      return this;
    }

    /**
     * Sets the reason for the change, which is stored with the revision.
     *
     * @param reason the reason
     * @return this
     */
    public Builder changeReason(String reason) {
      options.setChangeReason(reason);
      return this;
    }

    /**
     * Sets where the declarations come from, which is stored with the revision.
     *
     * @param source a repository and a commit, for example
     * @return this
     */
    public Builder source(String source) {
      options.setSource(source);
      return this;
    }

    /**
     * Returns the options.
     *
     * @return the options
     */
    public ApplyOptions build() {
      return new ApplyOptions(options.build());
    }

    private PruneSelector.Builder selector() {
      return options.getPruneSelectorBuilder();
    }
  }
}
