package com.rolecall.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Answers every caller with a valid credential about itself.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class CallerServiceGrpc {

  private CallerServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "rolecall.v1.CallerService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.WhoAmIRequest,
      com.rolecall.v1.WhoAmIResponse> getWhoAmIMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "WhoAmI",
      requestType = com.rolecall.v1.WhoAmIRequest.class,
      responseType = com.rolecall.v1.WhoAmIResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.WhoAmIRequest,
      com.rolecall.v1.WhoAmIResponse> getWhoAmIMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.WhoAmIRequest, com.rolecall.v1.WhoAmIResponse> getWhoAmIMethod;
    if ((getWhoAmIMethod = CallerServiceGrpc.getWhoAmIMethod) == null) {
      synchronized (CallerServiceGrpc.class) {
        if ((getWhoAmIMethod = CallerServiceGrpc.getWhoAmIMethod) == null) {
          CallerServiceGrpc.getWhoAmIMethod = getWhoAmIMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.WhoAmIRequest, com.rolecall.v1.WhoAmIResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "WhoAmI"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.WhoAmIRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.WhoAmIResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CallerServiceMethodDescriptorSupplier("WhoAmI"))
              .build();
        }
      }
    }
    return getWhoAmIMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.CanIRequest,
      com.rolecall.v1.CanIResponse> getCanIMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CanI",
      requestType = com.rolecall.v1.CanIRequest.class,
      responseType = com.rolecall.v1.CanIResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.CanIRequest,
      com.rolecall.v1.CanIResponse> getCanIMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.CanIRequest, com.rolecall.v1.CanIResponse> getCanIMethod;
    if ((getCanIMethod = CallerServiceGrpc.getCanIMethod) == null) {
      synchronized (CallerServiceGrpc.class) {
        if ((getCanIMethod = CallerServiceGrpc.getCanIMethod) == null) {
          CallerServiceGrpc.getCanIMethod = getCanIMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.CanIRequest, com.rolecall.v1.CanIResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CanI"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.CanIRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.CanIResponse.getDefaultInstance()))
              .setSchemaDescriptor(new CallerServiceMethodDescriptorSupplier("CanI"))
              .build();
        }
      }
    }
    return getCanIMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static CallerServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CallerServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CallerServiceStub>() {
        @java.lang.Override
        public CallerServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CallerServiceStub(channel, callOptions);
        }
      };
    return CallerServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static CallerServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CallerServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CallerServiceBlockingV2Stub>() {
        @java.lang.Override
        public CallerServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CallerServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return CallerServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static CallerServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CallerServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CallerServiceBlockingStub>() {
        @java.lang.Override
        public CallerServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CallerServiceBlockingStub(channel, callOptions);
        }
      };
    return CallerServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static CallerServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<CallerServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<CallerServiceFutureStub>() {
        @java.lang.Override
        public CallerServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new CallerServiceFutureStub(channel, callOptions);
        }
      };
    return CallerServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Answers every caller with a valid credential about itself.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Returns how the server recognises the caller.
     * </pre>
     */
    default void whoAmI(com.rolecall.v1.WhoAmIRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.WhoAmIResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getWhoAmIMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns whether the caller may do something.
     * </pre>
     */
    default void canI(com.rolecall.v1.CanIRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.CanIResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCanIMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service CallerService.
   * <pre>
   * Answers every caller with a valid credential about itself.
   * </pre>
   */
  public static abstract class CallerServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return CallerServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service CallerService.
   * <pre>
   * Answers every caller with a valid credential about itself.
   * </pre>
   */
  public static final class CallerServiceStub
      extends io.grpc.stub.AbstractAsyncStub<CallerServiceStub> {
    private CallerServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CallerServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CallerServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns how the server recognises the caller.
     * </pre>
     */
    public void whoAmI(com.rolecall.v1.WhoAmIRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.WhoAmIResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getWhoAmIMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns whether the caller may do something.
     * </pre>
     */
    public void canI(com.rolecall.v1.CanIRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.CanIResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCanIMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service CallerService.
   * <pre>
   * Answers every caller with a valid credential about itself.
   * </pre>
   */
  public static final class CallerServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<CallerServiceBlockingV2Stub> {
    private CallerServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CallerServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CallerServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns how the server recognises the caller.
     * </pre>
     */
    public com.rolecall.v1.WhoAmIResponse whoAmI(com.rolecall.v1.WhoAmIRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getWhoAmIMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns whether the caller may do something.
     * </pre>
     */
    public com.rolecall.v1.CanIResponse canI(com.rolecall.v1.CanIRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCanIMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service CallerService.
   * <pre>
   * Answers every caller with a valid credential about itself.
   * </pre>
   */
  public static final class CallerServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<CallerServiceBlockingStub> {
    private CallerServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CallerServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CallerServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns how the server recognises the caller.
     * </pre>
     */
    public com.rolecall.v1.WhoAmIResponse whoAmI(com.rolecall.v1.WhoAmIRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getWhoAmIMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns whether the caller may do something.
     * </pre>
     */
    public com.rolecall.v1.CanIResponse canI(com.rolecall.v1.CanIRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCanIMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service CallerService.
   * <pre>
   * Answers every caller with a valid credential about itself.
   * </pre>
   */
  public static final class CallerServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<CallerServiceFutureStub> {
    private CallerServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected CallerServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new CallerServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Returns how the server recognises the caller.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.WhoAmIResponse> whoAmI(
        com.rolecall.v1.WhoAmIRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getWhoAmIMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns whether the caller may do something.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.CanIResponse> canI(
        com.rolecall.v1.CanIRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCanIMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_WHO_AM_I = 0;
  private static final int METHODID_CAN_I = 1;

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
        case METHODID_WHO_AM_I:
          serviceImpl.whoAmI((com.rolecall.v1.WhoAmIRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.WhoAmIResponse>) responseObserver);
          break;
        case METHODID_CAN_I:
          serviceImpl.canI((com.rolecall.v1.CanIRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.CanIResponse>) responseObserver);
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
          getWhoAmIMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.WhoAmIRequest,
              com.rolecall.v1.WhoAmIResponse>(
                service, METHODID_WHO_AM_I)))
        .addMethod(
          getCanIMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.CanIRequest,
              com.rolecall.v1.CanIResponse>(
                service, METHODID_CAN_I)))
        .build();
  }

  private static abstract class CallerServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    CallerServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.rolecall.v1.CallerProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("CallerService");
    }
  }

  private static final class CallerServiceFileDescriptorSupplier
      extends CallerServiceBaseDescriptorSupplier {
    CallerServiceFileDescriptorSupplier() {}
  }

  private static final class CallerServiceMethodDescriptorSupplier
      extends CallerServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    CallerServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (CallerServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new CallerServiceFileDescriptorSupplier())
              .addMethod(getWhoAmIMethod())
              .addMethod(getCanIMethod())
              .build();
        }
      }
    }
    return result;
  }
}
