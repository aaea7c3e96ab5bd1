package fake

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority issues certificates.
type Authority struct {
	t           testing.TB
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// Names are what a certificate is for.
type Names struct {
	DNS  []string
	URIs []string
}

// NewAuthority returns a certificate authority.
func NewAuthority(t testing.TB) *Authority {
	t.Helper()
	a := &Authority{t: t}
	template := template()
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature
	a.key = newKey(t)
	der, err := x509.CreateCertificate(rand.Reader, template, template, a.key.Public(), a.key)
	if err == nil {
		a.certificate, err = x509.ParseCertificate(der)
	}
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// Issue returns a certificate and its key in PEM form.
func (a *Authority) Issue(names Names) (certificate, key []byte) {
	a.t.Helper()
	own := newKey(a.t)
	template := template()
	template.DNSNames, template.IPAddresses = names.DNS, []net.IP{net.IPv4(127, 0, 0, 1)}
	for _, text := range names.URIs {
		uri, err := url.Parse(text)
		if err != nil {
			a.t.Fatal(err)
		}
		template.URIs = append(template.URIs, uri)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, own.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(own)
	if err != nil {
		a.t.Fatal(err)
	}
	return encoded("CERTIFICATE", der), encoded("PRIVATE KEY", private)
}

// CA returns the certificate of the authority in PEM form.
func (a *Authority) CA() []byte { return encoded("CERTIFICATE", a.certificate.Raw) }

// Pool returns the authority as the only one that is trusted.
func (a *Authority) Pool() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.certificate)
	return pool
}

// Pair returns a certificate for TLS.
func (a *Authority) Pair(names Names) tls.Certificate {
	a.t.Helper()
	pair, err := tls.X509KeyPair(a.Issue(names))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// ServerConfig returns that of a server for localhost, which requires certificates of this authority.
func (a *Authority) ServerConfig() *tls.Config {
	a.t.Helper()
	return &tls.Config{
		Certificates: []tls.Certificate{a.Pair(Names{DNS: []string{"localhost"}})},
		ClientAuth:   tls.RequireAndVerifyClientCert,
		ClientCAs:    a.Pool(),
		NextProtos:   []string{"h2"},
		MinVersion:   tls.VersionTLS12,
	}
}

// Write writes the files of a client into a folder: ca.pem, cert.pem and key.pem.
func (a *Authority) Write(folder string, names Names) {
	a.t.Helper()
	certificate, key := a.Issue(names)
	for name, content := range map[string][]byte{"ca.pem": a.CA(), "cert.pem": certificate, "key.pem": key} {
		if err := os.WriteFile(filepath.Join(folder, name), content, 0o600); err != nil {
			a.t.Fatal(err)
		}
	}
}

func template() *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, big.NewInt(1<<62))
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      pkix.Name{CommonName: "test"},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
}

func newKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func encoded(kind string, content []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
}
