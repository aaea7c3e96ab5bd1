package com.rolecall.client.guard;

import java.util.Map;

/**
 * Callers by the only DNS name of their certificate, without wildcards. A certificate with a SPIFFE
 * id is not looked at further, and names no caller here.
 */
public final class DnsPrincipals implements CallerRule {
  private final Map<String, String> principals;

  /**
   * Makes the rule.
   *
   * @param principals principals by DNS name, in lower case
   * @throws IllegalArgumentException if a name or a principal is invalid
   */
  public DnsPrincipals(Map<String, String> principals) {
    this.principals = Principals.checked(principals);
    for (String name : this.principals.keySet()) {
      if (!CertificateNames.DNS_NAME.matcher(name).matches()) {
        throw new IllegalArgumentException(
            "`%s` is no DNS name; write it in lower case and without wildcards".formatted(name));
      }
    }
  }

  @Override
  public CallerIdentity identify(PeerFacts peer) {
    String name = CertificateNames.dnsName(peer);
    String principal = principals.get(name);
    if (principal == null) {
      throw new UnknownCallerException(
          "the certificate has `%s`, which stands for no principal; add it to the map"
              .formatted(name));
    }
    return CallerIdentity.of(principal);
  }

  @Override
  public boolean needsAccount() {
    return Principals.haveServiceAccount(principals);
  }
}
