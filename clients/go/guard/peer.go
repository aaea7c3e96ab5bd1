package guard

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

const spiffeScheme = "spiffe:"

// A Peer is what is known of the peer of a call. SPIFFEIDs are the URIs of its certificate that begin with spiffe:, valid or not.
// SourceIP is empty where it is not known. Nothing here comes from a header, except Headers and, where a proxy is trusted, what it
// reports.
type Peer struct {
	SPIFFEIDs []string
	DNSNames  []string
	SourceIP  string
	// Headers are the metadata of the call or the headers of the request, with names in lower case. Tokens are in them.
	Headers map[string][]string
}

// An UnknownCallerError means that a call does not name exactly one caller. The message is for the log; the caller must not see it.
type UnknownCallerError struct{ Message string }

// Error returns the message.
func (e *UnknownCallerError) Error() string { return e.Message }

func unknownCaller(format string, values ...any) error {
	return &UnknownCallerError{fmt.Sprintf(format, values...)}
}

var subjectAlternativeName = asn1.ObjectIdentifier{2, 5, 29, 17}

const (
	dnsTag = 2
	uriTag = 6
)

// namesIn returns the SPIFFE ids and the DNS names in a certificate, exactly as they are written: x509 changes URIs when it parses them
// (the case of the scheme, for example), and an id that is malformed must be seen as such.
func namesIn(certificate *x509.Certificate) (spiffeIDs, dnsNames []string) {
	for _, extension := range certificate.Extensions {
		if !extension.Id.Equal(subjectAlternativeName) {
			continue
		}
		var names asn1.RawValue
		if rest, err := asn1.Unmarshal(extension.Value, &names); err != nil || len(rest) > 0 {
			return nil, nil
		}
		for rest := names.Bytes; len(rest) > 0; {
			var name asn1.RawValue
			var err error
			if rest, err = asn1.Unmarshal(rest, &name); err != nil {
				return nil, nil
			}
			switch text := string(name.Bytes); {
			case name.Class == asn1.ClassContextSpecific && name.Tag == dnsTag:
				dnsNames = append(dnsNames, text)
			case name.Class == asn1.ClassContextSpecific && name.Tag == uriTag && isMeantAsSPIFFE(text):
				spiffeIDs = append(spiffeIDs, text)
			}
		}
	}
	return spiffeIDs, dnsNames
}

// isMeantAsSPIFFE returns whether a URI is meant as a SPIFFE id, also if it is malformed: with a malformed one a certificate names nobody,
// and its DNS name does not count.
func isMeantAsSPIFFE(uri string) bool {
	return len(uri) >= len(spiffeScheme) && strings.EqualFold(uri[:len(spiffeScheme)], spiffeScheme)
}

// plainAddress returns an IP address as it is compared, IPv4 as IPv4; empty text if host is none.
func plainAddress(host string) string {
	host, _, _ = strings.Cut(host, "%")
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	return address.Unmap().String()
}

// lowered returns headers with names in lower case.
func lowered(headers map[string][]string) map[string][]string {
	found := make(map[string][]string, len(headers))
	for name, values := range headers {
		name = strings.ToLower(name)
		found[name] = slices.Concat(found[name], values)
	}
	return found
}
