package com.rolecall.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Validates trust policies and permission policies. Nothing is stored.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class PolicyServiceGrpc {

  private PolicyServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "rolecall.v1.PolicyService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ValidateTrustPolicyRequest,
      com.rolecall.v1.ValidateTrustPolicyResponse> getValidateTrustPolicyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ValidateTrustPolicy",
      requestType = com.rolecall.v1.ValidateTrustPolicyRequest.class,
      responseType = com.rolecall.v1.ValidateTrustPolicyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ValidateTrustPolicyRequest,
      com.rolecall.v1.ValidateTrustPolicyResponse> getValidateTrustPolicyMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ValidateTrustPolicyRequest, com.rolecall.v1.ValidateTrustPolicyResponse> getValidateTrustPolicyMethod;
    if ((getValidateTrustPolicyMethod = PolicyServiceGrpc.getValidateTrustPolicyMethod) == null) {
      synchronized (PolicyServiceGrpc.class) {
        if ((getValidateTrustPolicyMethod = PolicyServiceGrpc.getValidateTrustPolicyMethod) == null) {
          PolicyServiceGrpc.getValidateTrustPolicyMethod = getValidateTrustPolicyMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ValidateTrustPolicyRequest, com.rolecall.v1.ValidateTrustPolicyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ValidateTrustPolicy"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ValidateTrustPolicyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ValidateTrustPolicyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PolicyServiceMethodDescriptorSupplier("ValidateTrustPolicy"))
              .build();
        }
      }
    }
    return getValidateTrustPolicyMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ValidatePermissionPolicyRequest,
      com.rolecall.v1.ValidatePermissionPolicyResponse> getValidatePermissionPolicyMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ValidatePermissionPolicy",
      requestType = com.rolecall.v1.ValidatePermissionPolicyRequest.class,
      responseType = com.rolecall.v1.ValidatePermissionPolicyResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ValidatePermissionPolicyRequest,
      com.rolecall.v1.ValidatePermissionPolicyResponse> getValidatePermissionPolicyMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ValidatePermissionPolicyRequest, com.rolecall.v1.ValidatePermissionPolicyResponse> getValidatePermissionPolicyMethod;
    if ((getValidatePermissionPolicyMethod = PolicyServiceGrpc.getValidatePermissionPolicyMethod) == null) {
      synchronized (PolicyServiceGrpc.class) {
        if ((getValidatePermissionPolicyMethod = PolicyServiceGrpc.getValidatePermissionPolicyMethod) == null) {
          PolicyServiceGrpc.getValidatePermissionPolicyMethod = getValidatePermissionPolicyMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ValidatePermissionPolicyRequest, com.rolecall.v1.ValidatePermissionPolicyResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ValidatePermissionPolicy"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ValidatePermissionPolicyRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ValidatePermissionPolicyResponse.getDefaultInstance()))
              .setSchemaDescriptor(new PolicyServiceMethodDescriptorSupplier("ValidatePermissionPolicy"))
              .build();
        }
      }
    }
    return getValidatePermissionPolicyMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static PolicyServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PolicyServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PolicyServiceStub>() {
        @java.lang.Override
        public PolicyServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PolicyServiceStub(channel, callOptions);
        }
      };
    return PolicyServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static PolicyServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PolicyServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PolicyServiceBlockingV2Stub>() {
        @java.lang.Override
        public PolicyServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PolicyServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return PolicyServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static PolicyServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PolicyServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PolicyServiceBlockingStub>() {
        @java.lang.Override
        public PolicyServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PolicyServiceBlockingStub(channel, callOptions);
        }
      };
    return PolicyServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static PolicyServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<PolicyServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<PolicyServiceFutureStub>() {
        @java.lang.Override
        public PolicyServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new PolicyServiceFutureStub(channel, callOptions);
        }
      };
    return PolicyServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Validates trust policies and permission policies. Nothing is stored.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Reports every rule of the language that a document breaks and, for a valid document, the findings of the linter. An
     * invalid document is a result, not an error.
     * </pre>
     */
    default void validateTrustPolicy(com.rolecall.v1.ValidateTrustPolicyRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ValidateTrustPolicyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getValidateTrustPolicyMethod(), responseObserver);
    }

    /**
     * <pre>
     * Does the same for a permission policy, which says what a principal may do.
     * </pre>
     */
    default void validatePermissionPolicy(com.rolecall.v1.ValidatePermissionPolicyRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ValidatePermissionPolicyResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getValidatePermissionPolicyMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service PolicyService.
   * <pre>
   * Validates trust policies and permission policies. Nothing is stored.
   * </pre>
   */
  public static abstract class PolicyServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return PolicyServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service PolicyService.
   * <pre>
   * Validates trust policies and permission policies. Nothing is stored.
   * </pre>
   */
  public static final class PolicyServiceStub
      extends io.grpc.stub.AbstractAsyncStub<PolicyServiceStub> {
    private PolicyServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PolicyServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PolicyServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reports every rule of the language that a document breaks and, for a valid document, the findings of the linter. An
     * invalid document is a result, not an error.
     * </pre>
     */
    public void validateTrustPolicy(com.rolecall.v1.ValidateTrustPolicyRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ValidateTrustPolicyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getValidateTrustPolicyMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Does the same for a permission policy, which says what a principal may do.
     * </pre>
     */
    public void validatePermissionPolicy(com.rolecall.v1.ValidatePermissionPolicyRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ValidatePermissionPolicyResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getValidatePermissionPolicyMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service PolicyService.
   * <pre>
   * Validates trust policies and permission policies. Nothing is stored.
   * </pre>
   */
  public static final class PolicyServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<PolicyServiceBlockingV2Stub> {
    private PolicyServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PolicyServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PolicyServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Reports every rule of the language that a document breaks and, for a valid document, the findings of the linter. An
     * invalid document is a result, not an error.
     * </pre>
     */
    public com.rolecall.v1.ValidateTrustPolicyResponse validateTrustPolicy(com.rolecall.v1.ValidateTrustPolicyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getValidateTrustPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does the same for a permission policy, which says what a principal may do.
     * </pre>
     */
    public com.rolecall.v1.ValidatePermissionPolicyResponse validatePermissionPolicy(com.rolecall.v1.ValidatePermissionPolicyRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getValidatePermissionPolicyMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service PolicyService.
   * <pre>
   * Validates trust policies and permission policies. Nothing is stored.
   * </pre>
   */
  public static final class PolicyServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<PolicyServiceBlockingStub> {
    private PolicyServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PolicyServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PolicyServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reports every rule of the language that a document breaks and, for a valid document, the findings of the linter. An
     * invalid document is a result, not an error.
     * </pre>
     */
    public com.rolecall.v1.ValidateTrustPolicyResponse validateTrustPolicy(com.rolecall.v1.ValidateTrustPolicyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getValidateTrustPolicyMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Does the same for a permission policy, which says what a principal may do.
     * </pre>
     */
    public com.rolecall.v1.ValidatePermissionPolicyResponse validatePermissionPolicy(com.rolecall.v1.ValidatePermissionPolicyRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getValidatePermissionPolicyMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service PolicyService.
   * <pre>
   * Validates trust policies and permission policies. Nothing is stored.
   * </pre>
   */
  public static final class PolicyServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<PolicyServiceFutureStub> {
    private PolicyServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected PolicyServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new PolicyServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Reports every rule of the language that a document breaks and, for a valid document, the findings of the linter. An
     * invalid document is a result, not an error.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ValidateTrustPolicyResponse> validateTrustPolicy(
        com.rolecall.v1.ValidateTrustPolicyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getValidateTrustPolicyMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Does the same for a permission policy, which says what a principal may do.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ValidatePermissionPolicyResponse> validatePermissionPolicy(
        com.rolecall.v1.ValidatePermissionPolicyRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getValidatePermissionPolicyMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_VALIDATE_TRUST_POLICY = 0;
  private static final int METHODID_VALIDATE_PERMISSION_POLICY = 1;

  private static final class MethodHandlers<Req, Resp> implements
      io.grpc.stub.ServerCalls.UnaryMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ServerStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.ClientStreamingMethod<Req, Resp>,
      io.grpc.stub.ServerCalls.BidiStreamingMethod<Req, Resp> {
    private final AsyncService serviceImpl;
    private final int methodId;

    MethodHandlers(AsyncService serviceImpl, int methodId) {
      this.serviceImpl = serviceImpl;
      this.methodId = methodId;
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public void invoke(Req request, io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        case METHODID_VALIDATE_TRUST_POLICY:
          serviceImpl.validateTrustPolicy((com.rolecall.v1.ValidateTrustPolicyRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ValidateTrustPolicyResponse>) responseObserver);
          break;
        case METHODID_VALIDATE_PERMISSION_POLICY:
          serviceImpl.validatePermissionPolicy((com.rolecall.v1.ValidatePermissionPolicyRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ValidatePermissionPolicyResponse>) responseObserver);
          break;
        default:
          throw new AssertionError();
      }
    }

    @java.lang.Override
    @java.lang.SuppressWarnings("unchecked")
    public io.grpc.stub.StreamObserver<Req> invoke(
        io.grpc.stub.StreamObserver<Resp> responseObserver) {
      switch (methodId) {
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getValidateTrustPolicyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ValidateTrustPolicyRequest,
              com.rolecall.v1.ValidateTrustPolicyResponse>(
                service, METHODID_VALIDATE_TRUST_POLICY)))
        .addMethod(
          getValidatePermissionPolicyMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ValidatePermissionPolicyRequest,
              com.rolecall.v1.ValidatePermissionPolicyResponse>(
                service, METHODID_VALIDATE_PERMISSION_POLICY)))
        .build();
  }

  private static abstract class PolicyServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    PolicyServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.rolecall.v1.PolicyProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("PolicyService");
    }
  }

  private static final class PolicyServiceFileDescriptorSupplier
      extends PolicyServiceBaseDescriptorSupplier {
    PolicyServiceFileDescriptorSupplier() {}
  }

  private static final class PolicyServiceMethodDescriptorSupplier
      extends PolicyServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    PolicyServiceMethodDescriptorSupplier(java.lang.String methodName) {
      this.methodName = methodName;
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.MethodDescriptor getMethodDescriptor() {
      return getServiceDescriptor().findMethodByName(methodName);
    }
  }

  private static volatile io.grpc.ServiceDescriptor serviceDescriptor;

  public static io.grpc.ServiceDescriptor getServiceDescriptor() {
    io.grpc.ServiceDescriptor result = serviceDescriptor;
    if (result == null) {
      synchronized (PolicyServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new PolicyServiceFileDescriptorSupplier())
              .addMethod(getValidateTrustPolicyMethod())
              .addMethod(getValidatePermissionPolicyMethod())
              .build();
        }
      }
    }
    return result;
  }
}
