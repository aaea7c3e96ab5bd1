package guard

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"

	rolecall "github.com/rolecall/rolecall/clients/go"
	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

var roles = must(NewRoleMap(map[string]string{"/a/Allowed": "allowed", "/a/Denied": "other"}, []string{"/a/Public"}))

// outcome returns what a guard found about the last call.
func outcome(t *testing.T, guarded *Guard, method string) *Decision {
	t.Helper()
	return guarded.Refusal(t.Context(), method, Peer{SourceIP: "10.0.0.1"})
}

func TestACallPassesOnlyIfItsCallerMayAssumeTheRole(t *testing.T) {
	service := &fake.Service{Name: "d-1"}
	guarded := must(New(clientOf(t, service), roles, asCart))

	if refused := outcome(t, guarded, "/a/Allowed"); refused != nil {
		t.Errorf("got %+v", refused)
	}
	if refused := outcome(t, guarded, "/a/Public"); refused != nil || service.Calls.Load() != 1 {
		t.Errorf("got %+v after %d queries", refused, service.Calls.Load())
	}
	want := Decision{
		Outcome: Denied, Method: "/a/Denied", Pattern: "/a/Denied", Role: "other", Caller: cart, DecisionID: "d-1", Reason: "IMPLICIT_DENY",
	}
	if refused := outcome(t, guarded, "/a/Denied"); refused == nil || *refused != want {
		t.Errorf("got %+v", refused)
	}
	if refused := outcome(t, guarded, "/a/Other"); refused == nil || refused.Outcome != Closed {
		t.Errorf("got %+v", refused)
	}
	counts := guarded.Counts()
	if counts[Count{"allowed", Allowed}] != 1 || counts[Count{"other", Denied}] != 1 || counts[Count{"", Closed}] != 1 || counts[Count{"", Public}] != 1 {
		t.Errorf("got %v", counts)
	}
}

func TestTheQueryHasTheAddressOfThePeerAndFurtherConditionKeys(t *testing.T) {
	var asked *rolecallv1.AssumeRoleQuery
	client := answers(func(_ context.Context, query *rolecallv1.AssumeRoleQuery) (*rolecallv1.CheckAssumeRoleResponse, error) {
		asked = query
		return &rolecallv1.CheckAssumeRoleResponse{Decision: &rolecallv1.Decision{Allowed: true}}, nil
	})
	further := WithContext(func(method string, _ Peer) (rolecall.Values, error) { return rolecall.Values{"key": {method}}, nil })
	guarded := must(New(client, roles, asCart, further))

	refused := outcome(t, guarded, "/a/Allowed")

	values := asked.GetContext()
	if refused != nil || asked.GetPrincipal() != cart || asked.GetRole() != "allowed" ||
		values[sourceIP].GetValues()[0] != "10.0.0.1" || values["key"].GetValues()[0] != "/a/Allowed" {
		t.Fatalf("got %+v and %v", refused, asked)
	}
}

func TestWhateverFailsTheCallDoesNotPass(t *testing.T) {
	broken := errors.New("broken")
	failing := func(err error) answers {
		return func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.CheckAssumeRoleResponse, error) {
			return nil, err
		}
	}
	refusedToken := &rolecall.Error{Code: codes.InvalidArgument, Violations: []rolecall.Violation{{Reason: invalidToken}}}
	for name, test := range map[string]struct {
		client   answers
		identify IdentifierFunc
		context  func(string, Peer) (rolecall.Values, error)
		outcome  Outcome
		reason   string
	}{
		"unavailable":   {failing(&rolecall.Error{Code: codes.Unavailable}), nil, nil, Undecided, "UNAVAILABLE"},
		"refused query": {failing(&rolecall.Error{Code: codes.InvalidArgument, Reason: "INVALID_ROLE"}), nil, nil, Undecided, "INVALID_ROLE"},
		"access denied": {failing(&rolecall.Error{Code: codes.PermissionDenied}), nil, nil, Undecided, "PERMISSION_DENIED"},
		"refused token": {failing(refusedToken), nil, nil, UnknownCaller, "INVALID_ARGUMENT"},
		"other error":   {failing(broken), nil, nil, Undecided, "ERROR"},
		"no answer":     {failing(nil), nil, nil, Denied, "UNSPECIFIED"},
		"unknown":       {nil, func(Peer) (Caller, error) { return Caller{}, unknownCaller("nobody") }, nil, UnknownCaller, ""},
		"identifier":    {nil, func(Peer) (Caller, error) { return Caller{}, broken }, nil, Undecided, "ERROR"},
		"contradiction": {nil, func(Peer) (Caller, error) { return Caller{As: "k8s:a/b/c"}, nil }, nil, Undecided, "ERROR"},
		"context":       {nil, nil, func(string, Peer) (rolecall.Values, error) { return nil, broken }, Undecided, "ERROR"},
	} {
		t.Run(name, func(t *testing.T) {
			if test.identify == nil {
				test.identify = asCart
			}
			guarded := must(New(test.client, roles, test.identify, WithContext(test.context)))

			refused := outcome(t, guarded, "/a/Allowed")

			if refused == nil || refused.Outcome != test.outcome || refused.Reason != test.reason {
				t.Fatalf("got %+v", refused)
			}
		})
	}
}

func TestAGuardWaitsNoLongerThanItsTimeoutOrItsCaller(t *testing.T) {
	silent := answers(func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.CheckAssumeRoleResponse, error) {
		<-ctx.Done()
		return nil, &rolecall.Error{Code: codes.DeadlineExceeded}
	})
	short := must(New(silent, roles, asCart, WithTimeout(20*time.Millisecond)))
	long := must(New(silent, roles, asCart, WithTimeout(MaxTimeout)))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()

	for _, refused := range []*Decision{short.Refusal(t.Context(), "/a/Allowed", Peer{}), long.Refusal(ctx, "/a/Allowed", Peer{})} {
		if refused == nil || refused.Outcome != Undecided || refused.Reason != "DEADLINE_EXCEEDED" {
			t.Errorf("got %+v", refused)
		}
	}
}

func TestAnObservingGuardDecidesBesideTheCallsAndLeavesOutWhatIsTooMuch(t *testing.T) {
	release := make(chan struct{})
	var asked atomic.Int64
	waiting := answers(func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.CheckAssumeRoleResponse, error) {
		asked.Add(1)
		<-release
		return &rolecallv1.CheckAssumeRoleResponse{Decision: &rolecallv1.Decision{}}, ctx.Err()
	})
	var lines log
	guarded := must(New(waiting, roles, asCart, WithMode(Observe), WithTimeout(MaxTimeout), WithLogger(lines.logger())))
	ctx, cancel := context.WithCancel(t.Context())

	for range MaxObserved + 5 {
		if refused := guarded.Refusal(ctx, "/a/Denied", Peer{}); refused != nil {
			t.Fatalf("got %+v", refused)
		}
	}
	cancel() // the calls have ended
	close(release)
	guarded.Close()
	after := guarded.Refusal(t.Context(), "/a/Denied", Peer{})

	counts := guarded.Counts()
	if after != nil || counts[Count{"other", NotObserved}] != 6 || counts[Count{"other", Denied}] != MaxObserved || asked.Load() != MaxObserved {
		t.Errorf("got %+v and %v", after, counts)
	}
	if !strings.Contains(lines.String(), `msg="would be refused" outcome=not_observed method=/a/Denied role=other`) {
		t.Errorf("got %s", lines.String())
	}
}

func TestInvalidGuardsAreRefused(t *testing.T) {
	client := answers(nil)
	accounts := SPIFFEServiceAccounts{TrustDomain: "td", Provider: "p"}
	for message, make := range map[string]func() (*Guard, error){
		"`audit` is no mode":          func() (*Guard, error) { return New(client, roles, asCart, WithMode("audit")) },
		"at most 1m0s":                func() (*Guard, error) { return New(client, roles, asCart, WithTimeout(0)) },
		"and not 1m1s":                func() (*Guard, error) { return New(client, roles, asCart, WithTimeout(61*time.Second)) },
		"one of them is nil":          func() (*Guard, error) { return New(client, nil, asCart) },
		"is no trust domain":          func() (*Guard, error) { return New(client, roles, SPIFFEServiceAccounts{}) },
		"`allowed` needs its account": func() (*Guard, error) { return New(client, roles, accounts) },
		"is no OIDC provider":         func() (*Guard, error) { return New(client, roles, OIDCBearer{}) },
	} {
		if guarded, err := make(); guarded != nil || err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("got %v; want %q", err, message)
		}
	}
}

func TestLinesOfTheLogAreLimitedAndCannotBeBroken(t *testing.T) {
	var lines log
	guarded := must(New(answers(nil), roles, asCart, WithLogger(lines.logger())))

	for i := range 50 {
		guarded.Refusal(t.Context(), fmt.Sprintf("/a/x\nlevel=ERROR%d%s", i, strings.Repeat("y", 1_000)), Peer{})
	}

	text := lines.String()
	if count := strings.Count(text, "\n"); count < linesPerSecond || count > 2*linesPerSecond {
		t.Errorf("%d lines", count)
	}
	if strings.Contains(text, "\nlevel=ERROR") || len(text) > 20*600 {
		t.Errorf("got %s", text)
	}
	limit := lineLimit{}
	for range linesPerSecond + 3 {
		limit.admit(time.Unix(1, 0))
	}
	if leftOut, admitted := limit.admit(time.Unix(2, 0)); leftOut != 3 || !admitted {
		t.Errorf("got %d, %v", leftOut, admitted)
	}
}

func TestATokenThatTheServerRefusesIsTheFaultOfTheCaller(t *testing.T) {
	service := &fake.Service{Answer: func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		violation := &errdetails.BadRequest_FieldViolation{Field: "oidc.token", Reason: invalidToken, Description: "it has expired"}
		return nil, fake.Fail(codes.InvalidArgument, invalidToken, "the token is invalid",
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{violation}})
	}}
	guarded := must(New(clientOf(t, service), roles, OIDCBearer{"acs:ram::1:oidc-provider/p"}))

	refused := guarded.Refusal(t.Context(), "/a/Allowed", Peer{Headers: map[string][]string{"authorization": {"Bearer a.b.c"}}})

	if refused == nil || refused.Outcome != UnknownCaller {
		t.Fatalf("got %+v", refused)
	}
}
