package com.rolecall.client;

import com.rolecall.v1.ApplyRolesResponse;
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
import com.rolecall.v1.RoleDeclaration;
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
import java.util.concurrent.CompletableFuture;

/**
 * The methods of {@link RolecallClient} that have one answer, without waiting for it.
 *
 * <p>A future that fails has a {@link RolecallException}. To cancel a future cancels its call.
 * Callbacks run on threads of the client. It has the connections of its client, and ends with it.
 */
public final class RolecallAsyncClient {
  private final Calls calls;
  private final CallSettings settings;

  RolecallAsyncClient(Calls calls, CallSettings settings) {
    this.calls = calls;
    this.settings = settings;
  }

  /**
   * Returns a client whose calls have another time limit. It has the same connections.
   *
   * @param timeout the time limit of each call with its retries
   * @return the client
   */
  public RolecallAsyncClient withTimeout(Duration timeout) {
    return new RolecallAsyncClient(calls, settings.withTimeout(timeout));
  }

  /**
   * Returns a client whose calls send further metadata. It has the same connections.
   *
   * @param metadata the metadata
   * @return the client
   */
  public RolecallAsyncClient withMetadata(Metadata metadata) {
    return new RolecallAsyncClient(calls, settings.withMetadata(metadata));
  }

  /**
   * Decides one query.
   *
   * @param query the query
   * @return the decision
   */
  public CompletableFuture<CheckAssumeRoleResponse> check(AssumeRoleQuery query) {
    return calls.callLocalAsync(
        DecisionServiceGrpc.getCheckAssumeRoleMethod(), Requests.check(query), settings);
  }

  /**
   * Decides one query.
   *
   * @param request the query, and how fresh the state must be that decides
   * @return the decision
   */
  public CompletableFuture<CheckAssumeRoleResponse> check(CheckAssumeRoleRequest request) {
    return calls.callLocalAsync(DecisionServiceGrpc.getCheckAssumeRoleMethod(), request, settings);
  }

  /**
   * Decides many queries at one revision, in order. A malformed query has an error instead of a
   * decision ({@link RolecallException#of}).
   *
   * @param queries the queries, 1 to the limit of the server (1,000 by default)
   * @return the decisions
   */
  public CompletableFuture<BatchCheckAssumeRoleResponse> batchCheck(
      Iterable<AssumeRoleQuery> queries) {
    return calls.callLocalAsync(
        DecisionServiceGrpc.getBatchCheckAssumeRoleMethod(), Requests.batch(queries), settings);
  }

  /**
   * Decides many queries at one revision, in order.
   *
   * @param request the queries, and how fresh the state must be that decides
   * @return the decisions
   */
  public CompletableFuture<BatchCheckAssumeRoleResponse> batchCheck(
      BatchCheckAssumeRoleRequest request) {
    return calls.callLocalAsync(
        DecisionServiceGrpc.getBatchCheckAssumeRoleMethod(), request, settings);
  }

  /**
   * Decides one query, and explains the decision.
   *
   * @param query the query
   * @return the decision and its explanation
   */
  public CompletableFuture<ExplainAssumeRoleResponse> explain(AssumeRoleQuery query) {
    return calls.callAsync(
        DecisionServiceGrpc.getExplainAssumeRoleMethod(), Requests.explain(query), settings);
  }

  /**
   * Decides one query as of an earlier revision or another time, and explains the decision.
   *
   * @param request the query, and the revision or the time of which the decision is
   * @return the decision and its explanation
   */
  public CompletableFuture<ExplainAssumeRoleResponse> explain(ExplainAssumeRoleRequest request) {
    return calls.callAsync(DecisionServiceGrpc.getExplainAssumeRoleMethod(), request, settings);
  }

  /**
   * Lists the principals that the trust policy of a role names, statement by statement.
   *
   * @param role the role
   * @return the principals
   */
  public CompletableFuture<ListTrustedPrincipalsResponse> whoCan(String role) {
    return calls.callAsync(
        DecisionServiceGrpc.getListTrustedPrincipalsMethod(), Requests.trusted(role), settings);
  }

  /**
   * Creates a role.
   *
   * @param request the role; without a request id it gets one
   * @return the role
   */
  public CompletableFuture<CreateRoleResponse> createRole(CreateRoleRequest request) {
    return calls.callAsync(
        RoleServiceGrpc.getCreateRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Returns one role with its trust policy.
   *
   * @param role the role: an ARN, {@code ACCOUNT/NAME} or {@code NAME}
   * @return the role
   */
  public CompletableFuture<GetRoleResponse> getRole(String role) {
    return calls.callAsync(RoleServiceGrpc.getGetRoleMethod(), Requests.role(role), settings);
  }

  /**
   * Changes a role.
   *
   * @param request the changes; without a request id it gets one
   * @return the role
   */
  public CompletableFuture<UpdateRoleResponse> updateRole(UpdateRoleRequest request) {
    return calls.callAsync(
        RoleServiceGrpc.getUpdateRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Deletes a role.
   *
   * @param request the role; without a request id it gets one
   * @return a token of the state without the role
   */
  public CompletableFuture<DeleteRoleResponse> deleteRole(DeleteRoleRequest request) {
    return calls.callAsync(
        RoleServiceGrpc.getDeleteRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Restores a deleted role as it was when it was deleted.
   *
   * @param request the role, and its id if several had the name; without a request id it gets one
   * @return the role
   */
  public CompletableFuture<UndeleteRoleResponse> undeleteRole(UndeleteRoleRequest request) {
    return calls.callAsync(
        RoleServiceGrpc.getUndeleteRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Restores a role as it was at one of its revisions.
   *
   * @param request the role and the revision; without a request id it gets one
   * @return the role
   */
  public CompletableFuture<RollbackRoleResponse> rollbackRole(RollbackRoleRequest request) {
    return calls.callAsync(
        RoleServiceGrpc.getRollbackRoleMethod(), Requests.identified(request), settings);
  }

  /**
   * Returns how the server recognises this client.
   *
   * @return how it is recognised
   */
  public CompletableFuture<WhoAmIResponse> whoAmI() {
    return calls.callAsync(
        CallerServiceGrpc.getWhoAmIMethod(), WhoAmIRequest.getDefaultInstance(), settings);
  }

  /**
   * Returns whether this client may do something.
   *
   * @param action the action, such as {@code ram:CreateRole}
   * @param resource the ARN of the resource; empty for an action that names none
   * @return whether it may
   */
  public CompletableFuture<CanIResponse> canI(String action, String resource) {
    return calls.callAsync(
        CallerServiceGrpc.getCanIMethod(), Requests.canI(action, resource), settings);
  }

  /**
   * Returns whether this client may do something.
   *
   * @param request the action, the resource and condition keys
   * @return whether it may
   */
  public CompletableFuture<CanIResponse> canI(CanIRequest request) {
    return calls.callAsync(CallerServiceGrpc.getCanIMethod(), request, settings);
  }

  /**
   * Validates a trust policy. An invalid one is a result, and not an error.
   *
   * @param document the trust policy, a JSON document
   * @return its violations, and the findings of the linter
   */
  public CompletableFuture<ValidateTrustPolicyResponse> validate(String document) {
    return calls.callAsync(
        PolicyServiceGrpc.getValidateTrustPolicyMethod(), Requests.validate(document), settings);
  }

  /**
   * Validates a trust policy against a profile of the language.
   *
   * @param request the trust policy and the profile
   * @return its violations, and the findings of the linter
   */
  public CompletableFuture<ValidateTrustPolicyResponse> validate(
      ValidateTrustPolicyRequest request) {
    return calls.callAsync(PolicyServiceGrpc.getValidateTrustPolicyMethod(), request, settings);
  }

  /**
   * Validates a permission policy.
   *
   * @param request the permission policy and the profile
   * @return its violations, and the findings of the linter
   */
  public CompletableFuture<ValidatePermissionPolicyResponse> validatePermissionPolicy(
      ValidatePermissionPolicyRequest request) {
    return calls.callAsync(
        PolicyServiceGrpc.getValidatePermissionPolicyMethod(), request, settings);
  }

  /**
   * Returns a page of the roles that an identity can assume.
   *
   * @param request the request of the page
   * @return a page of the roles that an identity can assume
   */
  public CompletableFuture<ListAssumableRolesResponse> listAssumableRoles(
      ListAssumableRolesRequest request) {
    return calls.callAsync(DecisionServiceGrpc.getListAssumableRolesMethod(), request, settings);
  }

  /**
   * Returns a page of the roles of an account.
   *
   * @param request the request of the page
   * @return a page of the roles of an account
   */
  public CompletableFuture<ListRolesResponse> listRolesPage(ListRolesRequest request) {
    return calls.callAsync(RoleServiceGrpc.getListRolesMethod(), request, settings);
  }

  /**
   * Returns a page of the changes of roles.
   *
   * @param request the request of the page
   * @return a page of the changes of roles
   */
  public CompletableFuture<ListChangesResponse> listChangesPage(ListChangesRequest request) {
    return calls.callAsync(RoleServiceGrpc.getListChangesMethod(), request, settings);
  }

  /**
   * Returns a page of the history of a role, the newest first.
   *
   * @param request the request of the page
   * @return a page of the history of a role, the newest first
   */
  public CompletableFuture<ListRoleRevisionsResponse> listRoleRevisionsPage(
      ListRoleRevisionsRequest request) {
    return calls.callAsync(RoleServiceGrpc.getListRoleRevisionsMethod(), request, settings);
  }

  /**
   * Makes the roles match their declarations, in one atomic write.
   *
   * @param roles the declarations, which are read on a thread of the client
   * @param options what is done beside writing them
   * @return the changes
   */
  public CompletableFuture<ApplyRolesResponse> applyRoles(
      Iterator<RoleDeclaration> roles, ApplyOptions options) {
    return calls.upload(
        RoleServiceGrpc.getApplyRolesMethod(),
        Requests.apply(options.message(), roles),
        settings,
        RolecallClient.APPLY_TIMEOUT);
  }
}
