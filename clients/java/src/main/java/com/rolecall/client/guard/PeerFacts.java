package com.rolecall.client.guard;

import io.grpc.Attributes;
import io.grpc.Grpc;
import io.grpc.Metadata;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.security.cert.Certificate;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;

/**
 * The peer of a call.
 *
 * @param spiffeIds the URIs of its verified certificate that begin with {@code spiffe:}, valid or
 *     not
 * @param dnsNames the DNS names of its verified certificate
 * @param headers the metadata of the call
 * @param sourceIp the address of its connection; empty where it is not known
 */
public record PeerFacts(
    List<String> spiffeIds, List<String> dnsNames, Metadata headers, String sourceIp) {
  private static final int DNS = 2;
  private static final int URI = 6;

  /** A peer of which nothing is known: nobody. */
  static PeerFacts unknown() {
    return new PeerFacts(List.of(), List.of(), new Metadata(), "");
  }

  /** Returns what is known of the peer of a call. A peer that cannot be read is nobody. */
  static PeerFacts of(Attributes transport, Metadata headers) {
    List<String> uris = new ArrayList<>();
    List<String> names = new ArrayList<>();
    try {
      read(transport.get(Grpc.TRANSPORT_ATTR_SSL_SESSION), uris, names);
    } catch (CertificateParsingException | RuntimeException error) {
      return unknown();
    }
    // A malformed id must be seen: with it the certificate names nobody, and its DNS name does not
    // count.
    List<String> ids =
        uris.stream().filter(uri -> uri.toLowerCase(Locale.ROOT).startsWith("spiffe:")).toList();
    return new PeerFacts(ids, List.copyOf(names), headers, address(transport));
  }

  /**
   * Returns every value of a header.
   *
   * @param name the name of the header
   * @return its values
   */
  public List<String> values(String name) {
    Iterable<String> found =
        headers.getAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
    List<String> values = new ArrayList<>();
    if (found != null) {
      found.forEach(values::add);
    }
    return values;
  }

  @Override
  public String toString() {
    return "PeerFacts[" + spiffeIds + ", " + dnsNames + ", " + sourceIp + "]"; // without tokens
  }

  private static void read(SSLSession session, List<String> uris, List<String> names)
      throws CertificateParsingException {
    Certificate[] chain;
    try {
      chain = session == null ? new Certificate[0] : session.getPeerCertificates();
    } catch (SSLPeerUnverifiedException error) {
      return; // There is no certificate that was verified.
    }
    if (chain.length == 0 || !(chain[0] instanceof X509Certificate certificate)) {
      return;
    }
    Collection<List<?>> alternatives = certificate.getSubjectAlternativeNames();
    if (alternatives == null) {
      return;
    }
    for (List<?> name : alternatives) {
      if (name.get(0).equals(URI)) {
        uris.add((String) name.get(1));
      } else if (name.get(0).equals(DNS)) {
        names.add((String) name.get(1));
      }
    }
  }

  private static String address(Attributes transport) {
    if (!(transport.get(Grpc.TRANSPORT_ATTR_REMOTE_ADDR) instanceof InetSocketAddress socket)) {
      return "";
    }
    InetAddress address = socket.getAddress();
    // Java has IPv4 in IPv6 as IPv4 already.
    return address == null ? "" : address.getHostAddress().split("%", 2)[0];
  }
}
