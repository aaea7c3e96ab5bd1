package guard

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
)

// CertificateHeader is where a proxy such as Envoy reports the certificate of the client.
const CertificateHeader = "x-forwarded-client-cert"

const maxHeader = 8_192

var certificatePair = regexp.MustCompile(`^([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;=]*)(;|$)`)

// A TrustedProxy is a proxy that ends TLS, such as Envoy, in front of a service.
//
// It reports the client's certificate in the header x-forwarded-client-cert, in Envoy's format, and must remove what clients send under
// that name (forward_client_cert_details: SANITIZE_SET). A request with several certificates, or several such headers, names no
// caller. The header counts only in requests that come from the networks of the proxy.
type TrustedProxy struct {
	networks      []netip.Prefix
	addressHeader string
}

// NewTrustedProxy returns the proxy at some networks (10.1.0.0/16, 127.0.0.1). With addressHeader (x-forwarded-for) it also reports the
// address of the client: the last one there that is not of a proxy. Without it the address of the client is not known.
func NewTrustedProxy(networks []string, addressHeader string) (*TrustedProxy, error) {
	if len(networks) == 0 {
		return nil, errors.New("a proxy has at least one network")
	}
	p := &TrustedProxy{addressHeader: strings.ToLower(addressHeader)}
	for _, text := range networks {
		network, err := networkOf(text)
		if err != nil {
			return nil, fmt.Errorf("`%s` is no network; write an IP address or ADDRESS/BITS", text)
		}
		if network.Bits() == 0 {
			return nil, fmt.Errorf("`%s` trusts every peer; name the addresses of the proxy", text)
		}
		p.networks = append(p.networks, network)
	}
	return p, nil
}

func networkOf(text string) (netip.Prefix, error) {
	if strings.Contains(text, "/") {
		network, err := netip.ParsePrefix(text)
		if err == nil && network.Masked() != network {
			err = errors.New("the address has bits beside the network")
		}
		return network, err
	}
	address, err := netip.ParseAddr(text)
	if err != nil {
		return netip.Prefix{}, err
	}
	return address.Prefix(address.BitLen())
}

// isProxy returns whether a peer with this address is the proxy.
func (p *TrustedProxy) isProxy(address string) bool {
	parsed, err := netip.ParseAddr(address)
	if err != nil {
		return false
	}
	for _, network := range p.networks {
		if network.Contains(parsed) {
			return true
		}
	}
	return false
}

// peer returns the client behind the proxy. What cannot be read names nobody.
func (p *TrustedProxy) peer(headers map[string][]string) Peer {
	uris, dnsNames, err := certificateNames(headers[CertificateHeader])
	if err != nil {
		return Peer{}
	}
	peer := Peer{DNSNames: dnsNames, Headers: headers, SourceIP: p.client(headers)}
	for _, uri := range uris {
		if isMeantAsSPIFFE(uri) {
			peer.SPIFFEIDs = append(peer.SPIFFEIDs, uri)
		}
	}
	return peer
}

func (p *TrustedProxy) client(headers map[string][]string) string {
	if p.addressHeader == "" {
		return ""
	}
	hops := strings.Split(strings.Join(headers[p.addressHeader], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		address := plainAddress(strings.TrimSpace(hops[i]))
		if address == "" || !p.isProxy(address) {
			return address
		}
	}
	return ""
}

// certificateNames reads NAME=value, separated by semicolons, and returns the values of URI and DNS. Several certificates, or one that
// cannot be read, are an error.
func certificateNames(values []string) (uris, dnsNames []string, err error) {
	if len(values) == 0 {
		return nil, nil, nil
	}
	if len(values) > 1 || len(values[0]) > maxHeader {
		return nil, nil, unknownCaller("the proxy sent %d headers with a certificate, or a long one", len(values))
	}
	for text := values[0]; text != ""; {
		pair := certificatePair.FindStringSubmatch(text)
		if pair == nil { // also a comma: a second certificate
			return nil, nil, unknownCaller("the proxy's header with the certificate cannot be read")
		}
		value := strings.Trim(pair[2], `"`)
		switch strings.ToLower(pair[1]) {
		case "uri":
			uris = append(uris, value)
		case "dns":
			dnsNames = append(dnsNames, value)
		}
		text = text[len(pair[0]):]
	}
	return uris, dnsNames, nil
}
