package com.rolecall.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
 * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class DecisionServiceGrpc {

  private DecisionServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "rolecall.v1.DecisionService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.CheckAssumeRoleRequest,
      com.rolecall.v1.CheckAssumeRoleResponse> getCheckAssumeRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CheckAssumeRole",
      requestType = com.rolecall.v1.CheckAssumeRoleRequest.class,
      responseType = com.rolecall.v1.CheckAssumeRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.CheckAssumeRoleRequest,
      com.rolecall.v1.CheckAssumeRoleResponse> getCheckAssumeRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.CheckAssumeRoleRequest, com.rolecall.v1.CheckAssumeRoleResponse> getCheckAssumeRoleMethod;
    if ((getCheckAssumeRoleMethod = DecisionServiceGrpc.getCheckAssumeRoleMethod) == null) {
      synchronized (DecisionServiceGrpc.class) {
        if ((getCheckAssumeRoleMethod = DecisionServiceGrpc.getCheckAssumeRoleMethod) == null) {
          DecisionServiceGrpc.getCheckAssumeRoleMethod = getCheckAssumeRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.CheckAssumeRoleRequest, com.rolecall.v1.CheckAssumeRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CheckAssumeRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.CheckAssumeRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.CheckAssumeRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DecisionServiceMethodDescriptorSupplier("CheckAssumeRole"))
              .build();
        }
      }
    }
    return getCheckAssumeRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.BatchCheckAssumeRoleRequest,
      com.rolecall.v1.BatchCheckAssumeRoleResponse> getBatchCheckAssumeRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "BatchCheckAssumeRole",
      requestType = com.rolecall.v1.BatchCheckAssumeRoleRequest.class,
      responseType = com.rolecall.v1.BatchCheckAssumeRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.BatchCheckAssumeRoleRequest,
      com.rolecall.v1.BatchCheckAssumeRoleResponse> getBatchCheckAssumeRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.BatchCheckAssumeRoleRequest, com.rolecall.v1.BatchCheckAssumeRoleResponse> getBatchCheckAssumeRoleMethod;
    if ((getBatchCheckAssumeRoleMethod = DecisionServiceGrpc.getBatchCheckAssumeRoleMethod) == null) {
      synchronized (DecisionServiceGrpc.class) {
        if ((getBatchCheckAssumeRoleMethod = DecisionServiceGrpc.getBatchCheckAssumeRoleMethod) == null) {
          DecisionServiceGrpc.getBatchCheckAssumeRoleMethod = getBatchCheckAssumeRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.BatchCheckAssumeRoleRequest, com.rolecall.v1.BatchCheckAssumeRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "BatchCheckAssumeRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.BatchCheckAssumeRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.BatchCheckAssumeRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DecisionServiceMethodDescriptorSupplier("BatchCheckAssumeRole"))
              .build();
        }
      }
    }
    return getBatchCheckAssumeRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.StreamCheckAssumeRoleRequest,
      com.rolecall.v1.StreamCheckAssumeRoleResponse> getStreamCheckAssumeRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "StreamCheckAssumeRole",
      requestType = com.rolecall.v1.StreamCheckAssumeRoleRequest.class,
      responseType = com.rolecall.v1.StreamCheckAssumeRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.StreamCheckAssumeRoleRequest,
      com.rolecall.v1.StreamCheckAssumeRoleResponse> getStreamCheckAssumeRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.StreamCheckAssumeRoleRequest, com.rolecall.v1.StreamCheckAssumeRoleResponse> getStreamCheckAssumeRoleMethod;
    if ((getStreamCheckAssumeRoleMethod = DecisionServiceGrpc.getStreamCheckAssumeRoleMethod) == null) {
      synchronized (DecisionServiceGrpc.class) {
        if ((getStreamCheckAssumeRoleMethod = DecisionServiceGrpc.getStreamCheckAssumeRoleMethod) == null) {
          DecisionServiceGrpc.getStreamCheckAssumeRoleMethod = getStreamCheckAssumeRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.StreamCheckAssumeRoleRequest, com.rolecall.v1.StreamCheckAssumeRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.BIDI_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "StreamCheckAssumeRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.StreamCheckAssumeRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.StreamCheckAssumeRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DecisionServiceMethodDescriptorSupplier("StreamCheckAssumeRole"))
              .build();
        }
      }
    }
    return getStreamCheckAssumeRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ExplainAssumeRoleRequest,
      com.rolecall.v1.ExplainAssumeRoleResponse> getExplainAssumeRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ExplainAssumeRole",
      requestType = com.rolecall.v1.ExplainAssumeRoleRequest.class,
      responseType = com.rolecall.v1.ExplainAssumeRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ExplainAssumeRoleRequest,
      com.rolecall.v1.ExplainAssumeRoleResponse> getExplainAssumeRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ExplainAssumeRoleRequest, com.rolecall.v1.ExplainAssumeRoleResponse> getExplainAssumeRoleMethod;
    if ((getExplainAssumeRoleMethod = DecisionServiceGrpc.getExplainAssumeRoleMethod) == null) {
      synchronized (DecisionServiceGrpc.class) {
        if ((getExplainAssumeRoleMethod = DecisionServiceGrpc.getExplainAssumeRoleMethod) == null) {
          DecisionServiceGrpc.getExplainAssumeRoleMethod = getExplainAssumeRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ExplainAssumeRoleRequest, com.rolecall.v1.ExplainAssumeRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ExplainAssumeRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ExplainAssumeRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ExplainAssumeRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DecisionServiceMethodDescriptorSupplier("ExplainAssumeRole"))
              .build();
        }
      }
    }
    return getExplainAssumeRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ListAssumableRolesRequest,
      com.rolecall.v1.ListAssumableRolesResponse> getListAssumableRolesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListAssumableRoles",
      requestType = com.rolecall.v1.ListAssumableRolesRequest.class,
      responseType = com.rolecall.v1.ListAssumableRolesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ListAssumableRolesRequest,
      com.rolecall.v1.ListAssumableRolesResponse> getListAssumableRolesMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ListAssumableRolesRequest, com.rolecall.v1.ListAssumableRolesResponse> getListAssumableRolesMethod;
    if ((getListAssumableRolesMethod = DecisionServiceGrpc.getListAssumableRolesMethod) == null) {
      synchronized (DecisionServiceGrpc.class) {
        if ((getListAssumableRolesMethod = DecisionServiceGrpc.getListAssumableRolesMethod) == null) {
          DecisionServiceGrpc.getListAssumableRolesMethod = getListAssumableRolesMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ListAssumableRolesRequest, com.rolecall.v1.ListAssumableRolesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListAssumableRoles"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListAssumableRolesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListAssumableRolesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DecisionServiceMethodDescriptorSupplier("ListAssumableRoles"))
              .build();
        }
      }
    }
    return getListAssumableRolesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ListTrustedPrincipalsRequest,
      com.rolecall.v1.ListTrustedPrincipalsResponse> getListTrustedPrincipalsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListTrustedPrincipals",
      requestType = com.rolecall.v1.ListTrustedPrincipalsRequest.class,
      responseType = com.rolecall.v1.ListTrustedPrincipalsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ListTrustedPrincipalsRequest,
      com.rolecall.v1.ListTrustedPrincipalsResponse> getListTrustedPrincipalsMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ListTrustedPrincipalsRequest, com.rolecall.v1.ListTrustedPrincipalsResponse> getListTrustedPrincipalsMethod;
    if ((getListTrustedPrincipalsMethod = DecisionServiceGrpc.getListTrustedPrincipalsMethod) == null) {
      synchronized (DecisionServiceGrpc.class) {
        if ((getListTrustedPrincipalsMethod = DecisionServiceGrpc.getListTrustedPrincipalsMethod) == null) {
          DecisionServiceGrpc.getListTrustedPrincipalsMethod = getListTrustedPrincipalsMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ListTrustedPrincipalsRequest, com.rolecall.v1.ListTrustedPrincipalsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListTrustedPrincipals"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListTrustedPrincipalsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListTrustedPrincipalsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new DecisionServiceMethodDescriptorSupplier("ListTrustedPrincipals"))
              .build();
        }
      }
    }
    return getListTrustedPrincipalsMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static DecisionServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DecisionServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DecisionServiceStub>() {
        @java.lang.Override
        public DecisionServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DecisionServiceStub(channel, callOptions);
        }
      };
    return DecisionServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static DecisionServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DecisionServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DecisionServiceBlockingV2Stub>() {
        @java.lang.Override
        public DecisionServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DecisionServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return DecisionServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static DecisionServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DecisionServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DecisionServiceBlockingStub>() {
        @java.lang.Override
        public DecisionServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DecisionServiceBlockingStub(channel, callOptions);
        }
      };
    return DecisionServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static DecisionServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<DecisionServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<DecisionServiceFutureStub>() {
        @java.lang.Override
        public DecisionServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new DecisionServiceFutureStub(channel, callOptions);
        }
      };
    return DecisionServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
   * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Decides one query.
     * </pre>
     */
    default void checkAssumeRole(com.rolecall.v1.CheckAssumeRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.CheckAssumeRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCheckAssumeRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides many queries at one revision, in order. A malformed query gets its own error; the others are decided.
     * </pre>
     */
    default void batchCheckAssumeRole(com.rolecall.v1.BatchCheckAssumeRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.BatchCheckAssumeRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getBatchCheckAssumeRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides queries as they arrive, in order.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<com.rolecall.v1.StreamCheckAssumeRoleRequest> streamCheckAssumeRole(
        io.grpc.stub.StreamObserver<com.rolecall.v1.StreamCheckAssumeRoleResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getStreamCheckAssumeRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Decides one query and explains the decision: every statement, every condition, and the smallest change that would allow.
     * </pre>
     */
    default void explainAssumeRole(com.rolecall.v1.ExplainAssumeRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ExplainAssumeRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getExplainAssumeRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the roles that an identity can assume, or could assume with further condition keys.
     * </pre>
     */
    default void listAssumableRoles(com.rolecall.v1.ListAssumableRolesRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListAssumableRolesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListAssumableRolesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the principals that a role's trust policy names.
     * </pre>
     */
    default void listTrustedPrincipals(com.rolecall.v1.ListTrustedPrincipalsRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListTrustedPrincipalsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListTrustedPrincipalsMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service DecisionService.
   * <pre>
   * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
   * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
   * </pre>
   */
  public static abstract class DecisionServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return DecisionServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service DecisionService.
   * <pre>
   * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
   * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
   * </pre>
   */
  public static final class DecisionServiceStub
      extends io.grpc.stub.AbstractAsyncStub<DecisionServiceStub> {
    private DecisionServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DecisionServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DecisionServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides one query.
     * </pre>
     */
    public void checkAssumeRole(com.rolecall.v1.CheckAssumeRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.CheckAssumeRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCheckAssumeRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides many queries at one revision, in order. A malformed query gets its own error; the others are decided.
     * </pre>
     */
    public void batchCheckAssumeRole(com.rolecall.v1.BatchCheckAssumeRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.BatchCheckAssumeRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getBatchCheckAssumeRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Decides queries as they arrive, in order.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<com.rolecall.v1.StreamCheckAssumeRoleRequest> streamCheckAssumeRole(
        io.grpc.stub.StreamObserver<com.rolecall.v1.StreamCheckAssumeRoleResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncBidiStreamingCall(
          getChannel().newCall(getStreamCheckAssumeRoleMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Decides one query and explains the decision: every statement, every condition, and the smallest change that would allow.
     * </pre>
     */
    public void explainAssumeRole(com.rolecall.v1.ExplainAssumeRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ExplainAssumeRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getExplainAssumeRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the roles that an identity can assume, or could assume with further condition keys.
     * </pre>
     */
    public void listAssumableRoles(com.rolecall.v1.ListAssumableRolesRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListAssumableRolesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListAssumableRolesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the principals that a role's trust policy names.
     * </pre>
     */
    public void listTrustedPrincipals(com.rolecall.v1.ListTrustedPrincipalsRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListTrustedPrincipalsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListTrustedPrincipalsMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service DecisionService.
   * <pre>
   * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
   * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
   * </pre>
   */
  public static final class DecisionServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<DecisionServiceBlockingV2Stub> {
    private DecisionServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DecisionServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DecisionServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides one query.
     * </pre>
     */
    public com.rolecall.v1.CheckAssumeRoleResponse checkAssumeRole(com.rolecall.v1.CheckAssumeRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCheckAssumeRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides many queries at one revision, in order. A malformed query gets its own error; the others are decided.
     * </pre>
     */
    public com.rolecall.v1.BatchCheckAssumeRoleResponse batchCheckAssumeRole(com.rolecall.v1.BatchCheckAssumeRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getBatchCheckAssumeRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides queries as they arrive, in order.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<com.rolecall.v1.StreamCheckAssumeRoleRequest, com.rolecall.v1.StreamCheckAssumeRoleResponse>
        streamCheckAssumeRole() {
      return io.grpc.stub.ClientCalls.blockingBidiStreamingCall(
          getChannel(), getStreamCheckAssumeRoleMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Decides one query and explains the decision: every statement, every condition, and the smallest change that would allow.
     * </pre>
     */
    public com.rolecall.v1.ExplainAssumeRoleResponse explainAssumeRole(com.rolecall.v1.ExplainAssumeRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getExplainAssumeRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the roles that an identity can assume, or could assume with further condition keys.
     * </pre>
     */
    public com.rolecall.v1.ListAssumableRolesResponse listAssumableRoles(com.rolecall.v1.ListAssumableRolesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListAssumableRolesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the principals that a role's trust policy names.
     * </pre>
     */
    public com.rolecall.v1.ListTrustedPrincipalsResponse listTrustedPrincipals(com.rolecall.v1.ListTrustedPrincipalsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListTrustedPrincipalsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service DecisionService.
   * <pre>
   * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
   * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
   * </pre>
   */
  public static final class DecisionServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<DecisionServiceBlockingStub> {
    private DecisionServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DecisionServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DecisionServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides one query.
     * </pre>
     */
    public com.rolecall.v1.CheckAssumeRoleResponse checkAssumeRole(com.rolecall.v1.CheckAssumeRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCheckAssumeRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides many queries at one revision, in order. A malformed query gets its own error; the others are decided.
     * </pre>
     */
    public com.rolecall.v1.BatchCheckAssumeRoleResponse batchCheckAssumeRole(com.rolecall.v1.BatchCheckAssumeRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getBatchCheckAssumeRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Decides one query and explains the decision: every statement, every condition, and the smallest change that would allow.
     * </pre>
     */
    public com.rolecall.v1.ExplainAssumeRoleResponse explainAssumeRole(com.rolecall.v1.ExplainAssumeRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getExplainAssumeRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the roles that an identity can assume, or could assume with further condition keys.
     * </pre>
     */
    public com.rolecall.v1.ListAssumableRolesResponse listAssumableRoles(com.rolecall.v1.ListAssumableRolesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListAssumableRolesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the principals that a role's trust policy names.
     * </pre>
     */
    public com.rolecall.v1.ListTrustedPrincipalsResponse listTrustedPrincipals(com.rolecall.v1.ListTrustedPrincipalsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListTrustedPrincipalsMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service DecisionService.
   * <pre>
   * Decides whether principals may assume roles. A deny is a decision, returned with status OK; an error means that no decision
   * could be made. A malformed query is INVALID_ARGUMENT, never a deny.
   * </pre>
   */
  public static final class DecisionServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<DecisionServiceFutureStub> {
    private DecisionServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected DecisionServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new DecisionServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Decides one query.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.CheckAssumeRoleResponse> checkAssumeRole(
        com.rolecall.v1.CheckAssumeRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCheckAssumeRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decides many queries at one revision, in order. A malformed query gets its own error; the others are decided.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.BatchCheckAssumeRoleResponse> batchCheckAssumeRole(
        com.rolecall.v1.BatchCheckAssumeRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getBatchCheckAssumeRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Decides one query and explains the decision: every statement, every condition, and the smallest change that would allow.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ExplainAssumeRoleResponse> explainAssumeRole(
        com.rolecall.v1.ExplainAssumeRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getExplainAssumeRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the roles that an identity can assume, or could assume with further condition keys.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ListAssumableRolesResponse> listAssumableRoles(
        com.rolecall.v1.ListAssumableRolesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListAssumableRolesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the principals that a role's trust policy names.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ListTrustedPrincipalsResponse> listTrustedPrincipals(
        com.rolecall.v1.ListTrustedPrincipalsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListTrustedPrincipalsMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CHECK_ASSUME_ROLE = 0;
  private static final int METHODID_BATCH_CHECK_ASSUME_ROLE = 1;
  private static final int METHODID_EXPLAIN_ASSUME_ROLE = 2;
  private static final int METHODID_LIST_ASSUMABLE_ROLES = 3;
  private static final int METHODID_LIST_TRUSTED_PRINCIPALS = 4;
  private static final int METHODID_STREAM_CHECK_ASSUME_ROLE = 5;

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
        case METHODID_CHECK_ASSUME_ROLE:
          serviceImpl.checkAssumeRole((com.rolecall.v1.CheckAssumeRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.CheckAssumeRoleResponse>) responseObserver);
          break;
        case METHODID_BATCH_CHECK_ASSUME_ROLE:
          serviceImpl.batchCheckAssumeRole((com.rolecall.v1.BatchCheckAssumeRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.BatchCheckAssumeRoleResponse>) responseObserver);
          break;
        case METHODID_EXPLAIN_ASSUME_ROLE:
          serviceImpl.explainAssumeRole((com.rolecall.v1.ExplainAssumeRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ExplainAssumeRoleResponse>) responseObserver);
          break;
        case METHODID_LIST_ASSUMABLE_ROLES:
          serviceImpl.listAssumableRoles((com.rolecall.v1.ListAssumableRolesRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ListAssumableRolesResponse>) responseObserver);
          break;
        case METHODID_LIST_TRUSTED_PRINCIPALS:
          serviceImpl.listTrustedPrincipals((com.rolecall.v1.ListTrustedPrincipalsRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ListTrustedPrincipalsResponse>) responseObserver);
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
        case METHODID_STREAM_CHECK_ASSUME_ROLE:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.streamCheckAssumeRole(
              (io.grpc.stub.StreamObserver<com.rolecall.v1.StreamCheckAssumeRoleResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCheckAssumeRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.CheckAssumeRoleRequest,
              com.rolecall.v1.CheckAssumeRoleResponse>(
                service, METHODID_CHECK_ASSUME_ROLE)))
        .addMethod(
          getBatchCheckAssumeRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.BatchCheckAssumeRoleRequest,
              com.rolecall.v1.BatchCheckAssumeRoleResponse>(
                service, METHODID_BATCH_CHECK_ASSUME_ROLE)))
        .addMethod(
          getStreamCheckAssumeRoleMethod(),
          io.grpc.stub.ServerCalls.asyncBidiStreamingCall(
            new MethodHandlers<
              com.rolecall.v1.StreamCheckAssumeRoleRequest,
              com.rolecall.v1.StreamCheckAssumeRoleResponse>(
                service, METHODID_STREAM_CHECK_ASSUME_ROLE)))
        .addMethod(
          getExplainAssumeRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ExplainAssumeRoleRequest,
              com.rolecall.v1.ExplainAssumeRoleResponse>(
                service, METHODID_EXPLAIN_ASSUME_ROLE)))
        .addMethod(
          getListAssumableRolesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ListAssumableRolesRequest,
              com.rolecall.v1.ListAssumableRolesResponse>(
                service, METHODID_LIST_ASSUMABLE_ROLES)))
        .addMethod(
          getListTrustedPrincipalsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ListTrustedPrincipalsRequest,
              com.rolecall.v1.ListTrustedPrincipalsResponse>(
                service, METHODID_LIST_TRUSTED_PRINCIPALS)))
        .build();
  }

  private static abstract class DecisionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    DecisionServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.rolecall.v1.DecisionProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("DecisionService");
    }
  }

  private static final class DecisionServiceFileDescriptorSupplier
      extends DecisionServiceBaseDescriptorSupplier {
    DecisionServiceFileDescriptorSupplier() {}
  }

  private static final class DecisionServiceMethodDescriptorSupplier
      extends DecisionServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    DecisionServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (DecisionServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new DecisionServiceFileDescriptorSupplier())
              .addMethod(getCheckAssumeRoleMethod())
              .addMethod(getBatchCheckAssumeRoleMethod())
              .addMethod(getStreamCheckAssumeRoleMethod())
              .addMethod(getExplainAssumeRoleMethod())
              .addMethod(getListAssumableRolesMethod())
              .addMethod(getListTrustedPrincipalsMethod())
              .build();
        }
      }
    }
    return result;
  }
}
