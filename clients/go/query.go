package rolecall

import (
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// Values are condition keys, or claims, and their values.
type Values map[string][]string

const (
	kubernetesPrefix = "k8s:"
	subjectClaim     = "oidc:sub"
)

var (
	roleARN        = regexp.MustCompile(`^acs:ram::([0-9]{1,20}):role/.*$`)
	accountAndName = regexp.MustCompile(`^([0-9]{1,20})/.*$`)
	providerARN    = regexp.MustCompile(`(?s)^acs:ram::[^:]*:(?:saml|oidc)-provider/.*$`)
	oidcProvider   = regexp.MustCompile(`(?s)^acs:ram::[^:]*:oidc-provider/.*$`)
	serviceAccount = regexp.MustCompile(`^k8s:([^/]+)/([^/]+)/([^/]+)$`)
)

// A QueryOption adds something to a query.
type QueryOption func(*queryParts)

type queryParts struct {
	message *rolecallv1.AssumeRoleQuery
	claims  Values
	token   string
	account string
}

// Claims are what the identity provider says about the identity.
func Claims(claims Values) QueryOption { return func(q *queryParts) { q.claims = claims } }

// OIDCToken is a token of the OIDC provider, which the server verifies. The claims are in it.
func OIDCToken(token string) QueryOption { return func(q *queryParts) { q.token = token } }

// Context adds the values of one condition key.
func Context(key string, values ...string) QueryOption {
	return func(q *queryParts) { q.message.Context[key] = &rolecallv1.ConditionValues{Values: values} }
}

// ContextOf adds condition keys.
func ContextOf(values Values) QueryOption {
	return func(q *queryParts) { maps.Copy(q.message.Context, conditionValues(values)) }
}

// SessionDuration is the requested duration, in whole seconds.
func SessionDuration(duration time.Duration) QueryOption {
	return func(q *queryParts) { q.message.DurationSeconds = int32(duration / time.Second) }
}

// SessionName is the requested name of the session.
func SessionName(name string) QueryOption {
	return func(q *queryParts) { q.message.RoleSessionName = name }
}

// ExternalID is the external id.
func ExternalID(id string) QueryOption { return func(q *queryParts) { q.message.ExternalId = id } }

// SourceIdentity is the source identity.
func SourceIdentity(identity string) QueryOption {
	return func(q *queryParts) { q.message.SourceIdentity = identity }
}

// RoleAccount is the account of the role, if its name does not contain it. A service account (k8s:) needs it.
func RoleAccount(id string) QueryOption { return func(q *queryParts) { q.account = id } }

// Query returns a query: may `as` assume `role`? It returns an error if the arguments contradict each other.
//
// `as` is a principal (acs:ram::ID:user/NAME, a role session, ID@SERVICE, ...), the ARN of an identity provider, with Claims, or
// k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT, a service account that comes through the OIDC provider of the role's account. With
// OIDCToken, a token of the OIDC provider `as`, the server verifies who it is. WhatCan takes a query without a role.
func Query(as, role string, options ...QueryOption) (*rolecallv1.AssumeRoleQuery, error) {
	message := &rolecallv1.AssumeRoleQuery{Role: role, Context: map[string]*rolecallv1.ConditionValues{}}
	parts := &queryParts{message: message}
	for _, option := range options {
		option(parts)
	}
	if err := parts.identify(as); err != nil {
		return nil, err
	}
	return message, nil
}

func (q *queryParts) identify(as string) error {
	switch {
	case q.token != "":
		return q.withToken(as)
	case strings.HasPrefix(as, kubernetesPrefix):
		return q.asServiceAccount(as)
	case providerARN.MatchString(as):
		q.asFederated(as, q.claims)
		return nil
	case len(q.claims) > 0:
		return fmt.Errorf("claims come with an identity provider, and `%s` is not one; use the ARN of the provider", as)
	}
	q.message.Identity = &rolecallv1.AssumeRoleQuery_Principal{Principal: as}
	return nil
}

func (q *queryParts) withToken(as string) error {
	if !oidcProvider.MatchString(as) {
		return fmt.Errorf("a token comes with an OIDC provider, and `%s` is not the ARN of one", as)
	}
	if len(q.claims) > 0 {
		return fmt.Errorf("the claims of `%s` are in the token; give either", as)
	}
	identity := &rolecallv1.OidcIdentity{ProviderArn: as, Token: q.token}
	q.message.Identity = &rolecallv1.AssumeRoleQuery_Oidc{Oidc: identity}
	return nil
}

func (q *queryParts) asServiceAccount(as string) error {
	parts := serviceAccount.FindStringSubmatch(as)
	if parts == nil {
		return fmt.Errorf("`%s` is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`", as)
	}
	account := AccountOf(q.message.GetRole())
	if account == "" {
		account = q.account
	}
	if account == "" {
		return fmt.Errorf("`%s` needs the account of the role; write the role as ACCOUNT/NAME or as an ARN", as)
	}
	if _, given := q.claims[subjectClaim]; given {
		return fmt.Errorf("`%s` already determines `%s`; leave the claim out", as, subjectClaim)
	}
	claims := Values{subjectClaim: {fmt.Sprintf("system:serviceaccount:%s:%s", parts[2], parts[3])}}
	maps.Copy(claims, q.claims)
	q.asFederated(fmt.Sprintf("acs:ram::%s:oidc-provider/%s", account, parts[1]), claims)
	return nil
}

func (q *queryParts) asFederated(provider string, claims Values) {
	identity := &rolecallv1.FederatedIdentity{ProviderArn: provider, Claims: conditionValues(claims)}
	q.message.Identity = &rolecallv1.AssumeRoleQuery_Federated{Federated: identity}
}

// AccountOf returns the account id that the name of a role contains, or an empty string.
func AccountOf(role string) string {
	for _, pattern := range []*regexp.Regexp{roleARN, accountAndName} {
		if parts := pattern.FindStringSubmatch(role); parts != nil {
			return parts[1]
		}
	}
	return ""
}

func conditionValues(values Values) map[string]*rolecallv1.ConditionValues {
	messages := make(map[string]*rolecallv1.ConditionValues, len(values))
	for key, some := range values {
		messages[key] = &rolecallv1.ConditionValues{Values: some}
	}
	return messages
}
