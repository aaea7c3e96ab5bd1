package guard

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	rolecall "github.com/rolecall/rolecall/clients/go"
)

// MaxTokenBytes is the most that the token of a caller may have.
const MaxTokenBytes = 8_192

var (
	principalText = regexp.MustCompile(
		`^(?:acs:(?:ram|sts)::[0-9]{1,20}:[^\s:]+|[0-9]{1,20}@[a-z0-9.-]+|[a-z0-9.-]+\.aliyuncs\.com|k8s:[^/\s]+/[^/\s]+/[^/\s]+)$`)
	oidcProvider = regexp.MustCompile(`^acs:ram::[0-9]{1,20}:oidc-provider/[^/\s]+$`)
	tokenText    = regexp.MustCompile(`^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$`)
	trustDomain  = regexp.MustCompile(`^[a-z0-9._-]{1,255}$`)
	providerName = regexp.MustCompile(`^[^/\s:]+$`)
)

// A Caller is who a query asks for, in the spelling of rolecall.Query: As, and its Token or Claims if it has any. AccountID is the account
// of a role whose name has none.
type Caller struct {
	As        string
	Token     string
	Claims    rolecall.Values
	AccountID string
}

// An Identifier says who calls. It returns an *UnknownCallerError unless the call names exactly one caller; after any other error the call
// is not decided, and does not pass either.
type Identifier interface {
	Identify(peer Peer) (Caller, error)
}

// An IdentifierFunc is a function that is an Identifier.
type IdentifierFunc func(peer Peer) (Caller, error)

// Identify calls the function.
func (f IdentifierFunc) Identify(peer Peer) (Caller, error) { return f(peer) }

type spiffePrincipals struct {
	patterns *spiffePatterns
	accounts bool
}

// SPIFFEPrincipals returns callers by the SPIFFE id of their certificate: {"spiffe://prod.example/ns/shop/sa/cart":
// "acs:ram::ID:user/cart"}.
//
// In a pattern * stands for one whole segment of the path. An id that is listed counts before a pattern; an id that matches patterns of
// different principals names no caller.
func SPIFFEPrincipals(principals map[string]string) (Identifier, error) {
	if err := requirePrincipals(principals); err != nil {
		return nil, err
	}
	patterns, err := newSPIFFEPatterns(principals)
	if err != nil {
		return nil, err
	}
	return &spiffePrincipals{patterns, haveServiceAccount(principals)}, nil
}

func (s *spiffePrincipals) Identify(peer Peer) (Caller, error) {
	id, err := spiffeIDOf(peer)
	if err != nil {
		return Caller{}, err
	}
	switch found := s.patterns.find(id); len(found) {
	case 0:
		return Caller{}, unknownCaller("the certificate has `%s`, which stands for no principal; add it to the map", id)
	case 1:
		return Caller{As: found[0]}, nil
	default:
		return Caller{}, unknownCaller("the certificate has `%s`, which stands for %d principals", id, len(found))
	}
}

func (s *spiffePrincipals) needsAccount() bool { return s.accounts }

// SPIFFEServiceAccounts are callers that are service accounts of Kubernetes: spiffe://TRUST_DOMAIN/ns/NAMESPACE/sa/NAME is
// k8s:PROVIDER/NAMESPACE/NAME.
//
// The provider is that of the role's account; AccountID is the account of roles whose names have none. Claims are those that every
// service account has, such as oidc:iss; the guard asserts them, so its own client needs the right to.
type SPIFFEServiceAccounts struct {
	TrustDomain string
	Provider    string
	AccountID   string
	Claims      rolecall.Values
}

// Identify returns the service account that the certificate names.
func (s SPIFFEServiceAccounts) Identify(peer Peer) (Caller, error) {
	id, err := spiffeIDOf(peer)
	if err != nil {
		return Caller{}, err
	}
	namespace, name, err := serviceAccountOf(id, s.TrustDomain)
	if err != nil {
		return Caller{}, err
	}
	as := fmt.Sprintf("k8s:%s/%s/%s", s.Provider, namespace, name)
	return Caller{As: as, Claims: s.Claims, AccountID: s.AccountID}, nil
}

func (s SPIFFEServiceAccounts) needsAccount() bool { return s.AccountID == "" }

func (s SPIFFEServiceAccounts) validate() error {
	if !trustDomain.MatchString(s.TrustDomain) {
		return fmt.Errorf("`%s` is no trust domain; write it as in `spiffe://TRUST_DOMAIN/...`", s.TrustDomain)
	}
	if !providerName.MatchString(s.Provider) {
		return fmt.Errorf("`%s` is not the name of a provider; write the last part of its ARN", s.Provider)
	}
	return nil
}

type dnsPrincipals struct {
	principals map[string]string
	accounts   bool
}

// DNSPrincipals returns callers by the only DNS name of their certificate: {"cart.shop.internal": "acs:ram::ID:user/cart"}, without
// wildcards. A certificate with a SPIFFE id is not looked at further, and names no caller here.
func DNSPrincipals(principals map[string]string) (Identifier, error) {
	if err := requirePrincipals(principals); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(principals)) {
		if !dnsName.MatchString(name) {
			return nil, fmt.Errorf("`%s` is no DNS name; write it in lower case and without wildcards", name)
		}
	}
	return &dnsPrincipals{maps.Clone(principals), haveServiceAccount(principals)}, nil
}

func (d *dnsPrincipals) Identify(peer Peer) (Caller, error) {
	name, err := dnsNameOf(peer)
	if err != nil {
		return Caller{}, err
	}
	as, known := d.principals[name]
	if !known {
		return Caller{}, unknownCaller("the certificate has `%s`, which stands for no principal; add it to the map", name)
	}
	return Caller{As: as}, nil
}

func (d *dnsPrincipals) needsAccount() bool { return d.accounts }

// OIDCBearer are callers by the token that they send, once, as `authorization: Bearer TOKEN`. The server verifies it, not the guard.
// ProviderARN is acs:ram::ACCOUNT:oidc-provider/NAME, a provider whose keys the server has.
type OIDCBearer struct{ ProviderARN string }

// Identify returns the token, for the server to verify.
func (o OIDCBearer) Identify(peer Peer) (Caller, error) {
	sent := peer.Headers["authorization"]
	scheme, token := "", ""
	if len(sent) == 1 {
		scheme, token, _ = strings.Cut(sent[0], " ")
	}
	if !strings.EqualFold(scheme, "bearer") || len(token) > MaxTokenBytes || !tokenText.MatchString(token) {
		return Caller{}, unknownCaller("the call has %d `authorization`, not one of the form `Bearer TOKEN`", len(sent))
	}
	return Caller{As: o.ProviderARN, Token: token}, nil
}

func (o OIDCBearer) validate() error {
	if !oidcProvider.MatchString(o.ProviderARN) {
		return fmt.Errorf("`%s` is no OIDC provider; write `acs:ram::ACCOUNT:oidc-provider/NAME`", o.ProviderARN)
	}
	return nil
}

func (o OIDCBearer) challenge() string { return "Bearer" }

func requirePrincipals(principals map[string]string) error {
	if len(principals) == 0 {
		return errors.New("the map names no caller")
	}
	for _, name := range slices.Sorted(maps.Keys(principals)) {
		if !principalText.MatchString(principals[name]) {
			return fmt.Errorf(
				"`%s` is no principal; write `acs:ram::ACCOUNT:user/NAME`, `ACCOUNT@SERVICE` or `k8s:PROVIDER/NAMESPACE/NAME`",
				principals[name])
		}
	}
	return nil
}

// haveServiceAccount returns whether a principal belongs to the provider of the role's account, so that the role needs its account.
func haveServiceAccount(principals map[string]string) bool {
	for _, as := range principals {
		if strings.HasPrefix(as, "k8s:") {
			return true
		}
	}
	return false
}
