package rolecall

import (
	"context"
	"errors"
	"io"
	"iter"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// DefaultInFlight is how many queries of a stream are read ahead of the answers, unless InFlight says another number.
const DefaultInFlight = 256

const (
	maxStreamAttempts = 4
	firstStreamPause  = 50 * time.Millisecond
)

// A StreamOption is an option of StreamCheck.
type StreamOption func(*pipeline)

// InFlight is how many queries are read ahead of the answers, at least 1.
func InFlight(queries int) StreamOption { return func(p *pipeline) { p.inFlight = max(1, queries) } }

// StreamCheck yields the decisions of queries as they arrive, in order; Sequence is the index of the query, from 0. A malformed query
// has an error instead, which ErrorOfStatus reads.
//
// A number of queries is read ahead of the decisions, so any number of them needs little memory. When the server ends the stream,
// because it stops for example, the unanswered queries are sent again on a new one; when several streams in succession return no
// answer, the error is yielded, last. The stream has the deadline of the context, and no other.
func (c *Client) StreamCheck(
	ctx context.Context, queries iter.Seq[*rolecallv1.AssumeRoleQuery], options ...StreamOption,
) iter.Seq2[*rolecallv1.StreamCheckAssumeRoleResponse, error] {
	return func(yield func(*rolecallv1.StreamCheckAssumeRoleResponse, error) bool) {
		next, stop := iter.Pull(queries)
		defer stop()
		p := &pipeline{client: c, next: next, inFlight: DefaultInFlight, onAgent: c.agent != nil}
		for _, option := range options {
			option(p)
		}
		p.run(ctx, yield)
	}
}

type answerStream = grpc.BidiStreamingClient[
	rolecallv1.StreamCheckAssumeRoleRequest, rolecallv1.StreamCheckAssumeRoleResponse,
]

// pipeline sends queries on streams, at most `inFlight` ahead of the answers.
type pipeline struct {
	client     *Client
	next       func() (*rolecallv1.AssumeRoleQuery, bool)
	inFlight   int
	onAgent    bool // until the agent has no answer: then the service answers
	read       int64
	unanswered []*rolecallv1.StreamCheckAssumeRoleRequest
}

type yieldAnswer = func(*rolecallv1.StreamCheckAssumeRoleResponse, error) bool

func (p *pipeline) run(ctx context.Context, yield yieldAnswer) {
	attempts := 0
	for len(p.readAhead()) > 0 || len(p.unanswered) > 0 {
		answered, stopped, err := p.onOneStream(ctx, yield)
		switch {
		case stopped:
			return
		case err == nil:
			continue
		case p.onAgent && isLeftToService(ctx, err):
			p.onAgent = false
			continue
		}
		if answered {
			attempts = 0
		}
		attempts++
		if !errors.Is(err, ErrUnavailable) || attempts == maxStreamAttempts {
			yield(nil, err)
			return
		}
		if err := pause(ctx, firstStreamPause*time.Duration(pow3(attempts-1))); err != nil {
			yield(nil, err)
			return
		}
	}
}

// onOneStream sends the unanswered queries and then the following ones, until every query is answered. It returns whether there was
// an answer, and whether the caller wants no more.
func (p *pipeline) onOneStream(ctx context.Context, yield yieldAnswer) (answered, stopped bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	waiting := newWait(p.onAgent, cancel)
	sending := &sender{messages: make(chan *rolecallv1.StreamCheckAssumeRoleRequest, p.inFlight)}
	defer func() {
		waiting.stop()
		cancel() // a sender that is blocked ends with the stream
		sending.end()
	}()
	waiting.start(ctx)
	stream, err := p.stub().StreamCheckAssumeRole(ctx)
	if err != nil {
		return false, false, waiting.errorOf(errorOf(err, nil))
	}
	sending.start(stream)
	sending.send(p.unanswered)
	for len(p.unanswered) > 0 {
		waiting.start(ctx)
		answer, err := stream.Recv()
		waiting.stop()
		if errors.Is(err, io.EOF) {
			return answered, false, unavailable("the stream ended before every query was answered")
		}
		if err != nil {
			return answered, false, waiting.errorOf(errorOf(err, stream.Trailer()))
		}
		if p.onAgent && codes.Code(answer.GetError().GetCode()) == codes.Unavailable {
			return answered, false, ErrorOfStatus(answer.GetError()) // the service continues with this query
		}
		p.unanswered, answered = p.unanswered[1:], true
		if !yield(answer, nil) {
			return answered, true, nil
		}
		sending.send(p.readAhead())
	}
	sending.end()
	_, _ = stream.Recv() // every query is answered: the status does not matter, but the server should end the stream in order
	return answered, false, nil
}

func (p *pipeline) stub() rolecallv1.DecisionServiceClient {
	if p.onAgent {
		return p.client.agentDecisions
	}
	return p.client.decisions
}

// readAhead reads queries until enough are unanswered, and returns them.
func (p *pipeline) readAhead() []*rolecallv1.StreamCheckAssumeRoleRequest {
	known := len(p.unanswered)
	for len(p.unanswered) < p.inFlight {
		query, ok := p.next()
		if !ok {
			break
		}
		p.unanswered = append(p.unanswered, &rolecallv1.StreamCheckAssumeRoleRequest{Sequence: p.read, Query: query})
		p.read++
	}
	return p.unanswered[known:]
}

// sender sends messages beside the answers: a server that does not read while nobody reads its answers would otherwise wait forever.
type sender struct {
	messages chan *rolecallv1.StreamCheckAssumeRoleRequest
	group    sync.WaitGroup
	once     sync.Once
}

func (s *sender) start(stream answerStream) {
	s.group.Go(func() {
		for message := range s.messages {
			if stream.Send(message) != nil {
				break // Recv returns the error
			}
		}
		_ = stream.CloseSend()
	})
}

// send never blocks: the channel has room for every unanswered query.
func (s *sender) send(messages []*rolecallv1.StreamCheckAssumeRoleRequest) {
	for _, message := range messages {
		s.messages <- message
	}
}

func (s *sender) end() {
	s.once.Do(func() { close(s.messages) })
	s.group.Wait()
}

// wait ends a stream of an agent that does not answer in time.
type wait struct {
	limited bool
	cancel  context.CancelFunc
	timer   *time.Timer
	expired chan struct{}
}

func newWait(limited bool, cancel context.CancelFunc) *wait {
	return &wait{limited: limited, cancel: cancel, expired: make(chan struct{}, 1)}
}

func (w *wait) start(ctx context.Context) {
	if !w.limited {
		return
	}
	w.stop()
	w.timer = time.AfterFunc(patience(ctx), func() {
		select {
		case w.expired <- struct{}{}:
		default:
		}
		w.cancel()
	})
}

func (w *wait) stop() {
	if w.timer != nil {
		w.timer.Stop()
	}
}

func (w *wait) errorOf(err error) error {
	select {
	case <-w.expired:
		return unavailable("the agent has not answered in time")
	default:
		return err
	}
}

func pow3(exponent int) int {
	power := 1
	for range exponent {
		power *= 3
	}
	return power
}

// pause waits, unless the context ends earlier.
func pause(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errorOf(ctx.Err(), nil)
	}
}
