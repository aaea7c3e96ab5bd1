package com.rolecall.client;

import java.io.IOException;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.sec.ECPrivateKey;
import org.bouncycastle.asn1.sec.SECObjectIdentifiers;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.openssl.jcajce.JcaPEMWriter;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.bouncycastle.util.io.pem.PemObject;

/** A CA of a test, and the files that it makes in a folder. */
public final class Certificates {
  private static final X500Principal CA = new X500Principal("CN=test CA");

  private final Path folder;
  private final KeyPair keys = newKeys();
  private long serial = 1;

  /** Makes the CA, and its file {@code ca.pem}. */
  public Certificates(Path folder) {
    this.folder = folder;
    write("ca.pem", certificate(CA, keys, true));
  }

  public static GeneralName dns(String name) {
    return new GeneralName(GeneralName.dNSName, name);
  }

  public static GeneralName uri(String name) {
    return new GeneralName(GeneralName.uniformResourceIdentifier, name);
  }

  /** Makes {@code NAME.pem} and {@code NAME.key}, the older form of an EC key. */
  public void issue(String name, GeneralName... names) {
    KeyPair own = newKeys();
    write(name + ".pem", certificate(new X500Principal("CN=" + name), own, false, names));
    BigInteger number = ((java.security.interfaces.ECPrivateKey) own.getPrivate()).getS();
    var older = new ECPrivateKey(256, number, SECObjectIdentifiers.secp256r1);
    write(name + ".key", pem("EC PRIVATE KEY", older));
    writeText(name + ".pkcs8", new String(PemKey.toPem(own.getPrivate())));
  }

  public Path file(String name) {
    return folder.resolve(name);
  }

  public TlsFiles client(String name) {
    return TlsFiles.of(file("ca.pem")).withClient(file(name + ".pem"), file(name + ".key"));
  }

  private X509Certificate certificate(
      X500Principal subject, KeyPair own, boolean isCa, GeneralName... names) {
    try {
      Date from = Date.from(Instant.now().minus(Duration.ofHours(1)));
      Date to = Date.from(Instant.now().plus(Duration.ofDays(1)));
      var builder =
          new JcaX509v3CertificateBuilder(
              CA, BigInteger.valueOf(serial++), from, to, subject, own.getPublic());
      builder.addExtension(Extension.basicConstraints, true, new BasicConstraints(isCa));
      if (names.length > 0) {
        builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(names));
      }
      var signer = new JcaContentSignerBuilder("SHA256withECDSA").build(keys.getPrivate());
      return new JcaX509CertificateConverter().getCertificate(builder.build(signer));
    } catch (GeneralSecurityException | OperatorCreationException error) {
      throw new IllegalStateException(error);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private void write(String name, Object content) {
    StringWriter text = new StringWriter();
    try (JcaPEMWriter pem = new JcaPEMWriter(text)) {
      pem.writeObject(content);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
    writeText(name, text.toString());
  }

  private void writeText(String name, String text) {
    try {
      Files.writeString(folder.resolve(name), text);
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static PemObject pem(String type, ECPrivateKey key) {
    try {
      return new PemObject(type, key.getEncoded());
    } catch (IOException error) {
      throw new UncheckedIOException(error);
    }
  }

  private static KeyPair newKeys() {
    try {
      KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
      generator.initialize(256);
      return generator.generateKeyPair();
    } catch (GeneralSecurityException error) {
      throw new IllegalStateException(error);
    }
  }
}
