package com.rolecall.client.guard;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * The one name in a client certificate, by the rules of SPIFFE X509-SVID, and by those that the
 * server has for its own clients.
 *
 * <ol>
 *   <li>Its only SPIFFE id, beside any DNS names and any other URIs. Several SPIFFE ids, or a
 *       malformed one, are no name.
 *   <li>Without a SPIFFE id, its only DNS name, in lower case. Several DNS names, or one with a
 *       wildcard, are no name.
 * </ol>
 */
final class CertificateNames {
  static final Pattern DNS_NAME = Pattern.compile("[a-z0-9_-]+(\\.[a-z0-9_-]+)*");

  private static final int MAX_SPIFFE_ID = 2_048;
  private static final int MAX_DNS_NAME = 253;
  private static final Pattern SPIFFE_ID =
      Pattern.compile("spiffe://[a-z0-9._-]{1,255}(/(?!\\.{1,2}(/|\\z))[A-Za-z0-9._-]+)*");

  private CertificateNames() {}

  static String spiffeId(PeerFacts peer) {
    List<String> ids = peer.spiffeIds();
    if (ids.size() != 1) {
      throw new UnknownCallerException(
          "the certificate has %s SPIFFE ids, not one".formatted(number(ids.size())));
    }
    if (!isSpiffeId(ids.get(0))) {
      throw new UnknownCallerException("the SPIFFE id of the certificate is malformed");
    }
    return ids.get(0);
  }

  static String dnsName(PeerFacts peer) {
    if (!peer.spiffeIds().isEmpty()) {
      throw new UnknownCallerException(
          "the certificate has a SPIFFE id, so its DNS names do not count");
    }
    List<String> names =
        peer.dnsNames().stream().map(name -> name.toLowerCase(Locale.ROOT)).distinct().toList();
    if (names.size() != 1) {
      throw new UnknownCallerException(
          "the certificate has %s DNS names, not one".formatted(number(names.size())));
    }
    String name = names.get(0);
    if (name.length() > MAX_DNS_NAME || !DNS_NAME.matcher(name).matches()) {
      throw new UnknownCallerException(
          "the DNS name of the certificate has a wildcard or is malformed");
    }
    return name;
  }

  static boolean isSpiffeId(String text) {
    return text.length() <= MAX_SPIFFE_ID && SPIFFE_ID.matcher(text).matches();
  }

  private static String number(int count) {
    return count == 0 ? "no" : String.valueOf(count);
  }
}
