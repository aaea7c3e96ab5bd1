package com.rolecall.client;

import com.rolecall.v1.AssumeRoleQuery;
import com.rolecall.v1.ConditionValues;
import com.rolecall.v1.FederatedIdentity;
import com.rolecall.v1.OidcIdentity;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes queries, and recognises the kind of identity from its spelling.
 *
 * <p>An identity is a principal ({@code acs:ram::ID:user/NAME}, a role session, {@code ID@SERVICE},
 * ...), the ARN of an identity provider, with its claims, or {@code
 * k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT}, a service account that comes through the OIDC provider of
 * the role's account.
 */
public final class Query {
  static final String KUBERNETES_PREFIX = "k8s:";

  private static final Pattern ROLE_ARN = Pattern.compile("acs:ram::([0-9]{1,20}):role/.*");
  private static final Pattern ACCOUNT_AND_NAME = Pattern.compile("([0-9]{1,20})/.*");
  private static final Pattern PROVIDER =
      Pattern.compile("acs:ram::[^:]*:(?:saml|oidc)-provider/.*", Pattern.DOTALL);
  private static final Pattern OIDC_PROVIDER =
      Pattern.compile("acs:ram::[^:]*:oidc-provider/.*", Pattern.DOTALL);
  private static final Pattern KUBERNETES = Pattern.compile("k8s:([^/]+)/([^/]+)/([^/]+)");
  private static final String SUBJECT = "oidc:sub";

  private Query() {}

  /**
   * Returns a query: may an identity assume a role?
   *
   * @param identity the identity
   * @param role the role: an ARN, {@code ACCOUNT/NAME}, or {@code NAME} in the server's default
   *     account
   * @return the query
   * @throws IllegalArgumentException if the identity needs more than its name
   */
  public static AssumeRoleQuery of(String identity, String role) {
    return as(identity).role(role).build();
  }

  /**
   * Starts a query.
   *
   * @param identity the identity that wants to assume a role
   * @return the builder of the query
   */
  public static Builder as(String identity) {
    return new Builder(identity);
  }

  /**
   * Returns the account that the name of a role contains.
   *
   * @param role the name
   * @return the id of the account; empty if there is none in the name
   */
  public static String accountOf(String role) {
    for (Pattern pattern : List.of(ROLE_ARN, ACCOUNT_AND_NAME)) {
      Matcher match = pattern.matcher(role);
      if (match.matches()) {
        return match.group(1);
      }
    }
    return "";
  }

  /** The parts of a query. */
  public static final class Builder {
    private final String identity;
    private final AssumeRoleQuery.Builder query = AssumeRoleQuery.newBuilder();
    private final Map<String, ConditionValues> claims = new LinkedHashMap<>();
    private String token = "";
    private String accountId = "";

    private Builder(String identity) {
      this.identity = identity;
    }

    /**
     * Sets the role. A query of what an identity can assume has none.
     *
     * @param role an ARN, {@code ACCOUNT/NAME}, or {@code NAME} in the server's default account
     * @return this
     */
    public Builder role(String role) {
      query.setRole(role);
      return this;
    }

    /**
     * Sets a condition key, such as {@code acs:SourceIp}.
     *
     * @param key the key
     * @param values its values
     * @return this
     */
    public Builder context(String key, String... values) {
      query.putContext(key, valuesOf(List.of(values)));
      return this;
    }

    /**
     * Sets condition keys.
     *
     * @param context the keys and their values
     * @return this
     */
    public Builder context(Map<String, ? extends Collection<String>> context) {
      context.forEach((key, values) -> query.putContext(key, valuesOf(values)));
      return this;
    }

    /**
     * Sets a claim of the identity provider that the identity names.
     *
     * @param key the condition key ({@code oidc:aud})
     * @param values its values
     * @return this
     */
    public Builder claim(String key, String... values) {
      claims.put(key, valuesOf(List.of(values)));
      return this;
    }

    /**
     * Sets claims of the identity provider that the identity names.
     *
     * @param given the condition keys and their values
     * @return this
     */
    public Builder claims(Map<String, ? extends Collection<String>> given) {
      given.forEach((key, values) -> claims.put(key, valuesOf(values)));
      return this;
    }

    /**
     * Sets a token of the OIDC provider that the identity names. The server verifies who it is.
     *
     * @param token the token
     * @return this
     */
    public Builder token(String token) {
      this.token = token;
      return this;
    }

    /**
     * Sets the account of the role, for a service account, if the name of the role has none.
     *
     * @param accountId the id of the account
     * @return this
     */
    public Builder account(String accountId) {
      this.accountId = accountId;
      return this;
    }

    /**
     * Sets the duration of the session that is wanted.
     *
     * @param seconds the duration
     * @return this
     */
    public Builder durationSeconds(int seconds) {
      query.setDurationSeconds(seconds);
      return this;
    }

    /**
     * Sets the name of the session.
     *
     * @param name the name
     * @return this
     */
    public Builder sessionName(String name) {
      query.setRoleSessionName(name);
      return this;
    }

    /**
     * Sets the external id.
     *
     * @param id the id
     * @return this
     */
    public Builder externalId(String id) {
      query.setExternalId(id);
      return this;
    }

    /**
     * Sets the source identity.
     *
     * @param source the source identity
     * @return this
     */
    public Builder sourceIdentity(String source) {
      query.setSourceIdentity(source);
      return this;
    }

    /**
     * Returns the query.
     *
     * @return the query
     * @throws IllegalArgumentException if the parts contradict each other
     */
    public AssumeRoleQuery build() {
      AssumeRoleQuery.Builder built = query.clone();
      if (!token.isEmpty()) {
        return built.setOidc(withToken()).build();
      }
      if (identity.startsWith(KUBERNETES_PREFIX)) {
        return built.setFederated(serviceAccount()).build();
      }
      if (PROVIDER.matcher(identity).matches()) {
        return built.setFederated(federated(identity)).build();
      }
      if (!claims.isEmpty()) {
        throw new IllegalArgumentException(
            "claims come with an identity provider, and `%s` is not one; use the ARN of the provider"
                .formatted(identity));
      }
      return built.setPrincipal(identity).build();
    }

    private OidcIdentity withToken() {
      if (!OIDC_PROVIDER.matcher(identity).matches()) {
        throw new IllegalArgumentException(
            "a token comes with an OIDC provider, and `%s` is not the ARN of one"
                .formatted(identity));
      }
      if (!claims.isEmpty()) {
        throw new IllegalArgumentException("the claims are in the token; give either");
      }
      return OidcIdentity.newBuilder().setProviderArn(identity).setToken(token).build();
    }

    private FederatedIdentity serviceAccount() {
      Matcher match = KUBERNETES.matcher(identity);
      if (!match.matches()) {
        throw new IllegalArgumentException(
            "`%s` is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`".formatted(identity));
      }
      String account = accountOf(query.getRole());
      account = account.isEmpty() ? accountId : account;
      if (account.isEmpty()) {
        throw new IllegalArgumentException(
            "`%s` needs the account of the role; write the role as ACCOUNT/NAME or as an ARN"
                .formatted(identity));
      }
      if (claims.containsKey(SUBJECT)) {
        throw new IllegalArgumentException(
            "`%s` already determines `%s`; leave the claim out".formatted(identity, SUBJECT));
      }
      String subject = "system:serviceaccount:%s:%s".formatted(match.group(2), match.group(3));
      return federated("acs:ram::%s:oidc-provider/%s".formatted(account, match.group(1)))
          .toBuilder()
          .putClaims(SUBJECT, valuesOf(List.of(subject)))
          .build();
    }

    private FederatedIdentity federated(String provider) {
      return FederatedIdentity.newBuilder().setProviderArn(provider).putAllClaims(claims).build();
    }
  }

  private static ConditionValues valuesOf(Collection<String> values) {
    return ConditionValues.newBuilder().addAllValues(values).build();
  }
}
