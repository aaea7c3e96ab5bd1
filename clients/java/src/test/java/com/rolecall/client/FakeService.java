package com.rolecall.client;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.BatchCheckAssumeRoleRequest;
import com.rolecall.v1.BatchCheckAssumeRoleResponse;
import com.rolecall.v1.BatchCheckResult;
import com.rolecall.v1.CheckAssumeRoleRequest;
import com.rolecall.v1.CheckAssumeRoleResponse;
import com.rolecall.v1.Decision;
import com.rolecall.v1.DecisionServiceGrpc;
import com.rolecall.v1.StreamCheckAssumeRoleRequest;
import com.rolecall.v1.StreamCheckAssumeRoleResponse;
import io.grpc.BindableService;
import io.grpc.Context;
import io.grpc.Contexts;
import io.grpc.InsecureServerCredentials;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerCredentials;
import io.grpc.ServerInterceptor;
import io.grpc.ServerInterceptors;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import io.grpc.netty.shaded.io.netty.channel.ChannelOption;
import io.grpc.netty.shaded.io.netty.channel.EventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.MultiThreadIoEventLoopGroup;
import io.grpc.netty.shaded.io.netty.channel.nio.NioIoHandler;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import io.grpc.netty.shaded.io.netty.channel.socket.nio.NioServerSocketChannel;
import io.grpc.netty.shaded.io.netty.util.concurrent.DefaultThreadFactory;
import io.grpc.protobuf.StatusProto;
import io.grpc.protobuf.services.HealthStatusManager;
import io.grpc.stub.StreamObserver;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;

/** A server of the contract in this process, on a real socket, which decides by a function. */
public final class FakeService extends DecisionServiceGrpc.DecisionServiceImplBase
    implements AutoCloseable {
  static final Context.Key<Metadata> HEADERS = Context.key("headers");

  public final AtomicInteger calls = new AtomicInteger();
  final AtomicInteger streams = new AtomicInteger();
  public final List<Metadata> headers = new CopyOnWriteArrayList<>();
  public volatile Function<AssumeRoleQuery, Decision> decide =
      query -> Decision.newBuilder().setAllowed(query.getRole().startsWith("allowed")).build();
  volatile int answersOfAStream = Integer.MAX_VALUE;
  volatile boolean silent;

  private Server server;

  // Threads with names of their own, so that a test knows those of a client.
  private final EventLoopGroup group =
      new MultiThreadIoEventLoopGroup(
          1, new DefaultThreadFactory(Threads.OF_A_FAKE, true), NioIoHandler.newFactory());
  private final ExecutorService executor =
      Executors.newCachedThreadPool(new DefaultThreadFactory(Threads.OF_A_FAKE, true));

  /** Starts a server on a free port of this machine. */
  public static FakeService start(BindableService... more) {
    return start(InsecureServerCredentials.create(), more);
  }

  static FakeService start(ServerCredentials credentials, BindableService... more) {
    FakeService service = new FakeService();
    service.listen(new InetSocketAddress("127.0.0.1", 0), credentials, more);
    return service;
  }

  static FakeService onSocket(Path path) {
    FakeService service = new FakeService();
    service.listen(UnixDomainSocketAddress.of(path), InsecureServerCredentials.create());
    return service;
  }

  public String address() {
    return "127.0.0.1:" + server.getPort();
  }

  private void listen(
      SocketAddress address, ServerCredentials credentials, BindableService... more) {
    boolean isUnix = address instanceof UnixDomainSocketAddress;
    NettyServerBuilder builder =
        NettyServerBuilder.forAddress(address, credentials)
            .channelType(isUnix ? NioServerDomainSocketChannel.class : NioServerSocketChannel.class)
            .bossEventLoopGroup(group)
            .workerEventLoopGroup(group)
            .withChildOption(ChannelOption.SO_KEEPALIVE, isUnix ? null : true)
            .executor(executor);
    builder.addService(new HealthStatusManager().getHealthService());
    builder.addService(ServerInterceptors.intercept(this, new Recorder()));
    for (BindableService one : more) {
      builder.addService(one);
    }
    try {
      server = builder.build().start();
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException error) {
      Thread.currentThread().interrupt();
    }
    group.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
    executor.shutdown();
  }

  static StatusRuntimeException failure(Status.Code code, String reason) {
    return StatusProto.toStatusRuntimeException(
        com.google.rpc.Status.newBuilder()
            .setCode(code.value())
            .setMessage("it failed")
            .addDetails(Any.pack(ErrorInfo.newBuilder().setReason(reason).build()))
            .build());
  }

  @Override
  public void checkAssumeRole(
      CheckAssumeRoleRequest request, StreamObserver<CheckAssumeRoleResponse> response) {
    if (silent) {
      return;
    }
    try {
      Decision decision = decide.apply(request.getQuery());
      response.onNext(CheckAssumeRoleResponse.newBuilder().setDecision(decision).build());
      response.onCompleted();
    } catch (StatusRuntimeException error) {
      response.onError(error);
    }
  }

  @Override
  public void batchCheckAssumeRole(
      BatchCheckAssumeRoleRequest request, StreamObserver<BatchCheckAssumeRoleResponse> response) {
    BatchCheckAssumeRoleResponse.Builder answer = BatchCheckAssumeRoleResponse.newBuilder();
    for (AssumeRoleQuery query : request.getQueriesList()) {
      answer.addResults(result(query));
    }
    response.onNext(answer.build());
    response.onCompleted();
  }

  @Override
  public StreamObserver<StreamCheckAssumeRoleRequest> streamCheckAssumeRole(
      StreamObserver<StreamCheckAssumeRoleResponse> response) {
    streams.incrementAndGet();
    return new StreamObserver<>() {
      private int answered;
      private boolean ended;

      @Override
      public void onNext(StreamCheckAssumeRoleRequest message) {
        if (ended || silent) {
          return;
        }
        if (answered++ == answersOfAStream) {
          ended = true;
          response.onError(failure(Status.Code.UNAVAILABLE, "SERVER_STOPPING"));
          return;
        }
        BatchCheckResult result = result(message.getQuery());
        StreamCheckAssumeRoleResponse.Builder answer =
            StreamCheckAssumeRoleResponse.newBuilder().setSequence(message.getSequence());
        if (result.hasError()) {
          answer.setError(result.getError());
        } else {
          answer.setDecision(result.getDecision());
        }
        response.onNext(answer.build());
      }

      @Override
      public void onError(Throwable error) {}

      @Override
      public void onCompleted() {
        if (!ended) {
          response.onCompleted();
        }
      }
    };
  }

  private BatchCheckResult result(AssumeRoleQuery query) {
    try {
      return BatchCheckResult.newBuilder().setDecision(decide.apply(query)).build();
    } catch (StatusRuntimeException error) {
      return BatchCheckResult.newBuilder().setError(StatusProto.fromThrowable(error)).build();
    }
  }

  private final class Recorder implements ServerInterceptor {
    @Override
    public <Q, R> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, R> call, Metadata sent, ServerCallHandler<Q, R> next) {
      calls.incrementAndGet();
      headers.add(sent);
      return Contexts.interceptCall(Context.current().withValue(HEADERS, sent), call, sent, next);
    }
  }
}
