package rolecall

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

type watchStream = grpc.ServerStreamingServer[rolecallv1.WatchRolesResponse]

// script is a service whose streams of watches are played one after the other; the last one stays open.
type script struct {
	streams [][]*rolecallv1.WatchRolesResponse
	end     error // of every stream but the last

	mu       sync.Mutex
	requests []*rolecallv1.WatchRolesRequest
}

func (s *script) watch(request *rolecallv1.WatchRolesRequest, stream watchStream) error {
	s.mu.Lock()
	played := len(s.requests)
	s.requests = append(s.requests, request)
	s.mu.Unlock()
	for _, message := range s.streams[min(played, len(s.streams)-1)] {
		if err := stream.Send(message); err != nil {
			return err
		}
	}
	if played < len(s.streams)-1 {
		return s.end
	}
	<-stream.Context().Done()
	return nil
}

func (s *script) tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var tokens []string
	for _, request := range s.requests {
		tokens = append(tokens, fmt.Sprintf("%s/%v", request.GetStartToken(), request.GetIncludeInitialState()))
	}
	return tokens
}

func change(revision int64) *rolecallv1.WatchRolesResponse {
	role := &rolecallv1.Role{RoleId: fmt.Sprint(revision)}
	return &rolecallv1.WatchRolesResponse{Event: &rolecallv1.WatchRolesResponse_Change{
		Change: &rolecallv1.RoleWatchChange{Revision: revision, Role: role},
	}}
}

func checkpoint(revision int64) *rolecallv1.WatchRolesResponse {
	return &rolecallv1.WatchRolesResponse{Event: &rolecallv1.WatchRolesResponse_Checkpoint{
		Checkpoint: &rolecallv1.WatchCheckpoint{Revision: revision, Token: fmt.Sprintf("t%d", revision)},
	}}
}

func resync() *rolecallv1.WatchRolesResponse {
	return &rolecallv1.WatchRolesResponse{Event: &rolecallv1.WatchRolesResponse_ResyncRequired{
		ResyncRequired: &rolecallv1.ResyncRequired{Reason: "the token is too old"},
	}}
}

// watched returns the events until the checkpoint of a revision, or the error.
func watched(t *testing.T, client *Client, options WatchOptions, until int64) ([]string, error) {
	t.Helper()
	var events []string
	for event, err := range client.WatchRoles(within(t, 20*time.Second), options) {
		switch {
		case err != nil:
			return events, err
		case event.Change != nil:
			events = append(events, fmt.Sprintf("change %d", event.Change.GetRevision()))
		default:
			events = append(events, fmt.Sprintf("checkpoint %d", event.Checkpoint.GetRevision()))
		}
		if event.Checkpoint.GetRevision() == until {
			break
		}
	}
	return events, nil
}

func TestABrokenWatchIsResumedAndYieldsEachChangeOnce(t *testing.T) {
	s := &script{end: fake.Fail(codes.Unavailable, "SERVER_STOPPING", "the server is stopping"), streams: [][]*rolecallv1.WatchRolesResponse{
		{change(1), checkpoint(1), change(2), change(3)},
		{checkpoint(1), change(2), change(3), change(4), checkpoint(4)},
	}}
	client := served(t, &fake.Service{Watch: s.watch})
	var resumed []error
	opens := 0

	events, err := watched(t, client, WatchOptions{
		StartToken: "t0", OnResume: func(err error) { resumed = append(resumed, err) }, OnOpen: func() { opens++ },
	}, 4)

	want := []string{"change 1", "checkpoint 1", "change 2", "change 3", "checkpoint 1", "change 4", "checkpoint 4"}
	if err != nil || !slices.Equal(events, want) {
		t.Fatalf("got %q, %v", events, err)
	}
	if len(resumed) != 1 || !errors.Is(resumed[0], ErrUnavailable) || opens != 2 {
		t.Errorf("resumed after %v, opened %d times", resumed, opens)
	}
	if tokens := s.tokens(); !slices.Equal(tokens, []string{"t0/false", "t1/false"}) {
		t.Errorf("got %q", tokens)
	}
}

func TestAnInitialStateThatBreaksMustBeReadAgain(t *testing.T) {
	s := &script{end: fake.Fail(codes.Unavailable, "STREAM_AGE", "old"), streams: [][]*rolecallv1.WatchRolesResponse{
		{change(1), change(1)}, {},
	}}
	client := served(t, &fake.Service{Watch: s.watch})

	events, err := watched(t, client, WatchOptions{InitialState: true}, 4)

	if !errors.Is(err, ErrResyncRequired) || len(events) != 2 {
		t.Fatalf("got %q, %v", events, err)
	}
}

func TestAWatchAfterAnInitialStateIsResumedWithoutIt(t *testing.T) {
	s := &script{end: fake.Fail(codes.ResourceExhausted, "WATCH_TOO_SLOW", "slow"), streams: [][]*rolecallv1.WatchRolesResponse{
		{change(1), change(1), checkpoint(1)}, {change(2), checkpoint(2)},
	}}
	client := served(t, &fake.Service{Watch: s.watch})

	events, err := watched(t, client, WatchOptions{InitialState: true}, 2)

	want := []string{"change 1", "change 1", "checkpoint 1", "change 2", "checkpoint 2"}
	if err != nil || !slices.Equal(events, want) || !slices.Equal(s.tokens(), []string{"/true", "t1/false"}) {
		t.Fatalf("got %q, %v, %q", events, err, s.tokens())
	}
}

func TestLostChangesEndAWatch(t *testing.T) {
	s := &script{streams: [][]*rolecallv1.WatchRolesResponse{{checkpoint(1), resync()}}}
	client := served(t, &fake.Service{Watch: s.watch})

	_, err := watched(t, client, WatchOptions{}, 4)

	var failed *Error
	if !errors.Is(err, ErrResyncRequired) || !errors.As(err, &failed) || failed.Message != "the token is too old" {
		t.Fatalf("got %v", err)
	}
}

func TestAnErrorThatANewStreamWouldHaveTooEndsAWatch(t *testing.T) {
	client := served(t, &fake.Service{Watch: func(*rolecallv1.WatchRolesRequest, watchStream) error {
		return fake.Fail(codes.PermissionDenied, "PERMISSION_DENIED", "no right to `rolecall:Watch`")
	}})

	_, err := watched(t, client, WatchOptions{}, 4)

	if !errors.Is(err, ErrAccessDenied) {
		t.Fatalf("got %v", err)
	}
}

func TestAWatchGivesUpWhenNoMessageArrives(t *testing.T) {
	client := served(t, &fake.Service{Watch: func(*rolecallv1.WatchRolesRequest, watchStream) error {
		return fake.Fail(codes.Unavailable, "STATE_GAP", "the state lacks changes")
	}}, WithTimeout(300*time.Millisecond))

	_, err := watched(t, client, WatchOptions{}, 4)

	if !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestASilentStreamIsResumed(t *testing.T) {
	s := &script{streams: [][]*rolecallv1.WatchRolesResponse{{checkpoint(1)}}}
	client := served(t, &fake.Service{Watch: s.watch})
	w := newWatch(client, WatchOptions{})
	w.silence = 50 * time.Millisecond

	err := w.onOneStream(t.Context(), func(WatchEvent, error) bool { return true })

	if !errors.Is(err, ErrUnavailable) || err.Error() != "rolecall: no message has arrived for 50ms" {
		t.Fatalf("got %v", err)
	}
	if wait, err := w.pauseAfter(t.Context(), err); err != nil || wait <= 0 || wait > firstWatchPause {
		t.Errorf("got %v, %v", wait, err)
	}
}

func TestAnOldStreamIsContinuedOnANewOneAtACheckpoint(t *testing.T) {
	s := &script{streams: [][]*rolecallv1.WatchRolesResponse{{change(1), checkpoint(1)}}}
	client := served(t, &fake.Service{Watch: s.watch})
	w := newWatch(client, WatchOptions{})
	w.longest = 0

	err := w.onOneStream(t.Context(), func(WatchEvent, error) bool { return true })

	if !errors.Is(err, errContinueElsewhere) || w.request.GetStartToken() != "t1" {
		t.Fatalf("got %v, %v", err, w.request)
	}
}

func TestAWatchEndsWithItsContext(t *testing.T) {
	s := &script{streams: [][]*rolecallv1.WatchRolesResponse{{checkpoint(1)}}}
	client := served(t, &fake.Service{Watch: s.watch})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var last error
	for event, err := range client.WatchRoles(ctx, WatchOptions{}) {
		if last = err; event.Checkpoint != nil {
			cancel()
		}
	}

	if !errors.Is(last, context.Canceled) {
		t.Fatalf("got %v", last)
	}
}
