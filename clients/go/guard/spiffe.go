package guard

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	// MaxPatterns is the most SPIFFE patterns of a map.
	MaxPatterns = 1_000

	maxSPIFFEID = 2_048
	maxDNSName  = 253
	anySegment  = "*"
)

var (
	spiffeID = regexp.MustCompile(`^spiffe://[a-z0-9._-]{1,255}(?:/[A-Za-z0-9._-]+)*$`)
	dnsName  = regexp.MustCompile(`^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$`)
)

// The one name in a client certificate, by the rules of SPIFFE X509-SVID, as the server recognises its own clients:
//
//  1. Its only SPIFFE id, beside any DNS names and any other URIs. Several SPIFFE ids, or a malformed one, are no name.
//  2. Without a SPIFFE id, its only DNS name, in lower case. Several DNS names, or one with a wildcard, are no name.

func spiffeIDOf(peer Peer) (string, error) {
	if count := len(peer.SPIFFEIDs); count != 1 {
		return "", unknownCaller("the certificate has %s SPIFFE ids, not one", number(count))
	}
	if !isSPIFFEID(peer.SPIFFEIDs[0]) {
		return "", unknownCaller("the SPIFFE id of the certificate is malformed")
	}
	return peer.SPIFFEIDs[0], nil
}

func dnsNameOf(peer Peer) (string, error) {
	if len(peer.SPIFFEIDs) > 0 {
		return "", unknownCaller("the certificate has a SPIFFE id, so its DNS names do not count")
	}
	var names []string
	for _, name := range peer.DNSNames {
		names = append(names, strings.ToLower(name))
	}
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	if len(names) != 1 {
		return "", unknownCaller("the certificate has %s DNS names, not one", number(len(names)))
	}
	if len(names[0]) > maxDNSName || !dnsName.MatchString(names[0]) {
		return "", unknownCaller("the DNS name of the certificate has a wildcard or is malformed")
	}
	return names[0], nil
}

func isSPIFFEID(text string) bool {
	if len(text) > maxSPIFFEID || !spiffeID.MatchString(text) {
		return false
	}
	segments := strings.Split(text, "/")[3:]
	return !slices.Contains(segments, ".") && !slices.Contains(segments, "..")
}

// serviceAccountOf returns the namespace and the name of the service account that an id names.
func serviceAccountOf(id, trustDomain string) (namespace, name string, err error) {
	parts := strings.Split(strings.TrimPrefix(id, "spiffe://"), "/")
	if len(parts) == 5 && parts[0] == trustDomain && parts[1] == "ns" && parts[3] == "sa" {
		return parts[2], parts[4], nil
	}
	return "", "", unknownCaller("`%s` is not of the form `spiffe://%s/ns/NAMESPACE/sa/NAME`", id, trustDomain)
}

// spiffePatterns finds the principals of a valid SPIFFE id. In a pattern `*` stands for one whole segment of the path.
type spiffePatterns struct {
	exact    map[string]string
	patterns []spiffePattern
}

type spiffePattern struct {
	segments  []string
	principal string
}

func newSPIFFEPatterns(principals map[string]string) (*spiffePatterns, error) {
	found := &spiffePatterns{exact: map[string]string{}}
	for _, id := range slices.Sorted(maps.Keys(principals)) {
		if err := requirePattern(id); err != nil {
			return nil, err
		}
		if strings.Contains(id, anySegment) {
			found.patterns = append(found.patterns, spiffePattern{strings.Split(id, "/"), principals[id]})
		} else {
			found.exact[id] = principals[id]
		}
	}
	if count := len(found.patterns); count > MaxPatterns {
		return nil, fmt.Errorf("the map has %d patterns; the limit is %d", count, MaxPatterns)
	}
	return found, nil
}

// find returns the principals that an id stands for: that of its own entry, or else those of all patterns that match.
func (s *spiffePatterns) find(id string) []string {
	if principal, known := s.exact[id]; known {
		return []string{principal}
	}
	segments := strings.Split(id, "/")
	var found []string
	for _, pattern := range s.patterns {
		if pattern.matches(segments) && !slices.Contains(found, pattern.principal) {
			found = append(found, pattern.principal)
		}
	}
	return found
}

func (p spiffePattern) matches(segments []string) bool {
	return slices.EqualFunc(p.segments, segments, func(expected, segment string) bool {
		return expected == anySegment || expected == segment
	})
}

func requirePattern(text string) error {
	segments := strings.Split(text, "/")
	for i := 3; i < len(segments); i++ {
		if segments[i] == anySegment {
			segments[i] = "x"
		}
	}
	if !isSPIFFEID(strings.Join(segments, "/")) {
		return fmt.Errorf(
			"`%s` is no SPIFFE id; write `spiffe://TRUST_DOMAIN/PATH`, with `*` for whole segments of the path alone", text)
	}
	return nil
}

func number(count int) string {
	if count == 0 {
		return "no"
	}
	return fmt.Sprint(count)
}
