package com.rolecall.client.guard;

import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * The methods of a gRPC service, and the role that a caller of each needs. A method that the map
 * does not name is closed.
 */
public final class RoleMap {
  private static final int MAX_ENTRIES = 10_000;
  private static final Pattern METHOD =
      Pattern.compile("/[A-Za-z_][A-Za-z0-9_.]*/([A-Za-z_][A-Za-z0-9_]*|\\*)");
  private static final Pattern ROLE =
      Pattern.compile(
          "(acs:ram::[0-9]{1,20}:role/|[0-9]{1,20}/|[A-Za-z][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9.-]{1,64}");

  private final Map<String, MethodAccess> entries;

  private RoleMap(Map<String, MethodAccess> entries) {
    this.entries = Map.copyOf(entries);
  }

  /**
   * Starts a map.
   *
   * @return the builder
   */
  public static Builder builder() {
    return new Builder();
  }

  MethodAccess find(String method) {
    MethodAccess entry = entries.get(method);
    if (entry == null) {
      entry = entries.get(method.substring(0, method.lastIndexOf('/') + 1) + "*");
    }
    return entry == null ? MethodAccess.CLOSED : entry;
  }

  List<String> roles() {
    return entries.values().stream()
        .map(MethodAccess::role)
        .filter(role -> !role.isEmpty())
        .sorted()
        .toList();
  }

  /** The entries of a map. */
  public static final class Builder {
    private final Map<String, MethodAccess> entries = new LinkedHashMap<>();
    private final List<ServiceDescriptor> services = new ArrayList<>();

    private Builder() {}

    /**
     * Protects a method by a role.
     *
     * @param method {@code /package.Service/Method}, or {@code /package.Service/*} for the methods
     *     of a service without an own entry
     * @param role the name of the role, {@code ACCOUNT/NAME} or its ARN
     * @return this
     * @throws IllegalArgumentException if this names no method or no role, or a method twice
     */
    public Builder role(String method, String role) {
      if (!ROLE.matcher(role).matches()) {
        throw new IllegalArgumentException(
            "`%s` has the role `%s`, which names no role; write NAME, ACCOUNT/NAME or acs:ram::ACCOUNT:role/NAME"
                .formatted(method, role));
      }
      return add(new MethodAccess(method, role, false));
    }

    /**
     * Opens a method to every caller.
     *
     * @param method as in {@link #role}
     * @return this
     * @throws IllegalArgumentException if this names no method, or one twice
     */
    public Builder open(String method) {
      return add(new MethodAccess(method, "", true));
    }

    /**
     * Compares the map with a service that is protected: an entry of a method that none of the
     * services has, and a method without an entry, are mistakes. Otherwise a misspelt entry would
     * leave its method to the entry with {@code *}.
     *
     * @param service the service ({@code OrdersGrpc.getServiceDescriptor()})
     * @return this
     */
    public Builder service(ServiceDescriptor service) {
      services.add(service);
      return this;
    }

    /**
     * Returns the map.
     *
     * @return the map
     * @throws IllegalArgumentException if it is empty, has more than 10,000 entries, or does not
     *     fit the services
     */
    public RoleMap build() {
      if (entries.isEmpty() || entries.size() > MAX_ENTRIES) {
        throw new IllegalArgumentException(
            "a map names 1 to %,d methods, and this one %,d"
                .formatted(MAX_ENTRIES, entries.size()));
      }
      RoleMap map = new RoleMap(entries);
      if (!services.isEmpty()) {
        requireComplete(map);
      }
      return map;
    }

    private Builder add(MethodAccess entry) {
      if (!METHOD.matcher(entry.pattern()).matches()) {
        throw new IllegalArgumentException(
            "`%s` names no method; write `/package.Service/Method`, or `/package.Service/*` for all others"
                .formatted(entry.pattern()));
      }
      if (entries.putIfAbsent(entry.pattern(), entry) != null) {
        throw new IllegalArgumentException("`" + entry.pattern() + "` is listed twice");
      }
      return this;
    }

    private void requireComplete(RoleMap map) {
      List<String> methods =
          services.stream()
              .flatMap(service -> service.getMethods().stream())
              .map(MethodDescriptor::getFullMethodName)
              .map(name -> "/" + name)
              .toList();
      for (MethodAccess entry : entries.values()) {
        if (!entry.pattern().endsWith("*") && !entry.open() && !methods.contains(entry.pattern())) {
          throw new IllegalArgumentException(
              "`%s` is no method of the services; correct the name".formatted(entry.pattern()));
        }
      }
      for (String method : methods) {
        if (map.find(method) == MethodAccess.CLOSED) {
          throw new IllegalArgumentException(
              "`%s` has no role and is not open; add it to the map".formatted(method));
        }
      }
    }
  }
}
