package rolecall

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func queries(count int) iter.Seq[*rolecallv1.AssumeRoleQuery] {
	return func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		for range count {
			if !yield(asked("allowed")) {
				return
			}
		}
	}
}

// streamed returns the decision ids of a stream, after checking that its answers are in order.
func streamed(t *testing.T, client *Client, count int, options ...StreamOption) []string {
	t.Helper()
	var ids []string
	for answer, err := range client.StreamCheck(within(t, 20*time.Second), queries(count), options...) {
		if err != nil {
			t.Fatalf("after %d answers: %v", len(ids), err)
		}
		if answer.GetSequence() != int64(len(ids)) || !answer.GetDecision().GetAllowed() {
			t.Fatalf("got %v as answer %d", answer, len(ids))
		}
		ids = append(ids, answer.GetDecision().GetDecisionId())
	}
	return ids
}

func TestAStreamAnswersEveryQueryInOrder(t *testing.T) {
	client := served(t, &fake.Service{})

	for _, count := range []int{0, 1, 255, 256, 257, 3_000} {
		if found := streamed(t, client, count); len(found) != count {
			t.Fatalf("got %d answers to %d queries", len(found), count)
		}
	}
}

func TestAStreamThatTheServerEndsIsContinuedOnANewOne(t *testing.T) {
	service := &fake.Service{AnswersPerStream: 7}
	client := served(t, service)

	found := streamed(t, client, 30, InFlight(4))

	if len(found) != 30 || service.Calls.Load() != 5 {
		t.Fatalf("got %d answers on %d streams", len(found), service.Calls.Load())
	}
}

func TestAStreamThatReturnsNothingSeveralTimesIsAnError(t *testing.T) {
	service := &fake.Service{Answer: failing(codes.Unavailable, "STATE_TOO_OLD")}
	client := served(t, service)

	var last error
	for _, err := range client.StreamCheck(t.Context(), queries(3)) {
		last = err
	}

	if !errors.Is(last, ErrUnavailable) || service.Calls.Load() != maxStreamAttempts {
		t.Fatalf("got %v after %d streams", last, service.Calls.Load())
	}
}

func TestAMalformedQueryOfAStreamHasAnErrorAndTheOthersAreDecided(t *testing.T) {
	service := &fake.Service{Answer: func(_ context.Context, query *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		if query.GetRole() == "!" {
			return nil, fake.Fail(codes.InvalidArgument, "INVALID_ROLE", "`!` is no role")
		}
		return nil, nil
	}}
	client := served(t, service)
	asking := slices.Values([]*rolecallv1.AssumeRoleQuery{asked("allowed"), asked("!"), asked("allowed")})

	var reasons []string
	for answer, err := range client.StreamCheck(t.Context(), asking) {
		if err != nil {
			t.Fatal(err)
		}
		reason := ""
		if failed := ErrorOfStatus(answer.GetError()); failed != nil {
			reason = failed.Reason
		}
		reasons = append(reasons, reason)
	}

	if !slices.Equal(reasons, []string{"", "INVALID_ROLE", ""}) {
		t.Fatalf("got %q", reasons)
	}
}

func TestACallerMayStopAStreamAndItsQueriesAreNotReadFurther(t *testing.T) {
	client := served(t, &fake.Service{})
	read := 0
	endless := func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		for yield(asked("allowed")) {
			read++
		}
	}

	for answer, err := range client.StreamCheck(t.Context(), endless, InFlight(8)) {
		if err != nil {
			t.Fatal(err)
		}
		if answer.GetSequence() == 20 {
			break
		}
	}

	if read > 20+1+8 {
		t.Fatalf("%d queries were read for 21 answers", read)
	}
}

func TestAStreamOfLargeQueriesDoesNotBlockItself(t *testing.T) {
	client := served(t, &fake.Service{Name: strings.Repeat("n", 4_000)})
	large := func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		query := asked("allowed")
		query.ExternalId = strings.Repeat("e", 20_000)
		for range 600 {
			if !yield(query) {
				return
			}
		}
	}

	answers := 0
	for _, err := range client.StreamCheck(within(t, 20*time.Second), large) {
		if err != nil {
			t.Fatal(err)
		}
		answers++
	}

	if answers != 600 {
		t.Fatalf("got %d answers", answers)
	}
}

func TestAStreamHasTheDeadlineOfItsContext(t *testing.T) {
	service := &fake.Service{Answer: func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	client := served(t, service)

	var last error
	for _, err := range client.StreamCheck(within(t, 100*time.Millisecond), queries(3)) {
		last = err
	}

	if !errors.Is(last, ErrDeadlineExceeded) {
		t.Fatalf("got %v", last)
	}
}
