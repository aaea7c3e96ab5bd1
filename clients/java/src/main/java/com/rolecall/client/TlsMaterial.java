package com.rolecall.client;

import io.grpc.ChannelCredentials;
import io.grpc.TlsChannelCredentials;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import java.util.Collection;

/** What the TLS files contained at one time. The key is the client's secret. */
final class TlsMaterial {
  private static final int MAX_FILE_BYTES = 4 * 1024 * 1024;

  private final byte[] ca;
  private final byte[] cert;
  private final byte[] key;

  private TlsMaterial(byte[] ca, byte[] cert, byte[] key) {
    this.ca = ca;
    this.cert = cert;
    this.key = key;
  }

  /**
   * Returns the contents of the files; throws {@link IOException} or {@link
   * IllegalArgumentException} if they are not valid or do not fit.
   */
  static TlsMaterial read(TlsFiles files) throws IOException {
    byte[] ca = content(files.ca());
    certificates(files.ca(), ca);
    if (files.cert() == null) {
      return new TlsMaterial(ca, null, null);
    }
    byte[] cert = content(files.cert());
    byte[] key = content(files.key());
    return new TlsMaterial(ca, cert, PemKey.toPem(matching(files, cert, key)));
  }

  ChannelCredentials credentials() {
    try {
      TlsChannelCredentials.Builder credentials = TlsChannelCredentials.newBuilder();
      credentials.trustManager(new ByteArrayInputStream(ca));
      if (cert != null) {
        credentials.keyManager(new ByteArrayInputStream(cert), new ByteArrayInputStream(key));
      }
      return credentials.build();
    } catch (IOException error) {
      throw new IllegalArgumentException("the TLS files cannot be used", error);
    }
  }

  boolean isEqual(TlsMaterial other) {
    return Arrays.equals(ca, other.ca)
        && Arrays.equals(cert, other.cert)
        && Arrays.equals(key, other.key);
  }

  private static byte[] content(Path path) throws IOException {
    try (InputStream file = Files.newInputStream(path)) {
      byte[] content = file.readNBytes(MAX_FILE_BYTES + 1);
      if (content.length > MAX_FILE_BYTES) {
        throw new IllegalArgumentException(
            "`%s` has more than %d bytes".formatted(path, MAX_FILE_BYTES));
      }
      return content;
    }
  }

  private static PrivateKey matching(TlsFiles files, byte[] cert, byte[] key) {
    Certificate certificate = certificates(files.cert(), cert).iterator().next();
    try {
      PrivateKey privateKey = PemKey.read(key);
      requirePair(privateKey, certificate.getPublicKey());
      return privateKey;
    } catch (IllegalArgumentException | GeneralSecurityException error) {
      throw new IllegalArgumentException(
          "`%s` and `%s` are not a certificate and its key in PEM form, without a password"
              .formatted(files.cert(), files.key()),
          error);
    }
  }

  private static void requirePair(PrivateKey privateKey, PublicKey publicKey)
      throws GeneralSecurityException {
    String algorithm =
        switch (privateKey.getAlgorithm()) {
          case "RSA" -> "SHA256withRSA";
          case "EC" -> "SHA256withECDSA";
          default -> "Ed25519";
        };
    byte[] text = {1};
    Signature signature = Signature.getInstance(algorithm);
    signature.initSign(privateKey);
    signature.update(text);
    byte[] signed = signature.sign();
    signature.initVerify(publicKey);
    signature.update(text);
    if (!signature.verify(signed)) {
      throw new IllegalArgumentException("the key is that of another certificate");
    }
  }

  private static Collection<? extends Certificate> certificates(Path path, byte[] text) {
    try {
      Collection<? extends Certificate> found =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(text));
      if (!found.isEmpty() && found.iterator().next() instanceof X509Certificate) {
        return found;
      }
    } catch (CertificateException error) {
      throw new IllegalArgumentException(noCertificates(path), error);
    }
    throw new IllegalArgumentException(noCertificates(path));
  }

  private static String noCertificates(Path path) {
    return "`" + path + "` has no certificates in PEM form";
  }
}
