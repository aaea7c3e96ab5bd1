package com.rolecall.v1;

import static io.grpc.MethodDescriptor.generateFullMethodName;

/**
 * <pre>
 * Manages roles and their trust policies.
 * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
 * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
 * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
 * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
 * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
 * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
 * </pre>
 */
@io.grpc.stub.annotations.GrpcGenerated
public final class RoleServiceGrpc {

  private RoleServiceGrpc() {}

  public static final java.lang.String SERVICE_NAME = "rolecall.v1.RoleService";

  // Static method descriptors that strictly reflect the proto.
  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.CreateRoleRequest,
      com.rolecall.v1.CreateRoleResponse> getCreateRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "CreateRole",
      requestType = com.rolecall.v1.CreateRoleRequest.class,
      responseType = com.rolecall.v1.CreateRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.CreateRoleRequest,
      com.rolecall.v1.CreateRoleResponse> getCreateRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.CreateRoleRequest, com.rolecall.v1.CreateRoleResponse> getCreateRoleMethod;
    if ((getCreateRoleMethod = RoleServiceGrpc.getCreateRoleMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getCreateRoleMethod = RoleServiceGrpc.getCreateRoleMethod) == null) {
          RoleServiceGrpc.getCreateRoleMethod = getCreateRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.CreateRoleRequest, com.rolecall.v1.CreateRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "CreateRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.CreateRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.CreateRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("CreateRole"))
              .build();
        }
      }
    }
    return getCreateRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.GetRoleRequest,
      com.rolecall.v1.GetRoleResponse> getGetRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "GetRole",
      requestType = com.rolecall.v1.GetRoleRequest.class,
      responseType = com.rolecall.v1.GetRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.GetRoleRequest,
      com.rolecall.v1.GetRoleResponse> getGetRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.GetRoleRequest, com.rolecall.v1.GetRoleResponse> getGetRoleMethod;
    if ((getGetRoleMethod = RoleServiceGrpc.getGetRoleMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getGetRoleMethod = RoleServiceGrpc.getGetRoleMethod) == null) {
          RoleServiceGrpc.getGetRoleMethod = getGetRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.GetRoleRequest, com.rolecall.v1.GetRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "GetRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.GetRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.GetRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("GetRole"))
              .build();
        }
      }
    }
    return getGetRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ListRolesRequest,
      com.rolecall.v1.ListRolesResponse> getListRolesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRoles",
      requestType = com.rolecall.v1.ListRolesRequest.class,
      responseType = com.rolecall.v1.ListRolesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ListRolesRequest,
      com.rolecall.v1.ListRolesResponse> getListRolesMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ListRolesRequest, com.rolecall.v1.ListRolesResponse> getListRolesMethod;
    if ((getListRolesMethod = RoleServiceGrpc.getListRolesMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getListRolesMethod = RoleServiceGrpc.getListRolesMethod) == null) {
          RoleServiceGrpc.getListRolesMethod = getListRolesMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ListRolesRequest, com.rolecall.v1.ListRolesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRoles"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListRolesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListRolesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("ListRoles"))
              .build();
        }
      }
    }
    return getListRolesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.UpdateRoleRequest,
      com.rolecall.v1.UpdateRoleResponse> getUpdateRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UpdateRole",
      requestType = com.rolecall.v1.UpdateRoleRequest.class,
      responseType = com.rolecall.v1.UpdateRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.UpdateRoleRequest,
      com.rolecall.v1.UpdateRoleResponse> getUpdateRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.UpdateRoleRequest, com.rolecall.v1.UpdateRoleResponse> getUpdateRoleMethod;
    if ((getUpdateRoleMethod = RoleServiceGrpc.getUpdateRoleMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getUpdateRoleMethod = RoleServiceGrpc.getUpdateRoleMethod) == null) {
          RoleServiceGrpc.getUpdateRoleMethod = getUpdateRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.UpdateRoleRequest, com.rolecall.v1.UpdateRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UpdateRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.UpdateRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.UpdateRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("UpdateRole"))
              .build();
        }
      }
    }
    return getUpdateRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.DeleteRoleRequest,
      com.rolecall.v1.DeleteRoleResponse> getDeleteRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "DeleteRole",
      requestType = com.rolecall.v1.DeleteRoleRequest.class,
      responseType = com.rolecall.v1.DeleteRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.DeleteRoleRequest,
      com.rolecall.v1.DeleteRoleResponse> getDeleteRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.DeleteRoleRequest, com.rolecall.v1.DeleteRoleResponse> getDeleteRoleMethod;
    if ((getDeleteRoleMethod = RoleServiceGrpc.getDeleteRoleMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getDeleteRoleMethod = RoleServiceGrpc.getDeleteRoleMethod) == null) {
          RoleServiceGrpc.getDeleteRoleMethod = getDeleteRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.DeleteRoleRequest, com.rolecall.v1.DeleteRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "DeleteRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.DeleteRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.DeleteRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("DeleteRole"))
              .build();
        }
      }
    }
    return getDeleteRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.UndeleteRoleRequest,
      com.rolecall.v1.UndeleteRoleResponse> getUndeleteRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "UndeleteRole",
      requestType = com.rolecall.v1.UndeleteRoleRequest.class,
      responseType = com.rolecall.v1.UndeleteRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.UndeleteRoleRequest,
      com.rolecall.v1.UndeleteRoleResponse> getUndeleteRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.UndeleteRoleRequest, com.rolecall.v1.UndeleteRoleResponse> getUndeleteRoleMethod;
    if ((getUndeleteRoleMethod = RoleServiceGrpc.getUndeleteRoleMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getUndeleteRoleMethod = RoleServiceGrpc.getUndeleteRoleMethod) == null) {
          RoleServiceGrpc.getUndeleteRoleMethod = getUndeleteRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.UndeleteRoleRequest, com.rolecall.v1.UndeleteRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "UndeleteRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.UndeleteRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.UndeleteRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("UndeleteRole"))
              .build();
        }
      }
    }
    return getUndeleteRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ListRoleRevisionsRequest,
      com.rolecall.v1.ListRoleRevisionsResponse> getListRoleRevisionsMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListRoleRevisions",
      requestType = com.rolecall.v1.ListRoleRevisionsRequest.class,
      responseType = com.rolecall.v1.ListRoleRevisionsResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ListRoleRevisionsRequest,
      com.rolecall.v1.ListRoleRevisionsResponse> getListRoleRevisionsMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ListRoleRevisionsRequest, com.rolecall.v1.ListRoleRevisionsResponse> getListRoleRevisionsMethod;
    if ((getListRoleRevisionsMethod = RoleServiceGrpc.getListRoleRevisionsMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getListRoleRevisionsMethod = RoleServiceGrpc.getListRoleRevisionsMethod) == null) {
          RoleServiceGrpc.getListRoleRevisionsMethod = getListRoleRevisionsMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ListRoleRevisionsRequest, com.rolecall.v1.ListRoleRevisionsResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListRoleRevisions"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListRoleRevisionsRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListRoleRevisionsResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("ListRoleRevisions"))
              .build();
        }
      }
    }
    return getListRoleRevisionsMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.RollbackRoleRequest,
      com.rolecall.v1.RollbackRoleResponse> getRollbackRoleMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "RollbackRole",
      requestType = com.rolecall.v1.RollbackRoleRequest.class,
      responseType = com.rolecall.v1.RollbackRoleResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.RollbackRoleRequest,
      com.rolecall.v1.RollbackRoleResponse> getRollbackRoleMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.RollbackRoleRequest, com.rolecall.v1.RollbackRoleResponse> getRollbackRoleMethod;
    if ((getRollbackRoleMethod = RoleServiceGrpc.getRollbackRoleMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getRollbackRoleMethod = RoleServiceGrpc.getRollbackRoleMethod) == null) {
          RoleServiceGrpc.getRollbackRoleMethod = getRollbackRoleMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.RollbackRoleRequest, com.rolecall.v1.RollbackRoleResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "RollbackRole"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.RollbackRoleRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.RollbackRoleResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("RollbackRole"))
              .build();
        }
      }
    }
    return getRollbackRoleMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ApplyRolesRequest,
      com.rolecall.v1.ApplyRolesResponse> getApplyRolesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ApplyRoles",
      requestType = com.rolecall.v1.ApplyRolesRequest.class,
      responseType = com.rolecall.v1.ApplyRolesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ApplyRolesRequest,
      com.rolecall.v1.ApplyRolesResponse> getApplyRolesMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ApplyRolesRequest, com.rolecall.v1.ApplyRolesResponse> getApplyRolesMethod;
    if ((getApplyRolesMethod = RoleServiceGrpc.getApplyRolesMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getApplyRolesMethod = RoleServiceGrpc.getApplyRolesMethod) == null) {
          RoleServiceGrpc.getApplyRolesMethod = getApplyRolesMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ApplyRolesRequest, com.rolecall.v1.ApplyRolesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.CLIENT_STREAMING)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ApplyRoles"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ApplyRolesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ApplyRolesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("ApplyRoles"))
              .build();
        }
      }
    }
    return getApplyRolesMethod;
  }

  private static volatile io.grpc.MethodDescriptor<com.rolecall.v1.ListChangesRequest,
      com.rolecall.v1.ListChangesResponse> getListChangesMethod;

  @io.grpc.stub.annotations.RpcMethod(
      fullMethodName = SERVICE_NAME + '/' + "ListChanges",
      requestType = com.rolecall.v1.ListChangesRequest.class,
      responseType = com.rolecall.v1.ListChangesResponse.class,
      methodType = io.grpc.MethodDescriptor.MethodType.UNARY)
  public static io.grpc.MethodDescriptor<com.rolecall.v1.ListChangesRequest,
      com.rolecall.v1.ListChangesResponse> getListChangesMethod() {
    io.grpc.MethodDescriptor<com.rolecall.v1.ListChangesRequest, com.rolecall.v1.ListChangesResponse> getListChangesMethod;
    if ((getListChangesMethod = RoleServiceGrpc.getListChangesMethod) == null) {
      synchronized (RoleServiceGrpc.class) {
        if ((getListChangesMethod = RoleServiceGrpc.getListChangesMethod) == null) {
          RoleServiceGrpc.getListChangesMethod = getListChangesMethod =
              io.grpc.MethodDescriptor.<com.rolecall.v1.ListChangesRequest, com.rolecall.v1.ListChangesResponse>newBuilder()
              .setType(io.grpc.MethodDescriptor.MethodType.UNARY)
              .setFullMethodName(generateFullMethodName(SERVICE_NAME, "ListChanges"))
              .setSampledToLocalTracing(true)
              .setRequestMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListChangesRequest.getDefaultInstance()))
              .setResponseMarshaller(io.grpc.protobuf.ProtoUtils.marshaller(
                  com.rolecall.v1.ListChangesResponse.getDefaultInstance()))
              .setSchemaDescriptor(new RoleServiceMethodDescriptorSupplier("ListChanges"))
              .build();
        }
      }
    }
    return getListChangesMethod;
  }

  /**
   * Creates a new async stub that supports all call types for the service
   */
  public static RoleServiceStub newStub(io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoleServiceStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoleServiceStub>() {
        @java.lang.Override
        public RoleServiceStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoleServiceStub(channel, callOptions);
        }
      };
    return RoleServiceStub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports all types of calls on the service
   */
  public static RoleServiceBlockingV2Stub newBlockingV2Stub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoleServiceBlockingV2Stub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoleServiceBlockingV2Stub>() {
        @java.lang.Override
        public RoleServiceBlockingV2Stub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoleServiceBlockingV2Stub(channel, callOptions);
        }
      };
    return RoleServiceBlockingV2Stub.newStub(factory, channel);
  }

  /**
   * Creates a new blocking-style stub that supports unary and streaming output calls on the service
   */
  public static RoleServiceBlockingStub newBlockingStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoleServiceBlockingStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoleServiceBlockingStub>() {
        @java.lang.Override
        public RoleServiceBlockingStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoleServiceBlockingStub(channel, callOptions);
        }
      };
    return RoleServiceBlockingStub.newStub(factory, channel);
  }

  /**
   * Creates a new ListenableFuture-style stub that supports unary calls on the service
   */
  public static RoleServiceFutureStub newFutureStub(
      io.grpc.Channel channel) {
    io.grpc.stub.AbstractStub.StubFactory<RoleServiceFutureStub> factory =
      new io.grpc.stub.AbstractStub.StubFactory<RoleServiceFutureStub>() {
        @java.lang.Override
        public RoleServiceFutureStub newStub(io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
          return new RoleServiceFutureStub(channel, callOptions);
        }
      };
    return RoleServiceFutureStub.newStub(factory, channel);
  }

  /**
   * <pre>
   * Manages roles and their trust policies.
   * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
   * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
   * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
   * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
   * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
   * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
   * </pre>
   */
  public interface AsyncService {

    /**
     * <pre>
     * Creates a role. ALREADY_EXISTS when the account has a role of that name; case does not matter.
     * </pre>
     */
    default void createRole(com.rolecall.v1.CreateRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.CreateRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getCreateRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Returns one role with its trust policy. NOT_FOUND when there is none.
     * </pre>
     */
    default void getRole(com.rolecall.v1.GetRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.GetRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getGetRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the roles of an account, ordered by name.
     * </pre>
     */
    default void listRoles(com.rolecall.v1.ListRolesRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListRolesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRolesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Changes a role. An update that changes nothing creates no revision. ABORTED when `etag` is stale.
     * </pre>
     */
    default void updateRole(com.rolecall.v1.UpdateRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.UpdateRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUpdateRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Deletes a role. A role of the same name that is created later is another role, with another `role_id`.
     * </pre>
     */
    default void deleteRole(com.rolecall.v1.DeleteRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.DeleteRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getDeleteRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Restores a deleted role, with its `role_id` and as it was when it was deleted. This creates a new revision, of the kind CREATED.
     * Nothing that was attached to the role is restored with it. ALREADY_EXISTS when the account has a role of that name,
     * NOT_FOUND when no deleted role of that name is stored.
     * </pre>
     */
    default void undeleteRole(com.rolecall.v1.UndeleteRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.UndeleteRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getUndeleteRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the stored revisions of a role, newest first, also of a role that was deleted.
     * </pre>
     */
    default void listRoleRevisions(com.rolecall.v1.ListRoleRevisionsRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListRoleRevisionsResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListRoleRevisionsMethod(), responseObserver);
    }

    /**
     * <pre>
     * Restores every mutable field of a role to its value at one of the role's revisions. This creates a new revision.
     * </pre>
     */
    default void rollbackRole(com.rolecall.v1.RollbackRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.RollbackRoleResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getRollbackRoleMethod(), responseObserver);
    }

    /**
     * <pre>
     * Makes a set of roles match their declarations in one atomic write: all changes share one revision, or none is made.
     * </pre>
     */
    default io.grpc.stub.StreamObserver<com.rolecall.v1.ApplyRolesRequest> applyRoles(
        io.grpc.stub.StreamObserver<com.rolecall.v1.ApplyRolesResponse> responseObserver) {
      return io.grpc.stub.ServerCalls.asyncUnimplementedStreamingCall(getApplyRolesMethod(), responseObserver);
    }

    /**
     * <pre>
     * Lists the stored changes of all roles in the order of their revisions: what was changed when, by whom and why.
     * </pre>
     */
    default void listChanges(com.rolecall.v1.ListChangesRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListChangesResponse> responseObserver) {
      io.grpc.stub.ServerCalls.asyncUnimplementedUnaryCall(getListChangesMethod(), responseObserver);
    }
  }

  /**
   * Base class for the server implementation of the service RoleService.
   * <pre>
   * Manages roles and their trust policies.
   * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
   * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
   * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
   * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
   * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
   * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
   * </pre>
   */
  public static abstract class RoleServiceImplBase
      implements io.grpc.BindableService, AsyncService {

    @java.lang.Override public final io.grpc.ServerServiceDefinition bindService() {
      return RoleServiceGrpc.bindService(this);
    }
  }

  /**
   * A stub to allow clients to do asynchronous rpc calls to service RoleService.
   * <pre>
   * Manages roles and their trust policies.
   * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
   * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
   * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
   * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
   * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
   * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
   * </pre>
   */
  public static final class RoleServiceStub
      extends io.grpc.stub.AbstractAsyncStub<RoleServiceStub> {
    private RoleServiceStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoleServiceStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoleServiceStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a role. ALREADY_EXISTS when the account has a role of that name; case does not matter.
     * </pre>
     */
    public void createRole(com.rolecall.v1.CreateRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.CreateRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getCreateRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Returns one role with its trust policy. NOT_FOUND when there is none.
     * </pre>
     */
    public void getRole(com.rolecall.v1.GetRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.GetRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getGetRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the roles of an account, ordered by name.
     * </pre>
     */
    public void listRoles(com.rolecall.v1.ListRolesRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListRolesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRolesMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Changes a role. An update that changes nothing creates no revision. ABORTED when `etag` is stale.
     * </pre>
     */
    public void updateRole(com.rolecall.v1.UpdateRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.UpdateRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUpdateRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Deletes a role. A role of the same name that is created later is another role, with another `role_id`.
     * </pre>
     */
    public void deleteRole(com.rolecall.v1.DeleteRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.DeleteRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getDeleteRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Restores a deleted role, with its `role_id` and as it was when it was deleted. This creates a new revision, of the kind CREATED.
     * Nothing that was attached to the role is restored with it. ALREADY_EXISTS when the account has a role of that name,
     * NOT_FOUND when no deleted role of that name is stored.
     * </pre>
     */
    public void undeleteRole(com.rolecall.v1.UndeleteRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.UndeleteRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getUndeleteRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Lists the stored revisions of a role, newest first, also of a role that was deleted.
     * </pre>
     */
    public void listRoleRevisions(com.rolecall.v1.ListRoleRevisionsRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListRoleRevisionsResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListRoleRevisionsMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Restores every mutable field of a role to its value at one of the role's revisions. This creates a new revision.
     * </pre>
     */
    public void rollbackRole(com.rolecall.v1.RollbackRoleRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.RollbackRoleResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getRollbackRoleMethod(), getCallOptions()), request, responseObserver);
    }

    /**
     * <pre>
     * Makes a set of roles match their declarations in one atomic write: all changes share one revision, or none is made.
     * </pre>
     */
    public io.grpc.stub.StreamObserver<com.rolecall.v1.ApplyRolesRequest> applyRoles(
        io.grpc.stub.StreamObserver<com.rolecall.v1.ApplyRolesResponse> responseObserver) {
      return io.grpc.stub.ClientCalls.asyncClientStreamingCall(
          getChannel().newCall(getApplyRolesMethod(), getCallOptions()), responseObserver);
    }

    /**
     * <pre>
     * Lists the stored changes of all roles in the order of their revisions: what was changed when, by whom and why.
     * </pre>
     */
    public void listChanges(com.rolecall.v1.ListChangesRequest request,
        io.grpc.stub.StreamObserver<com.rolecall.v1.ListChangesResponse> responseObserver) {
      io.grpc.stub.ClientCalls.asyncUnaryCall(
          getChannel().newCall(getListChangesMethod(), getCallOptions()), request, responseObserver);
    }
  }

  /**
   * A stub to allow clients to do synchronous rpc calls to service RoleService.
   * <pre>
   * Manages roles and their trust policies.
   * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
   * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
   * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
   * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
   * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
   * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
   * </pre>
   */
  public static final class RoleServiceBlockingV2Stub
      extends io.grpc.stub.AbstractBlockingStub<RoleServiceBlockingV2Stub> {
    private RoleServiceBlockingV2Stub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoleServiceBlockingV2Stub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoleServiceBlockingV2Stub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a role. ALREADY_EXISTS when the account has a role of that name; case does not matter.
     * </pre>
     */
    public com.rolecall.v1.CreateRoleResponse createRole(com.rolecall.v1.CreateRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getCreateRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one role with its trust policy. NOT_FOUND when there is none.
     * </pre>
     */
    public com.rolecall.v1.GetRoleResponse getRole(com.rolecall.v1.GetRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getGetRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the roles of an account, ordered by name.
     * </pre>
     */
    public com.rolecall.v1.ListRolesResponse listRoles(com.rolecall.v1.ListRolesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRolesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes a role. An update that changes nothing creates no revision. ABORTED when `etag` is stale.
     * </pre>
     */
    public com.rolecall.v1.UpdateRoleResponse updateRole(com.rolecall.v1.UpdateRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUpdateRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a role. A role of the same name that is created later is another role, with another `role_id`.
     * </pre>
     */
    public com.rolecall.v1.DeleteRoleResponse deleteRole(com.rolecall.v1.DeleteRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getDeleteRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Restores a deleted role, with its `role_id` and as it was when it was deleted. This creates a new revision, of the kind CREATED.
     * Nothing that was attached to the role is restored with it. ALREADY_EXISTS when the account has a role of that name,
     * NOT_FOUND when no deleted role of that name is stored.
     * </pre>
     */
    public com.rolecall.v1.UndeleteRoleResponse undeleteRole(com.rolecall.v1.UndeleteRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getUndeleteRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the stored revisions of a role, newest first, also of a role that was deleted.
     * </pre>
     */
    public com.rolecall.v1.ListRoleRevisionsResponse listRoleRevisions(com.rolecall.v1.ListRoleRevisionsRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListRoleRevisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Restores every mutable field of a role to its value at one of the role's revisions. This creates a new revision.
     * </pre>
     */
    public com.rolecall.v1.RollbackRoleResponse rollbackRole(com.rolecall.v1.RollbackRoleRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getRollbackRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Makes a set of roles match their declarations in one atomic write: all changes share one revision, or none is made.
     * </pre>
     */
    @io.grpc.ExperimentalApi("https://github.com/grpc/grpc-java/issues/10918")
    public io.grpc.stub.BlockingClientCall<com.rolecall.v1.ApplyRolesRequest, com.rolecall.v1.ApplyRolesResponse>
        applyRoles() {
      return io.grpc.stub.ClientCalls.blockingClientStreamingCall(
          getChannel(), getApplyRolesMethod(), getCallOptions());
    }

    /**
     * <pre>
     * Lists the stored changes of all roles in the order of their revisions: what was changed when, by whom and why.
     * </pre>
     */
    public com.rolecall.v1.ListChangesResponse listChanges(com.rolecall.v1.ListChangesRequest request) throws io.grpc.StatusException {
      return io.grpc.stub.ClientCalls.blockingV2UnaryCall(
          getChannel(), getListChangesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do limited synchronous rpc calls to service RoleService.
   * <pre>
   * Manages roles and their trust policies.
   * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
   * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
   * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
   * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
   * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
   * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
   * </pre>
   */
  public static final class RoleServiceBlockingStub
      extends io.grpc.stub.AbstractBlockingStub<RoleServiceBlockingStub> {
    private RoleServiceBlockingStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoleServiceBlockingStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoleServiceBlockingStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a role. ALREADY_EXISTS when the account has a role of that name; case does not matter.
     * </pre>
     */
    public com.rolecall.v1.CreateRoleResponse createRole(com.rolecall.v1.CreateRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getCreateRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Returns one role with its trust policy. NOT_FOUND when there is none.
     * </pre>
     */
    public com.rolecall.v1.GetRoleResponse getRole(com.rolecall.v1.GetRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getGetRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the roles of an account, ordered by name.
     * </pre>
     */
    public com.rolecall.v1.ListRolesResponse listRoles(com.rolecall.v1.ListRolesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRolesMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Changes a role. An update that changes nothing creates no revision. ABORTED when `etag` is stale.
     * </pre>
     */
    public com.rolecall.v1.UpdateRoleResponse updateRole(com.rolecall.v1.UpdateRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUpdateRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Deletes a role. A role of the same name that is created later is another role, with another `role_id`.
     * </pre>
     */
    public com.rolecall.v1.DeleteRoleResponse deleteRole(com.rolecall.v1.DeleteRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getDeleteRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Restores a deleted role, with its `role_id` and as it was when it was deleted. This creates a new revision, of the kind CREATED.
     * Nothing that was attached to the role is restored with it. ALREADY_EXISTS when the account has a role of that name,
     * NOT_FOUND when no deleted role of that name is stored.
     * </pre>
     */
    public com.rolecall.v1.UndeleteRoleResponse undeleteRole(com.rolecall.v1.UndeleteRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getUndeleteRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the stored revisions of a role, newest first, also of a role that was deleted.
     * </pre>
     */
    public com.rolecall.v1.ListRoleRevisionsResponse listRoleRevisions(com.rolecall.v1.ListRoleRevisionsRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListRoleRevisionsMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Restores every mutable field of a role to its value at one of the role's revisions. This creates a new revision.
     * </pre>
     */
    public com.rolecall.v1.RollbackRoleResponse rollbackRole(com.rolecall.v1.RollbackRoleRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getRollbackRoleMethod(), getCallOptions(), request);
    }

    /**
     * <pre>
     * Lists the stored changes of all roles in the order of their revisions: what was changed when, by whom and why.
     * </pre>
     */
    public com.rolecall.v1.ListChangesResponse listChanges(com.rolecall.v1.ListChangesRequest request) {
      return io.grpc.stub.ClientCalls.blockingUnaryCall(
          getChannel(), getListChangesMethod(), getCallOptions(), request);
    }
  }

  /**
   * A stub to allow clients to do ListenableFuture-style rpc calls to service RoleService.
   * <pre>
   * Manages roles and their trust policies.
   * `role` in a request is an ARN (`acs:ram::123456789012:role/NAME`), `ACCOUNT/NAME`, or `NAME` in the server's default
   * account; ACCOUNT is an account id or a configured alias. Role names compare without regard to case.
   * A write returns after the process that made it has applied it to its own state, so a client reads its own writes there. Every
   * write may carry a `request_id`, a UUID that the client chooses. The server stores it for at least 24 hours, separately for each
   * caller and method: a repeat with the same body returns the first result, a repeat with another body is FAILED_PRECONDITION
   * (`IDEMPOTENCY_MISMATCH`). The ids of failed and of `validate_only` requests are not stored.
   * </pre>
   */
  public static final class RoleServiceFutureStub
      extends io.grpc.stub.AbstractFutureStub<RoleServiceFutureStub> {
    private RoleServiceFutureStub(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      super(channel, callOptions);
    }

    @java.lang.Override
    protected RoleServiceFutureStub build(
        io.grpc.Channel channel, io.grpc.CallOptions callOptions) {
      return new RoleServiceFutureStub(channel, callOptions);
    }

    /**
     * <pre>
     * Creates a role. ALREADY_EXISTS when the account has a role of that name; case does not matter.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.CreateRoleResponse> createRole(
        com.rolecall.v1.CreateRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getCreateRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Returns one role with its trust policy. NOT_FOUND when there is none.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.GetRoleResponse> getRole(
        com.rolecall.v1.GetRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getGetRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the roles of an account, ordered by name.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ListRolesResponse> listRoles(
        com.rolecall.v1.ListRolesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRolesMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Changes a role. An update that changes nothing creates no revision. ABORTED when `etag` is stale.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.UpdateRoleResponse> updateRole(
        com.rolecall.v1.UpdateRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUpdateRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Deletes a role. A role of the same name that is created later is another role, with another `role_id`.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.DeleteRoleResponse> deleteRole(
        com.rolecall.v1.DeleteRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getDeleteRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Restores a deleted role, with its `role_id` and as it was when it was deleted. This creates a new revision, of the kind CREATED.
     * Nothing that was attached to the role is restored with it. ALREADY_EXISTS when the account has a role of that name,
     * NOT_FOUND when no deleted role of that name is stored.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.UndeleteRoleResponse> undeleteRole(
        com.rolecall.v1.UndeleteRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getUndeleteRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the stored revisions of a role, newest first, also of a role that was deleted.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ListRoleRevisionsResponse> listRoleRevisions(
        com.rolecall.v1.ListRoleRevisionsRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListRoleRevisionsMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Restores every mutable field of a role to its value at one of the role's revisions. This creates a new revision.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.RollbackRoleResponse> rollbackRole(
        com.rolecall.v1.RollbackRoleRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getRollbackRoleMethod(), getCallOptions()), request);
    }

    /**
     * <pre>
     * Lists the stored changes of all roles in the order of their revisions: what was changed when, by whom and why.
     * </pre>
     */
    public com.google.common.util.concurrent.ListenableFuture<com.rolecall.v1.ListChangesResponse> listChanges(
        com.rolecall.v1.ListChangesRequest request) {
      return io.grpc.stub.ClientCalls.futureUnaryCall(
          getChannel().newCall(getListChangesMethod(), getCallOptions()), request);
    }
  }

  private static final int METHODID_CREATE_ROLE = 0;
  private static final int METHODID_GET_ROLE = 1;
  private static final int METHODID_LIST_ROLES = 2;
  private static final int METHODID_UPDATE_ROLE = 3;
  private static final int METHODID_DELETE_ROLE = 4;
  private static final int METHODID_UNDELETE_ROLE = 5;
  private static final int METHODID_LIST_ROLE_REVISIONS = 6;
  private static final int METHODID_ROLLBACK_ROLE = 7;
  private static final int METHODID_LIST_CHANGES = 8;
  private static final int METHODID_APPLY_ROLES = 9;

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
        case METHODID_CREATE_ROLE:
          serviceImpl.createRole((com.rolecall.v1.CreateRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.CreateRoleResponse>) responseObserver);
          break;
        case METHODID_GET_ROLE:
          serviceImpl.getRole((com.rolecall.v1.GetRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.GetRoleResponse>) responseObserver);
          break;
        case METHODID_LIST_ROLES:
          serviceImpl.listRoles((com.rolecall.v1.ListRolesRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ListRolesResponse>) responseObserver);
          break;
        case METHODID_UPDATE_ROLE:
          serviceImpl.updateRole((com.rolecall.v1.UpdateRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.UpdateRoleResponse>) responseObserver);
          break;
        case METHODID_DELETE_ROLE:
          serviceImpl.deleteRole((com.rolecall.v1.DeleteRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.DeleteRoleResponse>) responseObserver);
          break;
        case METHODID_UNDELETE_ROLE:
          serviceImpl.undeleteRole((com.rolecall.v1.UndeleteRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.UndeleteRoleResponse>) responseObserver);
          break;
        case METHODID_LIST_ROLE_REVISIONS:
          serviceImpl.listRoleRevisions((com.rolecall.v1.ListRoleRevisionsRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ListRoleRevisionsResponse>) responseObserver);
          break;
        case METHODID_ROLLBACK_ROLE:
          serviceImpl.rollbackRole((com.rolecall.v1.RollbackRoleRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.RollbackRoleResponse>) responseObserver);
          break;
        case METHODID_LIST_CHANGES:
          serviceImpl.listChanges((com.rolecall.v1.ListChangesRequest) request,
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ListChangesResponse>) responseObserver);
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
        case METHODID_APPLY_ROLES:
          return (io.grpc.stub.StreamObserver<Req>) serviceImpl.applyRoles(
              (io.grpc.stub.StreamObserver<com.rolecall.v1.ApplyRolesResponse>) responseObserver);
        default:
          throw new AssertionError();
      }
    }
  }

  public static final io.grpc.ServerServiceDefinition bindService(AsyncService service) {
    return io.grpc.ServerServiceDefinition.builder(getServiceDescriptor())
        .addMethod(
          getCreateRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.CreateRoleRequest,
              com.rolecall.v1.CreateRoleResponse>(
                service, METHODID_CREATE_ROLE)))
        .addMethod(
          getGetRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.GetRoleRequest,
              com.rolecall.v1.GetRoleResponse>(
                service, METHODID_GET_ROLE)))
        .addMethod(
          getListRolesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ListRolesRequest,
              com.rolecall.v1.ListRolesResponse>(
                service, METHODID_LIST_ROLES)))
        .addMethod(
          getUpdateRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.UpdateRoleRequest,
              com.rolecall.v1.UpdateRoleResponse>(
                service, METHODID_UPDATE_ROLE)))
        .addMethod(
          getDeleteRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.DeleteRoleRequest,
              com.rolecall.v1.DeleteRoleResponse>(
                service, METHODID_DELETE_ROLE)))
        .addMethod(
          getUndeleteRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.UndeleteRoleRequest,
              com.rolecall.v1.UndeleteRoleResponse>(
                service, METHODID_UNDELETE_ROLE)))
        .addMethod(
          getListRoleRevisionsMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ListRoleRevisionsRequest,
              com.rolecall.v1.ListRoleRevisionsResponse>(
                service, METHODID_LIST_ROLE_REVISIONS)))
        .addMethod(
          getRollbackRoleMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.RollbackRoleRequest,
              com.rolecall.v1.RollbackRoleResponse>(
                service, METHODID_ROLLBACK_ROLE)))
        .addMethod(
          getApplyRolesMethod(),
          io.grpc.stub.ServerCalls.asyncClientStreamingCall(
            new MethodHandlers<
              com.rolecall.v1.ApplyRolesRequest,
              com.rolecall.v1.ApplyRolesResponse>(
                service, METHODID_APPLY_ROLES)))
        .addMethod(
          getListChangesMethod(),
          io.grpc.stub.ServerCalls.asyncUnaryCall(
            new MethodHandlers<
              com.rolecall.v1.ListChangesRequest,
              com.rolecall.v1.ListChangesResponse>(
                service, METHODID_LIST_CHANGES)))
        .build();
  }

  private static abstract class RoleServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoFileDescriptorSupplier, io.grpc.protobuf.ProtoServiceDescriptorSupplier {
    RoleServiceBaseDescriptorSupplier() {}

    @java.lang.Override
    public com.google.protobuf.Descriptors.FileDescriptor getFileDescriptor() {
      return com.rolecall.v1.RoleProto.getDescriptor();
    }

    @java.lang.Override
    public com.google.protobuf.Descriptors.ServiceDescriptor getServiceDescriptor() {
      return getFileDescriptor().findServiceByName("RoleService");
    }
  }

  private static final class RoleServiceFileDescriptorSupplier
      extends RoleServiceBaseDescriptorSupplier {
    RoleServiceFileDescriptorSupplier() {}
  }

  private static final class RoleServiceMethodDescriptorSupplier
      extends RoleServiceBaseDescriptorSupplier
      implements io.grpc.protobuf.ProtoMethodDescriptorSupplier {
    private final java.lang.String methodName;

    RoleServiceMethodDescriptorSupplier(java.lang.String methodName) {
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
      synchronized (RoleServiceGrpc.class) {
        result = serviceDescriptor;
        if (result == null) {
          serviceDescriptor = result = io.grpc.ServiceDescriptor.newBuilder(SERVICE_NAME)
              .setSchemaDescriptor(new RoleServiceFileDescriptorSupplier())
              .addMethod(getCreateRoleMethod())
              .addMethod(getGetRoleMethod())
              .addMethod(getListRolesMethod())
              .addMethod(getUpdateRoleMethod())
              .addMethod(getDeleteRoleMethod())
              .addMethod(getUndeleteRoleMethod())
              .addMethod(getListRoleRevisionsMethod())
              .addMethod(getRollbackRoleMethod())
              .addMethod(getApplyRolesMethod())
              .addMethod(getListChangesMethod())
              .build();
        }
      }
    }
    return result;
  }
}
