package rolecall

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

type answerFunc = func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error)

func failing(code codes.Code, reason string) answerFunc {
	return func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		return nil, fake.Fail(code, reason, "as the test wants")
	}
}

// withAgent returns a client of a service and of an agent.
func withAgent(t *testing.T, service, agent *fake.Service, options ...Option) *Client {
	t.Helper()
	socket := fake.StartSocket(t, agent, fake.SocketPath(t))
	return served(t, service, append(options, WithAgent(socket.Address))...)
}

func answeredBy(t *testing.T, client *Client) string {
	t.Helper()
	answer, err := client.Check(t.Context(), asked("allowed"))
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetDecision().GetDecisionId()
}

func TestAnAgentAnswersChecksBatchesAndStreamsAndTheServiceEverythingElse(t *testing.T) {
	service, agent := &fake.Service{Name: "service"}, &fake.Service{Name: "agent"}
	client := withAgent(t, service, agent, WithToken("secret"))

	checked := answeredBy(t, client)
	batch, err := client.BatchCheck(t.Context(), []*rolecallv1.AssumeRoleQuery{asked("x")})
	if err != nil {
		t.Fatal(err)
	}
	var streamed string
	for answer, err := range client.StreamCheck(t.Context(), slices.Values([]*rolecallv1.AssumeRoleQuery{asked("x")})) {
		if err != nil {
			t.Fatal(err)
		}
		streamed = answer.GetDecision().GetDecisionId()
	}
	explained, err := client.Explain(t.Context(), asked("x"))
	if err != nil {
		t.Fatal(err)
	}

	batched := batch.GetResults()[0].GetDecision().GetDecisionId()
	if checked != "agent" || batched != "agent" || streamed != "agent" || service.Calls.Load() != 0 {
		t.Errorf("got %s, %s, %s and %d calls of the service", checked, batched, streamed, service.Calls.Load())
	}
	if explained.GetDecision().GetDecisionId() != "service" {
		t.Errorf("got %v", explained)
	}
	if slices.Contains(agent.Tokens(), "") {
		t.Error("the token goes to the agent, too")
	}
}

func TestWithoutAnAgentAtTheSocketTheServiceAnswers(t *testing.T) {
	client := served(t, &fake.Service{Name: "service"}, WithAgent("unix:"+fake.SocketPath(t)))

	if found := answeredBy(t, client); found != "service" {
		t.Fatalf("got %s", found)
	}
}

func TestAnAgentThatComesLaterIsFound(t *testing.T) {
	path := fake.SocketPath(t)
	client := served(t, &fake.Service{Name: "service"}, WithAgent("unix:"+path))
	before := answeredBy(t, client)
	fake.StartSocket(t, &fake.Service{Name: "agent"}, path)

	eventually(t, func() bool { return answeredBy(t, client) == "agent" }, "the agent answers")

	if before != "service" {
		t.Errorf("got %s", before)
	}
}

func TestAnAgentThatCannotAnswerLeavesTheQueryToTheService(t *testing.T) {
	agent := &fake.Service{Answer: failing(codes.Unavailable, "STATE_TOO_OLD")}
	client := withAgent(t, &fake.Service{Name: "service"}, agent)

	found := answeredBy(t, client)

	if found != "service" || agent.Calls.Load() != 1 {
		t.Fatalf("got %s after %d calls of the agent", found, agent.Calls.Load())
	}
}

func TestEveryOtherErrorOfAnAgentIsTheAnswer(t *testing.T) {
	for code, reason := range map[codes.Code]string{
		codes.PermissionDenied: "PERMISSION_DENIED", codes.InvalidArgument: "INVALID_ROLE", codes.Unauthenticated: "UNAUTHENTICATED",
		codes.ResourceExhausted: "TOO_MANY_CALLS", codes.Internal: "INTERNAL", codes.DeadlineExceeded: "SERVER_LIMIT",
	} {
		service := &fake.Service{}
		client := withAgent(t, service, &fake.Service{Answer: failing(code, reason)})

		_, err := client.Check(t.Context(), asked("allowed"))

		var failed *Error
		if !errors.As(err, &failed) || failed.Reason != reason || service.Calls.Load() != 0 {
			t.Errorf("got %v and %d calls of the service", err, service.Calls.Load())
		}
	}
}

func TestASilentAgentHasHalfOfTheTimeThatIsLeft(t *testing.T) {
	silent := &fake.Service{Answer: func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	client := withAgent(t, &fake.Service{Name: "service"}, silent)

	answer, err := client.Check(within(t, 400*time.Millisecond), asked("allowed"))

	if err != nil || answer.GetDecision().GetDecisionId() != "service" {
		t.Fatalf("got %v, %v", answer, err)
	}
}

func TestACallerThatGivesUpIsNotAnsweredByTheService(t *testing.T) {
	service := &fake.Service{}
	started := make(chan struct{}, 1)
	silent := &fake.Service{Answer: func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		started <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	}}
	client := withAgent(t, service, silent)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()

	_, err := client.Check(ctx, asked("allowed"))

	if !errors.Is(err, context.Canceled) || service.Calls.Load() != 0 {
		t.Fatalf("got %v and %d calls of the service", err, service.Calls.Load())
	}
}

func TestAStreamThatBreaksOnTheAgentContinuesOnTheService(t *testing.T) {
	for name, answer := range map[string]answerFunc{
		"breaks": failing(codes.Unavailable, "UPSTREAM_UNAVAILABLE"),
		"silent": func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			var answers atomic.Int64
			agent := &fake.Service{Name: "agent", Answer: func(
				ctx context.Context, query *rolecallv1.AssumeRoleQuery,
			) (*rolecallv1.Decision, error) {
				if answers.Add(1) <= 3 {
					return nil, nil
				}
				return answer(ctx, query)
			}}
			client := withAgent(t, &fake.Service{Name: "service"}, agent)

			found := streamed(t, client, 10, InFlight(4))

			want := append(slices.Repeat([]string{"agent"}, 3), slices.Repeat([]string{"service"}, 7)...)
			if !slices.Equal(found, want) {
				t.Fatalf("got %v", found)
			}
		})
	}
}

func TestAnItemThatAnAgentCannotAnswerLeavesTheBatchAndTheRestOfTheStreamToTheService(t *testing.T) {
	agent := &fake.Service{Name: "agent", ErrorsPerItem: true, Answer: func(
		_ context.Context, query *rolecallv1.AssumeRoleQuery,
	) (*rolecallv1.Decision, error) {
		if query.GetRole() == "allowed elsewhere" {
			return nil, fake.Fail(codes.Unavailable, "UPSTREAM_UNAVAILABLE", "only the server can answer this")
		}
		return nil, nil
	}}
	client := withAgent(t, &fake.Service{Name: "service"}, agent)
	asking := []*rolecallv1.AssumeRoleQuery{asked("allowed"), asked("allowed elsewhere"), asked("allowed")}

	batch, err := client.BatchCheck(t.Context(), asking)
	var found []string
	for answer, err := range client.StreamCheck(t.Context(), slices.Values(asking)) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, answer.GetDecision().GetDecisionId())
	}

	if err != nil || batch.GetResults()[0].GetDecision().GetDecisionId() != "service" {
		t.Errorf("got %v, %v", batch, err)
	}
	if !slices.Equal(found, []string{"agent", "service", "service"}) {
		t.Errorf("got %q", found)
	}
}

func TestAnAgentThatCancelsACallLeavesItToTheService(t *testing.T) {
	client := withAgent(t, &fake.Service{Name: "service"}, &fake.Service{Answer: failing(codes.Canceled, "")})

	if found := answeredBy(t, client); found != "service" {
		t.Fatalf("got %s", found)
	}
}
