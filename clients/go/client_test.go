package rolecall

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func TestADenyIsAnAnswer(t *testing.T) {
	client := served(t, &fake.Service{})

	allowed, err := client.Check(t.Context(), asked("allowed"))
	if err != nil || !allowed.GetDecision().GetAllowed() {
		t.Fatalf("got %v, %v", allowed, err)
	}
	denied, err := client.Check(t.Context(), asked("other"))
	if err != nil || denied.GetDecision().GetAllowed() {
		t.Fatalf("got %v, %v", denied, err)
	}
}

func TestABatchIsAnsweredInOrderAndAMalformedQueryHasAnError(t *testing.T) {
	service := &fake.Service{Answer: func(_ context.Context, query *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		if query.GetRole() == "!" {
			return nil, fake.Fail(codes.InvalidArgument, "INVALID_ROLE", "`!` is no role")
		}
		return nil, nil
	}}
	client := served(t, service)

	answer, err := client.BatchCheck(t.Context(), []*rolecallv1.AssumeRoleQuery{asked("allowed"), asked("!"), asked("x")})

	if err != nil {
		t.Fatal(err)
	}
	results := answer.GetResults()
	failed := ErrorOfStatus(results[1].GetError())
	if !results[0].GetDecision().GetAllowed() || failed.Reason != "INVALID_ROLE" || results[2].GetDecision().GetAllowed() {
		t.Fatalf("got %v", results)
	}
	if ErrorOfStatus(results[0].GetError()) != nil {
		t.Fatal("a decision has no error")
	}
}

func TestAnErrorHasTheFactsOfItsStatus(t *testing.T) {
	service := &fake.Service{Answer: func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		return nil, fake.Fail(codes.InvalidArgument, "UNKNOWN_FIELD", "the policy breaks rules",
			&errdetails.BadRequest{FieldViolations: []*errdetails.BadRequest_FieldViolation{
				{Field: "document/Statement/0", Reason: "UNKNOWN_FIELD", Description: "`Efect` is unknown"},
				{Field: "role", Reason: "INVALID_ROLE", Description: "no role"},
			}},
			&rolecallv1.PolicyViolation{Pointer: "/Statement/0/Efect", Line: 3, Column: 7},
			&errdetails.RetryInfo{RetryDelay: durationpb.New(1500 * time.Millisecond)},
		)
	}}
	client := served(t, service)

	_, err := client.Check(t.Context(), asked("x"))

	var failed *Error
	if !errors.As(err, &failed) || !errors.Is(err, ErrInvalidArgument) || errors.Is(err, ErrNotFound) {
		t.Fatalf("got %v", err)
	}
	if failed.Reason != "UNKNOWN_FIELD" || failed.RequestID != "r-1" || failed.RetryAfter != 1500*time.Millisecond {
		t.Errorf("got %+v", failed)
	}
	want := []Violation{
		{"document/Statement/0", "UNKNOWN_FIELD", "`Efect` is unknown", "/Statement/0/Efect", 3, 7},
		{"role", "INVALID_ROLE", "no role", "", 0, 0},
	}
	if len(failed.Violations) != 2 || failed.Violations[0] != want[0] || failed.Violations[1] != want[1] {
		t.Errorf("got %+v", failed.Violations)
	}
}

func TestACallIsRepeatedWhileTheServiceIsUnavailable(t *testing.T) {
	var calls atomic.Int64
	service := &fake.Service{Answer: func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		if calls.Add(1) < 4 {
			return nil, fake.Fail(codes.Unavailable, "STATE_GAP", "the state lacks changes")
		}
		return nil, nil
	}}
	client := served(t, service)

	answer, err := client.Check(t.Context(), asked("allowed"))

	if err != nil || !answer.GetDecision().GetAllowed() || calls.Load() != 4 {
		t.Fatalf("got %v, %v after %d calls", answer, err, calls.Load())
	}
}

func TestAServiceThatStaysUnavailableIsAnErrorAfterFourAttempts(t *testing.T) {
	var calls atomic.Int64
	service := &fake.Service{Answer: func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		calls.Add(1)
		return nil, fake.Fail(codes.Unavailable, "STATE_TOO_OLD", "the state is too old")
	}}
	client := served(t, service)

	_, err := client.Check(t.Context(), asked("x"))

	if !errors.Is(err, ErrUnavailable) || calls.Load() != 4 {
		t.Fatalf("got %v after %d calls", err, calls.Load())
	}
}

func TestACallEndsAtItsDeadlineOrThatOfTheClient(t *testing.T) {
	release := make(chan struct{})
	defer close(release)
	service := &fake.Service{Answer: func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		select {
		case <-release:
		case <-ctx.Done():
		}
		return nil, nil
	}}
	client := served(t, service, WithTimeout(50*time.Millisecond))
	short, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()

	_, byClient := client.Check(t.Context(), asked("x"))
	_, byCaller := client.Check(short, asked("x"))

	for _, err := range []error{byClient, byCaller} {
		if !errors.Is(err, ErrDeadlineExceeded) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	}
}

func TestACancelledCallIsTheErrorOfItsContext(t *testing.T) {
	client := served(t, &fake.Service{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()

	_, err := client.Check(ctx, asked("x"))

	var failed *Error
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failed) {
		t.Fatalf("got %v", err)
	}
}

func TestAClosedClientRefusesCalls(t *testing.T) {
	client := served(t, &fake.Service{})
	_ = client.Close()

	_, err := client.Check(t.Context(), asked("x"))
	_, applied := client.ApplyRoles(t.Context(), Declared())

	if !errors.Is(err, ErrClosed) || !errors.Is(applied, ErrClosed) || client.Close() != nil {
		t.Fatalf("got %v and %v", err, applied)
	}
}

func TestAServiceThatIsNotThereIsUnavailable(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	client := opened(t, address)

	_, err = client.Check(t.Context(), asked("x"))

	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestCallsAreBalancedOverAllAddresses(t *testing.T) {
	first, second := &fake.Service{}, &fake.Service{}
	addresses := "ipv4:" + fake.Start(t, first).Address + "," + fake.Start(t, second).Address
	client := opened(t, addresses)

	eventually(t, func() bool {
		_, err := client.Check(t.Context(), asked("x"))
		return err == nil && first.Calls.Load() > 0 && second.Calls.Load() > 0
	}, "both servers are called")
}

func TestTheTokenIsSentWithEveryCall(t *testing.T) {
	service := &fake.Service{}
	client := served(t, service, WithToken("secret"))

	answer, err := client.WhoAmI(t.Context())

	if err != nil || answer.GetIdentity() != "secret" {
		t.Fatalf("got %v, %v", answer, err)
	}
	direct, err := rolecallv1.NewCallerServiceClient(client.Conn()).WhoAmI(t.Context(), &rolecallv1.WhoAmIRequest{})
	if err != nil || direct.GetIdentity() != "secret" {
		t.Fatalf("got %v, %v", direct, err)
	}
}

func TestATokenThatCannotBeSentIsAnErrorWithoutIt(t *testing.T) {
	client := served(t, &fake.Service{}, WithToken("two words"))

	_, err := client.Check(t.Context(), asked("x"))

	if !errors.Is(err, ErrNoToken) || !errors.Is(err, ErrNotAuthenticated) {
		t.Fatalf("got %v", err)
	}
	if err.Error() != "rolecall: the token of the client is not one word of printable ASCII" {
		t.Errorf("got %q", err)
	}
}

func TestOptionsThatContradictThemselvesAreRefused(t *testing.T) {
	for name, test := range map[string]struct {
		address string
		option  Option
		message string
	}{
		"address":  {"http://roles", WithToken("t"), "a token is sent over TLS, or to this machine; give TLS files for `http://roles`"},
		"scheme":   {"http://roles", WithTimeout(time.Second), "an address has no scheme `http://`; write `roles`, and TLS is a setting of its own"},
		"token":    {"roles.example", WithToken("t"), "a token is sent over TLS, or to this machine; give TLS files for `roles.example`"},
		"timeout":  {"roles.example", WithTimeout(0), "the timeout is 0s; give more than 0 and at most 24h0m0s"},
		"agent":    {"roles.example", WithAgent("127.0.0.1:1"), "`127.0.0.1:1` is not the address of an agent; write unix:PATH, the socket of an agent on this machine"},
		"no agent": {"roles.example", WithAgent(""), "`` is not the address of an agent; write unix:PATH, the socket of an agent on this machine"},
		"no CA":    {"roles.example", WithTLS(TLSFiles{}), "TLS needs the file of the CA certificates that verify the server"},
		"no key":   {"roles.example", WithTLS(TLSFiles{CA: "a", Cert: "b"}), "a client certificate and its key are given together"},
		"no log":   {"roles.example", WithLogger(nil), "the logger is nil; leave the option out"},
		"a list":   {"ipv4:10.0.0.1", WithTimeout(time.Second), "`10.0.0.1` is not an address of a list; write IP:PORT"},
		"no files": {"roles.example", WithTLS(TLSFiles{CA: "/nowhere/ca.pem"}), "stat /nowhere/ca.pem: no such file or directory"},
	} {
		t.Run(name, func(t *testing.T) {
			client, err := New(test.address, test.option)

			if err == nil || err.Error() != test.message {
				t.Fatalf("got %v, %v", client, err)
			}
		})
	}
}

func TestATokenMayGoToThisMachineOrOverTLS(t *testing.T) {
	for address, options := range map[string][]Option{
		"localhost":     {WithToken("t")},
		"unix:/run/s":   {WithToken("t")},
		"roles.example": {WithToken("t"), WithTransportCredentials(insecure.NewCredentials())},
	} {
		opened(t, address, options...)
	}
}

func TestFreshnessAndTheOptionsOfAnExplanationAreSent(t *testing.T) {
	client := served(t, &fake.Service{})
	at := time.Date(2026, 11, 29, 0, 0, 0, 0, time.UTC)

	explained, err := client.Explain(t.Context(), asked("x"), AtRevision(7), AssumeTime(at), FullyConsistent())

	if err != nil || explained.GetNearMisses()[0].GetSuggestion() != "7 1795910400" {
		t.Fatalf("got %v, %v", explained, err)
	}
	request := &rolecallv1.ExplainAssumeRoleRequest{}
	AtLeastAsFresh("token").explain(request)
	if request.GetConsistency().GetAtLeastAsFresh() != "token" || !FullyConsistent().consistency().GetFullyConsistent() {
		t.Errorf("got %v", request)
	}
}

func TestConditionKeysOfCanIAreSent(t *testing.T) {
	client := served(t, &fake.Service{})

	with, err := client.CanI(t.Context(), "ram:GetRole", "", Values{"key": {"v"}})
	without, errWithout := client.CanI(t.Context(), "ram:GetRole", "", nil)

	if err != nil || errWithout != nil || !with.GetAllowed() || without.GetAllowed() {
		t.Fatalf("got %v, %v, %v, %v", with, err, without, errWithout)
	}
}
