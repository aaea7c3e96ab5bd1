package com.rolecall.client;

import com.rolecall.v1.CallerServiceGrpc;
import com.rolecall.v1.DecisionServiceGrpc;
import com.rolecall.v1.PolicyServiceGrpc;
import com.rolecall.v1.RoleServiceGrpc;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * The service config of gRPC: balanced over all addresses that report themselves healthy, with
 * retries of calls that are safe to repeat.
 */
final class ServiceConfig {
  private static final List<ServiceDescriptor> RETRIED =
      List.of(
          DecisionServiceGrpc.getServiceDescriptor(),
          PolicyServiceGrpc.getServiceDescriptor(),
          CallerServiceGrpc.getServiceDescriptor(),
          // Each write has a request id, so the server answers a repeated one with the first
          // result.
          RoleServiceGrpc.getServiceDescriptor());

  private static final Map<String, ?> RETRY_POLICY =
      Map.of(
          "maxAttempts",
          4.0,
          "initialBackoff",
          "0.05s",
          "maxBackoff",
          "1s",
          "backoffMultiplier",
          3.0,
          "retryableStatusCodes",
          List.of("UNAVAILABLE"));

  static final Map<String, ?> OF_SERVICE =
      Map.of(
          "loadBalancingConfig",
          List.of(Map.of("round_robin", Map.of())),
          "healthCheckConfig",
          Map.of("serviceName", ""),
          "methodConfig",
          List.of(Map.of("name", retriedMethods(), "retryPolicy", RETRY_POLICY)));

  private ServiceConfig() {}

  private static List<Map<String, String>> retriedMethods() {
    List<Map<String, String>> names = new ArrayList<>();
    for (ServiceDescriptor service : RETRIED) {
      for (MethodDescriptor<?, ?> method : service.getMethods()) {
        // A stream of checks is continued by the client itself, which knows where to continue.
        if (method.getType() != MethodDescriptor.MethodType.BIDI_STREAMING) {
          names.add(Map.of("service", service.getName(), "method", method.getBareMethodName()));
        }
      }
    }
    return names;
  }
}
