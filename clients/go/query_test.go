package rolecall

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func TestANameThatIsNoProviderIsAPrincipal(t *testing.T) {
	for _, who := range []string{
		"acs:ram::1:user/alice", "acs:ram::1:role/r/session", "acs:sts::1:assumed-role/r/session", "acs:ram::1:root", "ecs.aliyuncs.com",
		"1@orders.internal", "nonsense",
	} {
		query, err := Query(who, "r")

		if err != nil || query.GetPrincipal() != who || query.GetRole() != "r" {
			t.Errorf("got %v, %v", query, err)
		}
	}
}

func TestAProvidersARNIsAFederatedIdentity(t *testing.T) {
	for _, kind := range []string{"saml", "oidc"} {
		provider := "acs:ram::1:" + kind + "-provider/p"

		query, err := Query(provider, "r", Claims(Values{"k": {"a", "b"}}))

		if err != nil || query.GetFederated().GetProviderArn() != provider ||
			len(query.GetFederated().GetClaims()["k"].GetValues()) != 2 {
			t.Errorf("got %v, %v", query, err)
		}
	}
}

func TestAServiceAccountComesThroughTheProviderOfTheRolesAccount(t *testing.T) {
	for role, account := range map[string]string{"acs:ram::7:role/r": "9", "7/r": "", "r": "7", "prod/r": "7"} {
		query, err := Query("k8s:ack/payments/api", role, Claims(Values{"oidc:aud": {"x"}}), RoleAccount(account))

		claims := query.GetFederated().GetClaims()
		if err != nil || query.GetFederated().GetProviderArn() != "acs:ram::7:oidc-provider/ack" ||
			claims["oidc:sub"].GetValues()[0] != "system:serviceaccount:payments:api" || claims["oidc:aud"].GetValues()[0] != "x" {
			t.Errorf("got %v, %v", query, err)
		}
	}
}

func TestATokenIsForTheServerToVerify(t *testing.T) {
	query, err := Query("acs:ram::1:oidc-provider/p", "r", OIDCToken("t"))

	want := &rolecallv1.OidcIdentity{ProviderArn: "acs:ram::1:oidc-provider/p", Token: "t"}
	if err != nil || !proto.Equal(query.GetOidc(), want) {
		t.Fatalf("got %v, %v", query, err)
	}
}

func TestContradictingPartsOfAQueryAreRefused(t *testing.T) {
	claim := Claims(Values{"oidc:sub": {"x"}})
	for _, test := range []struct {
		who, role string
		options   []QueryOption
		message   string
	}{
		{"k8s:ack/payments/api", "r", nil, "needs the account of the role"},
		{"k8s:ack/payments/api", "prod/r", nil, "needs the account of the role"},
		{"k8s:ack/payments", "7/r", nil, "is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`"},
		{"k8s:ack/payments/api/x", "7/r", nil, "is not of the form `k8s:PROVIDER/NAMESPACE/SERVICEACCOUNT`"},
		{"k8s:ack/payments/api", "7/r", []QueryOption{claim}, "leave the claim out"},
		{"acs:ram::1:user/alice", "7/r", []QueryOption{claim}, "claims come with an identity provider"},
		{"acs:ram::1:saml-provider/p", "7/r", []QueryOption{OIDCToken("t")}, "a token comes with an OIDC provider"},
		{"acs:ram::1:oidc-provider/p", "7/r", []QueryOption{OIDCToken("t"), claim}, "are in the token; give either"},
	} {
		query, err := Query(test.who, test.role, test.options...)

		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("got %v, %v; want %q", query, err, test.message)
		}
	}
}

func TestEveryOtherPartOfAQueryIsSet(t *testing.T) {
	query, err := Query("ecs.aliyuncs.com", "r", Context("acs:SourceIp", "10.0.0.1"), ContextOf(Values{"k": {"a", "b"}}),
		SessionDuration(15*time.Minute), SessionName("s"), ExternalID("e"), SourceIdentity("i"))

	want := &rolecallv1.AssumeRoleQuery{
		Identity: &rolecallv1.AssumeRoleQuery_Principal{Principal: "ecs.aliyuncs.com"},
		Role:     "r",
		Context: map[string]*rolecallv1.ConditionValues{
			"acs:SourceIp": {Values: []string{"10.0.0.1"}}, "k": {Values: []string{"a", "b"}},
		},
		DurationSeconds: 900, RoleSessionName: "s", ExternalId: "e", SourceIdentity: "i",
	}
	if err != nil || !proto.Equal(query, want) {
		t.Fatalf("got %v, %v", query, err)
	}
}

func TestAReverseQueryHasEveryPartOfItsQuery(t *testing.T) {
	for _, identity := range []QueryOption{Claims(Values{"k": {"v"}}), OIDCToken("t")} {
		query, err := Query("acs:ram::1:oidc-provider/p", "", identity, Context("key", "v"), SessionDuration(time.Hour),
			SessionName("s"), ExternalID("e"), SourceIdentity("i"))
		if err != nil {
			t.Fatal(err)
		}

		request := assumableRolesRequest(query, "7")

		if !proto.Equal(request.GetFederated(), query.GetFederated()) || !proto.Equal(request.GetOidc(), query.GetOidc()) ||
			request.GetContext()["key"] == nil || request.GetDurationSeconds() != 3_600 || request.GetRoleSessionName() != "s" ||
			request.GetExternalId() != "e" || request.GetSourceIdentity() != "i" || request.GetAccountId() != "7" {
			t.Errorf("got %v", request)
		}
	}
}
