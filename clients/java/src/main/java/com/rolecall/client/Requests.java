package com.rolecall.client;

import com.rolecall.v1.ApplyRolesOptions;
import com.rolecall.v1.ApplyRolesRequest;
import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.BatchCheckAssumeRoleRequest;
import com.rolecall.v1.CanIRequest;
import com.rolecall.v1.CheckAssumeRoleRequest;
import com.rolecall.v1.CreateRoleRequest;
import com.rolecall.v1.DeleteRoleRequest;
import com.rolecall.v1.ExplainAssumeRoleRequest;
import com.rolecall.v1.GetRoleRequest;
import com.rolecall.v1.ListAssumableRolesRequest;
import com.rolecall.v1.ListRolesRequest;
import com.rolecall.v1.ListTrustedPrincipalsRequest;
import com.rolecall.v1.PolicyProfile;
import com.rolecall.v1.Role;
import com.rolecall.v1.RoleChunk;
import com.rolecall.v1.RoleDeclaration;
import com.rolecall.v1.RoleView;
import com.rolecall.v1.RollbackRoleRequest;
import com.rolecall.v1.UndeleteRoleRequest;
import com.rolecall.v1.UpdateRoleRequest;
import com.rolecall.v1.ValidateTrustPolicyRequest;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.UUID;

/** The requests of both clients. */
final class Requests {
  static final int PAGE_SIZE = 1_000;

  // The roles of one page with their trust policies: 8 MB, if each has the longest that a server
  // accepts by default.
  private static final int EXPORT_PAGE_SIZE = 500;
  private static final int CHUNK_BYTES = 512 * 1024;

  private Requests() {}

  static CheckAssumeRoleRequest check(AssumeRoleQuery query) {
    return CheckAssumeRoleRequest.newBuilder().setQuery(query).build();
  }

  static BatchCheckAssumeRoleRequest batch(Iterable<AssumeRoleQuery> queries) {
    return BatchCheckAssumeRoleRequest.newBuilder().addAllQueries(queries).build();
  }

  static ExplainAssumeRoleRequest explain(AssumeRoleQuery query) {
    return ExplainAssumeRoleRequest.newBuilder().setQuery(query).build();
  }

  static ListTrustedPrincipalsRequest trusted(String role) {
    return ListTrustedPrincipalsRequest.newBuilder().setRole(role).build();
  }

  static GetRoleRequest role(String role) {
    return GetRoleRequest.newBuilder().setRole(role).build();
  }

  static CanIRequest canI(String action, String resource) {
    return CanIRequest.newBuilder().setAction(action).setResource(resource).build();
  }

  static ValidateTrustPolicyRequest validate(String document) {
    return ValidateTrustPolicyRequest.newBuilder()
        .setDocument(document)
        .setProfile(PolicyProfile.POLICY_PROFILE_ROLECALL)
        .build();
  }

  static ListAssumableRolesRequest assumable(AssumeRoleQuery asked) {
    ListAssumableRolesRequest.Builder request =
        ListAssumableRolesRequest.newBuilder()
            .putAllContext(asked.getContextMap())
            .setDurationSeconds(asked.getDurationSeconds())
            .setRoleSessionName(asked.getRoleSessionName())
            .setExternalId(asked.getExternalId())
            .setSourceIdentity(asked.getSourceIdentity())
            .setPageSize(PAGE_SIZE);
    switch (asked.getIdentityCase()) {
      case PRINCIPAL -> request.setPrincipal(asked.getPrincipal());
      case FEDERATED -> request.setFederated(asked.getFederated());
      case OIDC -> request.setOidc(asked.getOidc());
      case OIDC_TOKEN -> request.setOidcToken(asked.getOidcToken());
      case IDENTITY_NOT_SET -> {}
    }
    return request.build();
  }

  static ListRolesRequest export(ListRolesRequest filter) {
    return filter.toBuilder()
        .setView(RoleView.ROLE_VIEW_FULL)
        .setPageSize(EXPORT_PAGE_SIZE)
        .build();
  }

  static RoleDeclaration declaration(Role role) {
    return RoleDeclaration.newBuilder()
        .setAccountId(role.getAccountId())
        .setRoleName(role.getRoleName())
        .setAssumeRolePolicyDocument(role.getAssumeRolePolicyDocument())
        .setDescription(role.getDescription())
        .setMaxSessionDurationSeconds(role.getMaxSessionDurationSeconds())
        .putAllTags(role.getTagsMap())
        .build();
  }

  // Each write has a request id, so that a repeat is harmless.

  static CreateRoleRequest identified(CreateRoleRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  static UpdateRoleRequest identified(UpdateRoleRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  static DeleteRoleRequest identified(DeleteRoleRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  static UndeleteRoleRequest identified(UndeleteRoleRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  static RollbackRoleRequest identified(RollbackRoleRequest request) {
    return request.getRequestId().isEmpty()
        ? request.toBuilder().setRequestId(newId()).build()
        : request;
  }

  /** Returns the messages of an apply: the options, then the roles in chunks. */
  static Iterator<ApplyRolesRequest> apply(
      ApplyRolesOptions options, Iterator<RoleDeclaration> roles) {
    return new ApplyMessages(options, roles);
  }

  private static String newId() {
    return UUID.randomUUID().toString();
  }

  private static final class ApplyMessages implements Iterator<ApplyRolesRequest> {
    private final Iterator<RoleDeclaration> roles;
    private ApplyRolesOptions options;

    ApplyMessages(ApplyRolesOptions options, Iterator<RoleDeclaration> roles) {
      this.options = options;
      this.roles = roles;
    }

    @Override
    public boolean hasNext() {
      return options != null || roles.hasNext();
    }

    @Override
    public ApplyRolesRequest next() {
      if (options != null) {
        ApplyRolesRequest first = ApplyRolesRequest.newBuilder().setOptions(options).build();
        options = null;
        return first;
      }
      if (!roles.hasNext()) {
        throw new NoSuchElementException();
      }
      return ApplyRolesRequest.newBuilder().setRoles(chunk()).build();
    }

    private RoleChunk chunk() {
      RoleChunk.Builder chunk = RoleChunk.newBuilder();
      int size = 0;
      while (size < CHUNK_BYTES && roles.hasNext()) {
        RoleDeclaration role = roles.next();
        chunk.addRoles(role);
        size += role.getSerializedSize();
      }
      return chunk.build();
    }
  }
}
