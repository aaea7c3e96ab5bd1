package com.rolecall.client;

import com.rolecall.client.contexts.Contexts;
import com.rolecall.v1.ApplyRolesResponse;
import com.rolecall.v1.AssumableRole;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.BatchCheckAssumeRoleRequest;
import com.rolecall.v1.BatchCheckAssumeRoleResponse;
import com.rolecall.v1.CallerServiceGrpc;
import com.rolecall.v1.CanIRequest;
import com.rolecall.v1.CanIResponse;
import com.rolecall.v1.CheckAssumeRoleRequest;
import com.rolecall.v1.CheckAssumeRoleResponse;
import com.rolecall.v1.CreateRoleRequest;
import com.rolecall.v1.CreateRoleResponse;
import com.rolecall.v1.DecisionServiceGrpc;
import com.rolecall.v1.DeleteRoleRequest;
import com.rolecall.v1.DeleteRoleResponse;
import com.rolecall.v1.ExplainAssumeRoleRequest;
import com.rolecall.v1.ExplainAssumeRoleResponse;
import com.rolecall.v1.GetRoleResponse;
import com.rolecall.v1.ListAssumableRolesRequest;
import com.rolecall.v1.ListAssumableRolesResponse;
import com.rolecall.v1.ListChangesRequest;
import com.rolecall.v1.ListChangesResponse;
import com.rolecall.v1.ListRoleRevisionsRequest;
import com.rolecall.v1.ListRoleRevisionsResponse;
import com.rolecall.v1.ListRolesRequest;
import com.rolecall.v1.ListRolesResponse;
import com.rolecall.v1.ListTrustedPrincipalsResponse;
import com.rolecall.v1.PolicyServiceGrpc;
import com.rolecall.v1.RecordedChange;
import com.rolecall.v1.Role;
import com.rolecall.v1.RoleDeclaration;
import com.rolecall.v1.RoleRevision;
import com.rolecall.v1.RoleServiceGrpc;
import com.rolecall.v1.RollbackRoleRequest;
import com.rolecall.v1.RollbackRoleResponse;
import com.rolecall.v1.UndeleteRoleRequest;
import com.rolecall.v1.UndeleteRoleResponse;
import com.rolecall.v1.UpdateRoleRequest;
import com.rolecall.v1.UpdateRoleResponse;
import com.rolecall.v1.ValidatePermissionPolicyRequest;
import com.rolecall.v1.ValidatePermissionPolicyResponse;
import com.rolecall.v1.ValidateTrustPolicyRequest;
import com.rolecall.v1.ValidateTrustPolicyResponse;
import com.rolecall.v1.WhoAmIRequest;
import com.rolecall.v1.WhoAmIResponse;
import io.grpc.Metadata;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;

/**
 * A client of Rolecall. Its methods wait for the answer; those of {@link #async} do not.
 *
 * <pre>{@code
 * try (RolecallClient client = RolecallClient.builder("127.0.0.1:50051").build()) {
 *   boolean allowed = client.check(Query.of(alice, "deployer")).getDecision().getAllowed();
 * }
 * }</pre>
 *
 * <p>A deny is an answer. {@link RolecallException} means that there is none. Make one client and
 * share it between threads: it has connections to all addresses of the service, and repeats calls
 * that are safe to repeat.
 */
public final class RolecallClient implements AutoCloseable {
  static final Duration APPLY_TIMEOUT = Duration.ofSeconds(300);

  private final Calls calls;
  private final CallSettings settings;

  RolecallClient(Calls calls, CallSettings settings) {
    this.calls = calls;
    this.settings = settings;
  }

  /**
   * Starts a client.
   *
   * @param address {@code HOST:PORT}, {@code HOST} (port 50051), {@code dns:///HOST:PORT} or {@code
   *     unix:PATH}
   * @return the builder
   */
  public static RolecallClientBuilder builder(String address) {
    return new RolecallClientBuilder(address);
  }

  /**
   * Returns a client of the service that settings describe.
   *
   * @param settings the settings
   * @return the client
   */
  public static RolecallClient connect(ConnectionSettings settings) {
    return RolecallClientBuilder.of(settings).build();
  }

  /**
   * Returns a client of the service that the environment names ({@code ROLECALL_ADDRESS}, ...), or
   * else the current context.
   *
   * @return the client
   * @throws IllegalArgumentException for variables or a file of contexts that cannot be used
   */
  public static RolecallClient fromEnv() {
    return connect(Contexts.settingsFromEnv(System.getenv()));
  }

  /**
   * Returns a client of the service of a context.
   *
   * @param name the name of the context in the file of contexts
   * @return the client
   * @throws IllegalArgumentException if there is no such context, or the file cannot be used
   */
  public static RolecallClient fromContext(String name) {
    return connect(Contexts.settingsOf(name, System.getenv()));
  }

  /**
   * Returns the same client with methods that do not wait.
   *
   * @return the asynchronous client, which has the same connections
   */
  public RolecallAsyncClient async() {
    return new RolecallAsyncClient(calls, settings);
  }

  /**
   * Returns a client whose calls have another time limit. It has the same connections: closing one
   * closes both.
   *
   * @param timeout the time limit of each call with its retries
   * @return the client
   */
  public RolecallClient withTimeout(Duration timeout) {
    return new RolecallClient(calls, settings.withTimeout(timeout));
  }

  /**
   * Returns a client whose calls send further metadata. It has the same connections: closing one
   * closes both.
   *
   * @param metadata the metadata
   * @return the client
   */
  public RolecallClient withMetadata(Metadata metadata) {
    return new RolecallClient(calls, settings.withMetadata(metadata));
  }

  /**
   * Closes the connections, and ends the threads of the client. Calls in progress fail. If a
   * callback closes the client, the threads end soon after.
   */
  @Override
  public void close() {
    calls.close();
  }

  /**
   * Decides one query.
   *
   * @param query the query
   * @return the decision
   * @throws RolecallException if there is no answer
   */
  public CheckAssumeRoleResponse check(AssumeRoleQuery query) {
    return calls.callLocal(
        DecisionServiceGrpc.getCheckAssumeRoleMethod(), Requests.check(query), settings);
  }

  /**
   * Decides one query.
   *
   * @param request the query, and how fresh the state must be that decides
   * @return the decision
   * @throws RolecallException if there is no answer
   */
  public CheckAssumeRoleResponse check(CheckAssumeRoleRequest request) {
    return calls.callLocal(DecisionServiceGrpc.getCheckAssumeRoleMethod(), request, settings);
  }

  /**
   * Decides many queries at one revision, in order. A malformed query has an error instead of a
   * decision ({@link RolecallException#of}).
   *
   * @param queries the queries, 1 to the limit of the server (1,000 by default)
   * @return the decisions
   * @throws RolecallException if there is no answer
   */
  public BatchCheckAssumeRoleResponse batchCheck(Iterable<AssumeRoleQuery> queries) {
    return calls.callLocal(
        DecisionServiceGrpc.getBatchCheckAssumeRoleMethod(), Requests.batch(queries), settings);
  }

  /**
   * Decides many queries at one revision, in order.
   *
   * @param request the queries, and how fresh the state must be that decides
   * @return the decisions
   * @throws RolecallException if there is no answer
   */
  public BatchCheckAssumeRoleResponse batchCheck(BatchCheckAssumeRoleRequest request) {
    return calls.callLocal(DecisionServiceGrpc.getBatchCheckAssumeRoleMethod(), request, settings);
  }

  /**
   * Decides one query, and explains the decision.
   *
   * @param query the query
   * @return the decision and its explanation
   * @throws RolecallException if there is no answer
   */
  public ExplainAssumeRoleResponse explain(AssumeRoleQuery query) {
    return calls.call(
        DecisionServiceGrpc.getExplainAssumeRoleMethod(), Requests.explain(query), settings);
  }

  /**
   * Decides one query as of an earlier revision or another time, and explains the decision.
   *
   * @param request the query, and the revision or the time of which the decision is
   * @return the decision and its explanation
   * @throws RolecallException if there is no answer
   */
  public ExplainAssumeRoleResponse explain(ExplainAssumeRoleRequest request) {
    return calls.call(DecisionServiceGrpc.getExplainAssumeRoleMethod(), request, settings);
  }

  /**
   * Lists the principals that the trust policy of a role names, statement by statement.
   *
   * @param role the role
   * @return the principals
   * @throws RolecallException if there is no answer
   */
  public ListTrustedPrincipalsResponse whoCan(String role) {
    return calls.call(
        DecisionServiceGrpc.getListTrustedPrincipalsMethod(), Requests.trusted(role), settings);
  }

  /**
   * Creates a role.
   *
   * @param request the role; without a request id it gets one
   * @return the role
   * @throws RolecallException if there is no answer
   */
  public CreateRoleResponse createRole(CreateRoleRequest request) {
    return calls.call(
        RoleServiceGrpc.getCreateRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Returns one role with its trust policy.
   *
   * @param role the role: an ARN, {@code ACCOUNT/NAME} or {@code NAME}
   * @return the role
   * @throws RolecallException if there is no answer
   */
  public GetRoleResponse getRole(String role) {
    return calls.call(RoleServiceGrpc.getGetRoleMethod(), Requests.role(role), settings);
  }

  /**
   * Changes a role.
   *
   * @param request the changes; without a request id it gets one
   * @return the role
   * @throws RolecallException if there is no answer
   */
  public UpdateRoleResponse updateRole(UpdateRoleRequest request) {
    return calls.call(
        RoleServiceGrpc.getUpdateRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Deletes a role.
   *
   * @param request the role; without a request id it gets one
   * @return a token of the state without the role
   * @throws RolecallException if there is no answer
   */
  public DeleteRoleResponse deleteRole(DeleteRoleRequest request) {
    return calls.call(
        RoleServiceGrpc.getDeleteRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Restores a deleted role as it was when it was deleted.
   *
   * @param request the role, and its id if several had the name; without a request id it gets one
   * @return the role
   * @throws RolecallException if there is no answer
   */
  public UndeleteRoleResponse undeleteRole(UndeleteRoleRequest request) {
    return calls.call(
        RoleServiceGrpc.getUndeleteRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Restores a role as it was at one of its revisions.
   *
   * @param request the role and the revision; without a request id it gets one
   * @return the role
   * @throws RolecallException if there is no answer
   */
  public RollbackRoleResponse rollbackRole(RollbackRoleRequest request) {
    return calls.call(
        RoleServiceGrpc.getRollbackRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Returns how the server recognises this client.
   *
   * @return how it is recognised
   * @throws RolecallException if there is no answer
   */
  public WhoAmIResponse whoAmI() {
    return calls.call(
        CallerServiceGrpc.getWhoAmIMethod(), WhoAmIRequest.getDefaultInstance(), settings);
  }

  /**
   * Returns whether this client may do something.
   *
   * @param action the action, such as {@code ram:CreateRole}
   * @param resource the ARN of the resource; empty for an action that names none
   * @return whether it may
   * @throws RolecallException if there is no answer
   */
  public CanIResponse canI(String action, String resource) {
    return calls.call(CallerServiceGrpc.getCanIMethod(), Requests.canI(action, resource), settings);
  }

  /**
   * Returns whether this client may do something.
   *
   * @param request the action, the resource and condition keys
   * @return whether it may
   * @throws RolecallException if there is no answer
   */
  public CanIResponse canI(CanIRequest request) {
    return calls.call(CallerServiceGrpc.getCanIMethod(), request, settings);
  }

  /**
   * Validates a trust policy. An invalid one is a result, and not an error.
   *
   * @param document the trust policy, a JSON document
   * @return its violations, and the findings of the linter
   * @throws RolecallException if there is no answer
   */
  public ValidateTrustPolicyResponse validate(String document) {
    return calls.call(
        PolicyServiceGrpc.getValidateTrustPolicyMethod(), Requests.validate(document), settings);
  }

  /**
   * Validates a trust policy against a profile of the language.
   *
   * @param request the trust policy and the profile
   * @return its violations, and the findings of the linter
   * @throws RolecallException if there is no answer
   */
  public ValidateTrustPolicyResponse validate(ValidateTrustPolicyRequest request) {
    return calls.call(PolicyServiceGrpc.getValidateTrustPolicyMethod(), request, settings);
  }

  /**
   * Validates a permission policy.
   *
   * @param request the permission policy and the profile
   * @return its violations, and the findings of the linter
   * @throws RolecallException if there is no answer
   */
  public ValidatePermissionPolicyResponse validatePermissionPolicy(
      ValidatePermissionPolicyRequest request) {
    return calls.call(PolicyServiceGrpc.getValidatePermissionPolicyMethod(), request, settings);
  }

  /**
   * Decides queries as they come, in order, on one stream.
   *
   * @param queries the queries, which are read on the thread that reads the stream
   * @return the decisions
   */
  public CheckStream streamCheck(Iterator<AssumeRoleQuery> queries) {
    return streamCheck(queries, CheckStream.DEFAULT_IN_FLIGHT);
  }

  /**
   * Decides queries as they come, in order, on one stream.
   *
   * @param queries the queries, which are read on the thread that reads the stream
   * @param inFlight how many queries are read ahead of the decisions, at most
   * @return the decisions
   */
  public CheckStream streamCheck(Iterator<AssumeRoleQuery> queries, int inFlight) {
    return new CheckStream(calls, settings, queries, inFlight);
  }

  /**
   * Lists every role that an identity can assume, or could with further condition keys.
   *
   * @param asked a query without a role
   * @return the roles
   */
  public Paged<AssumableRole> whatCan(AssumeRoleQuery asked) {
    return whatCan(Requests.assumable(asked));
  }

  /**
   * Lists every role that an identity can assume, or could with further condition keys.
   *
   * @param request the request of the first page
   * @return the roles
   */
  public Paged<AssumableRole> whatCan(ListAssumableRolesRequest request) {
    return new Paged<>(
        token -> {
          ListAssumableRolesResponse page =
              calls.call(
                  DecisionServiceGrpc.getListAssumableRolesMethod(),
                  request.toBuilder().setPageToken(token).build(),
                  settings);
          return new Paged.Page<>(page.getRolesList(), page.getNextPageToken());
        });
  }

  /**
   * Lists the roles of an account, ordered by name.
   *
   * @param request the request of the first page
   * @return the roles
   */
  public Paged<Role> listRoles(ListRolesRequest request) {
    return new Paged<>(
        token -> {
          ListRolesResponse page =
              calls.call(
                  RoleServiceGrpc.getListRolesMethod(),
                  request.toBuilder().setPageToken(token).build(),
                  settings);
          return new Paged.Page<>(page.getRolesList(), page.getNextPageToken());
        });
  }

  /**
   * Lists roles in the form that {@link #applyRoles} accepts.
   *
   * @param filter the account, the tags and the names of the roles
   * @return the roles
   */
  public Paged<RoleDeclaration> exportRoles(ListRolesRequest filter) {
    return listRoles(Requests.export(filter)).map(Requests::declaration);
  }

  /**
   * Lists the history of a role, the newest revision first.
   *
   * @param role the role
   * @return the revisions
   */
  public Paged<RoleRevision> listRoleRevisions(String role) {
    return listRoleRevisions(role, "");
  }

  private Paged<RoleRevision> revisions(ListRoleRevisionsRequest request) {
    return new Paged<>(
        token -> {
          ListRoleRevisionsResponse page =
              calls.call(
                  RoleServiceGrpc.getListRoleRevisionsMethod(),
                  request.toBuilder().setPageToken(token).build(),
                  settings);
          return new Paged.Page<>(page.getRevisionsList(), page.getNextPageToken());
        });
  }

  /**
   * Lists the history of a role by its id, which may be deleted, the newest revision first.
   *
   * @param role the role
   * @param roleId the id of the role, if several had the name
   * @return the revisions
   */
  public Paged<RoleRevision> listRoleRevisions(String role, String roleId) {
    return revisions(
        ListRoleRevisionsRequest.newBuilder()
            .setRole(role)
            .setRoleId(roleId)
            .setPageSize(Requests.PAGE_SIZE)
            .build());
  }

  /**
   * Lists the changes of roles: what was changed when, by whom and why.
   *
   * @param filter which changes; its page size and page token are set by the client
   * @return the changes
   */
  public Paged<RecordedChange> listChanges(ListChangesRequest filter) {
    ListChangesRequest request = filter.toBuilder().setPageSize(Requests.PAGE_SIZE).build();
    return new Paged<>(
        token -> {
          ListChangesResponse page =
              calls.call(
                  RoleServiceGrpc.getListChangesMethod(),
                  request.toBuilder().setPageToken(token).build(),
                  settings);
          return new Paged.Page<>(page.getChangesList(), page.getNextPageToken());
        });
  }

  /**
   * Makes the roles match their declarations, in one atomic write. Its time limit is 300 seconds
   * unless {@link #withTimeout} sets another.
   *
   * @param roles the declarations; they are read on a thread of the client
   * @return the changes
   * @throws RolecallException if nothing was written, or no answer came in time
   */
  public ApplyRolesResponse applyRoles(Iterable<RoleDeclaration> roles) {
    return applyRoles(roles, ApplyOptions.builder().build());
  }

  /**
   * Makes the roles match their declarations, in one atomic write. Its time limit is 300 seconds
   * unless {@link #withTimeout} sets another.
   *
   * @param roles the declarations; they are read on a thread of the client
   * @param options what is done beside writing them
   * @return the changes
   * @throws RolecallException if nothing was written, or no answer came in time
   */
  public ApplyRolesResponse applyRoles(Iterable<RoleDeclaration> roles, ApplyOptions options) {
    return await(async().applyRoles(roles.iterator(), options));
  }

  /**
   * Follows the changes of roles.
   *
   * @param options where the watch starts, and when it is given up
   * @return the events; close it to end the watch
   */
  public RoleWatch watchRoles(WatchOptions options) {
    return new RoleWatch(calls, settings, options);
  }

  private static <R> R await(Future<R> response) {
    try {
      return response.get();
    } catch (InterruptedException error) {
      response.cancel(true);
      Thread.currentThread().interrupt();
      throw Errors.interrupted(error);
    } catch (ExecutionException error) {
      throw error.getCause() instanceof RuntimeException cause ? cause : Errors.of(error);
    }
  }
}
