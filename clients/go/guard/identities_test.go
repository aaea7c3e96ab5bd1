package guard

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	rolecall "github.com/rolecall/rolecall/clients/go"
)

func withIDs(ids ...string) Peer { return Peer{SPIFFEIDs: ids, DNSNames: []string{"cart.internal"}} }

func TestAnIDThatIsListedCountsBeforeAPatternWhichStandsForOneSegment(t *testing.T) {
	callers := must(SPIFFEPrincipals(map[string]string{
		"spiffe://td/ns/shop/sa/cart": cart, "spiffe://td/ns/shop/sa/*": "1@any.internal", "spiffe://td/ns/*/sa/two": "1@two.internal",
	}))

	for id, want := range map[string]string{
		"spiffe://td/ns/shop/sa/cart": cart, "spiffe://td/ns/shop/sa/other": "1@any.internal", "spiffe://td/ns/pay/sa/two": "1@two.internal",
		// nobody
		"spiffe://td/ns/shop/sa/two": "", "spiffe://td/ns/shop/sa/a/b": "", "spiffe://td/ns/shop/sa/": "", "spiffe://other/ns/shop/sa/cart": "",
		"spiffe://td/ns/shop/sa/*": "", "SPIFFE://td/ns/shop/sa/cart": "", "spiffe://td/ns/shop/sa/cart/": "", "spiffe://td/ns/shop/sa/..": "",
		"spiffe://TD/ns/shop/sa/cart": "", "spiffe://td/ns/shop/sa/cart?x": "", "spiffe://td/ns/shop/sa/c%61rt": "", "spiffe:": "",
	} {
		caller, err := callers.Identify(withIDs(id))

		var unknown *UnknownCallerError
		if caller.As != want || (want == "") != errors.As(err, &unknown) {
			t.Errorf("%s: got %+v, %v", id, caller, err)
		}
	}
}

func TestACertificateThatNamesNobodyOrSeveralIsAnUnknownCaller(t *testing.T) {
	spiffe := must(SPIFFEPrincipals(map[string]string{"spiffe://td/a": cart}))
	dns := must(DNSPrincipals(map[string]string{"cart.internal": cart}))
	for _, test := range []struct {
		identifier Identifier
		peer       Peer
	}{
		{spiffe, Peer{}}, {spiffe, withIDs()}, {spiffe, withIDs("spiffe://td/a", "spiffe://td/b")}, {spiffe, withIDs("spiffe://td/a", "spiffe:x")},
		{dns, Peer{}}, {dns, withIDs("spiffe://td/a")}, {dns, withIDs("spiffe:")}, {dns, Peer{DNSNames: []string{"cart.internal", "b"}}},
		{dns, Peer{DNSNames: []string{"*.internal"}}}, {dns, Peer{DNSNames: []string{"other.internal"}}}, {dns, Peer{DNSNames: []string{""}}},
	} {
		caller, err := test.identifier.Identify(test.peer)

		var unknown *UnknownCallerError
		if !errors.As(err, &unknown) || caller.As != "" {
			t.Errorf("%+v: got %+v, %v", test.peer, caller, err)
		}
	}
	for _, names := range [][]string{{"cart.internal"}, {"CART.internal", "cart.internal"}} {
		if caller, err := dns.Identify(Peer{DNSNames: names}); err != nil || caller.As != cart {
			t.Errorf("got %+v, %v", caller, err)
		}
	}
}

func TestAServiceAccountIsNamedByItsNamespaceAndItsName(t *testing.T) {
	accounts := SPIFFEServiceAccounts{TrustDomain: "td", Provider: "cluster", AccountID: "7", Claims: rolecall.Values{"oidc:iss": {"i"}}}

	caller, err := accounts.Identify(withIDs("spiffe://td/ns/shop/sa/cart"))

	if err != nil || caller.As != "k8s:cluster/shop/cart" || caller.AccountID != "7" || caller.Claims["oidc:iss"][0] != "i" {
		t.Fatalf("got %+v, %v", caller, err)
	}
	for _, id := range []string{"spiffe://other/ns/shop/sa/cart", "spiffe://td/ns/shop/sa/cart/x", "spiffe://td/sa/shop/ns/cart", "spiffe://td"} {
		if caller, err := accounts.Identify(withIDs(id)); err == nil {
			t.Errorf("%s: got %+v", id, caller)
		}
	}
}

func TestATokenIsPutToTheServerWithItsProvider(t *testing.T) {
	bearer := OIDCBearer{ProviderARN: "acs:ram::1:oidc-provider/p"}
	for _, test := range []struct {
		sent  []string
		token string
	}{
		{[]string{"Bearer a.b.c"}, "a.b.c"}, {[]string{"bearer a.b.c"}, "a.b.c"},
		{nil, ""}, {[]string{"Bearer a.b.c", "Bearer a.b.c"}, ""}, {[]string{"Basic a.b.c"}, ""}, {[]string{"Bearer  a.b.c"}, ""},
		{[]string{"Bearer a.b"}, ""}, {[]string{"Bearer a.b.c "}, ""}, {[]string{"Bearer " + strings.Repeat("a", MaxTokenBytes) + ".b.c"}, ""},
	} {
		caller, err := bearer.Identify(Peer{Headers: map[string][]string{"authorization": test.sent}})

		if caller.Token != test.token || (test.token == "") != (err != nil) {
			t.Errorf("%.40q: got %+v, %v", test.sent, caller, err)
		}
	}
}

func TestInvalidCallersAreRefused(t *testing.T) {
	_, noID := SPIFFEPrincipals(map[string]string{"https://td/a": cart})
	_, partial := SPIFFEPrincipals(map[string]string{"spiffe://td/a*": cart})
	_, noPrincipal := SPIFFEPrincipals(map[string]string{"spiffe://td/a": "alice"})
	_, nobody := SPIFFEPrincipals(nil)
	_, noName := DNSPrincipals(map[string]string{"*.internal": cart})
	_, upper := DNSPrincipals(map[string]string{"Cart": cart})
	for err, message := range map[error]string{
		noID: "is no SPIFFE id", partial: "is no SPIFFE id", noPrincipal: "is no principal", nobody: "the map names no caller",
		noName: "is no DNS name", upper: "is no DNS name",
		SPIFFEServiceAccounts{TrustDomain: "TD", Provider: "p"}.validate():   "is no trust domain",
		SPIFFEServiceAccounts{TrustDomain: "td", Provider: "p/q"}.validate(): "is not the name of a provider",
		OIDCBearer{ProviderARN: "acs:ram::1:saml-provider/p"}.validate():     "is no OIDC provider",
	} {
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("got %v; want %q", err, message)
		}
	}
}

func TestTheNamesOfACertificateAreReadAsTheyAreWritten(t *testing.T) {
	// x509 would read the first one as spiffe://td/a, and leave out the end of the second one.
	uris := []string{"SPIFFE://td/a", "spiffe://td/b#", "https://td/c", "spiffe://td/d"}

	ids, names := namesIn(certificateWith(t, uris, []string{"Cart.internal"}))

	if !slices.Equal(ids, []string{"SPIFFE://td/a", "spiffe://td/b#", "spiffe://td/d"}) || !slices.Equal(names, []string{"Cart.internal"}) {
		t.Fatalf("got %q, %q", ids, names)
	}
}

// certificateWith returns a certificate whose names are not changed by x509.
func certificateWith(t *testing.T, uris, dnsNames []string) *x509.Certificate {
	t.Helper()
	var names []asn1.RawValue
	for _, uri := range uris {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: uriTag, Bytes: []byte(uri)})
	}
	for _, name := range dnsNames {
		names = append(names, asn1.RawValue{Class: asn1.ClassContextSpecific, Tag: dnsTag, Bytes: []byte(name)})
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour),
		ExtraExtensions: []pkix.Extension{{Id: subjectAlternativeName, Value: must(asn1.Marshal(names))}},
	}
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	return must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))))
}

func TestAProxyReportsTheCertificateAndTheAddressOfTheClient(t *testing.T) {
	proxy := must(NewTrustedProxy([]string{"10.1.0.0/16", "127.0.0.1"}, "X-Forwarded-For"))
	headers := map[string][]string{
		CertificateHeader: {`By=spiffe://td/proxy;Hash=abc;Subject="CN=a,O=\"b\"";URI=spiffe://td/cart;DNS=cart`},
		"x-forwarded-for": {"1.1.1.1, 9.9.9.9", "10.1.0.7"},
	}

	peer := proxy.peer(headers)

	if !slices.Equal(peer.SPIFFEIDs, []string{"spiffe://td/cart"}) || peer.SourceIP != "9.9.9.9" || peer.DNSNames[0] != "cart" {
		t.Errorf("got %+v", peer)
	}
	for _, sent := range [][]string{
		{"URI=spiffe://td/a,URI=spiffe://td/b"}, {"URI=spiffe://td/a", "URI=spiffe://td/a"}, {"URI"}, {strings.Repeat("a", maxHeader+1)},
		{`URI="spiffe://td/a`}, {"URI=spiffe://td/a;;"},
	} {
		if found := proxy.peer(map[string][]string{CertificateHeader: sent}); len(found.SPIFFEIDs) != 0 {
			t.Errorf("%.40q: got %+v", sent, found)
		}
	}
	for address, want := range map[string]bool{"10.1.2.3": true, "127.0.0.1": true, "10.2.0.0": false, "127.0.0.2": false, "": false} {
		if proxy.isProxy(address) != want {
			t.Errorf("isProxy(%q) = %v", address, !want)
		}
	}
	for network, message := range map[string]string{"0.0.0.0/0": "trusts every peer", "::/0": "trusts every peer", "10.0.0.1/8": "is no network", "x": "is no network"} {
		if _, err := NewTrustedProxy([]string{network}, ""); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: got %v", network, err)
		}
	}
	if _, err := NewTrustedProxy(nil, ""); err == nil {
		t.Error("a proxy has a network")
	}
}
