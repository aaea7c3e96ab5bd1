package com.rolecall.client.guard;

import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Callers by the token that they send, once, as {@code authorization: Bearer TOKEN}. The server of
 * Rolecall verifies it, not the guard.
 */
public final class OidcBearer implements CallerRule {
  private static final int MAX_TOKEN_BYTES = 8_192;
  private static final Pattern PROVIDER =
      Pattern.compile("acs:ram::[0-9]{1,20}:oidc-provider/[^/\\s]+");
  private static final Pattern TOKEN =
      Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");

  private final String providerArn;

  /**
   * Makes the rule.
   *
   * @param providerArn {@code acs:ram::ACCOUNT:oidc-provider/NAME}, a provider whose keys the
   *     server has
   */
  public OidcBearer(String providerArn) {
    if (!PROVIDER.matcher(providerArn).matches()) {
      throw new IllegalArgumentException(
          "`%s` is no OIDC provider; write `acs:ram::ACCOUNT:oidc-provider/NAME`"
              .formatted(providerArn));
    }
    this.providerArn = providerArn;
  }

  @Override
  public CallerIdentity identify(PeerFacts peer) {
    List<String> sent = peer.values("authorization");
    String[] parts = sent.size() == 1 ? sent.get(0).split(" ", 2) : new String[0];
    if (parts.length != 2
        || !parts[0].equalsIgnoreCase("bearer")
        || parts[1].length() > MAX_TOKEN_BYTES
        || !TOKEN.matcher(parts[1]).matches()) {
      throw new UnknownCallerException(
          "the call has %d `authorization`, not one of the form `Bearer TOKEN`"
              .formatted(sent.size()));
    }
    return new CallerIdentity(providerArn, parts[1], Map.of(), "");
  }
}
