package com.rolecall.client.guard;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Callers that are service accounts: {@code spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/NAME} is {@code
 * k8s:PROVIDER/NAMESPACE/NAME}. The provider is that of the role's account.
 *
 * <p>The guard asserts who they are, so its own client needs the right to.
 */
public final class SpiffeServiceAccounts implements CallerRule {
  private static final Pattern TRUST_DOMAIN = Pattern.compile("[a-z0-9._-]{1,255}");
  private static final Pattern PROVIDER = Pattern.compile("[^/\\s:]+");

  private final String trustDomain;
  private final String provider;
  private final String accountId;
  private final Map<String, List<String>> claims;

  /**
   * Makes the rule for roles whose names have their accounts.
   *
   * @param trustDomain the trust domain
   * @param provider the name of the provider
   */
  public SpiffeServiceAccounts(String trustDomain, String provider) {
    this(trustDomain, provider, "", Map.of());
  }

  /**
   * Makes the rule.
   *
   * @param trustDomain the trust domain
   * @param provider the name of the provider
   * @param accountId the account of roles whose names have none; empty: each has one
   * @param claims claims that every service account has, such as {@code oidc:iss}
   */
  public SpiffeServiceAccounts(
      String trustDomain, String provider, String accountId, Map<String, List<String>> claims) {
    if (!TRUST_DOMAIN.matcher(trustDomain).matches()) {
      throw new IllegalArgumentException(
          "`%s` is no trust domain; write it as in `spiffe://TRUST_DOMAIN/...`"
              .formatted(trustDomain));
    }
    if (!PROVIDER.matcher(provider).matches()) {
      throw new IllegalArgumentException(
          "`%s` is not the name of a provider; write the last part of its ARN".formatted(provider));
    }
    this.trustDomain = trustDomain;
    this.provider = provider;
    this.accountId = accountId;
    this.claims = Map.copyOf(claims);
  }

  @Override
  public CallerIdentity identify(PeerFacts peer) {
    String id = CertificateNames.spiffeId(peer);
    String[] parts = id.substring("spiffe://".length()).split("/", -1);
    if (parts.length != 5
        || !parts[0].equals(trustDomain)
        || !parts[1].equals("ns")
        || !parts[3].equals("sa")) {
      throw new UnknownCallerException(
          "`%s` is not of the form `spiffe://%s/ns/NAMESPACE/sa/NAME`".formatted(id, trustDomain));
    }
    String name = "k8s:%s/%s/%s".formatted(provider, parts[2], parts[4]);
    return new CallerIdentity(name, "", claims, accountId);
  }

  @Override
  public boolean needsAccount() {
    return accountId.isEmpty();
  }
}
