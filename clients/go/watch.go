package rolecall

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const (
	// DefaultGiveUpAfter is how long a watch waits for a message, over all attempts, unless WatchOptions says another time.
	DefaultGiveUpAfter = 300 * time.Second

	watchSilence    = 30 * time.Second
	firstWatchPause = 100 * time.Millisecond
	lastWatchPause  = 5 * time.Second

	// longestWatchStream is when a stream is continued on a new one at the latest: what its checkpoints say about the age of the
	// state is less exact the longer it is open, since the two clocks drift apart, and the server judges the present credential of
	// the client only when a stream is opened.
	longestWatchStream = 30 * time.Minute
)

// WatchOptions say what a watch starts with.
type WatchOptions struct {
	// StartToken is the token of a checkpoint or of a write: only later changes are yielded. Empty: changes from now on.
	StartToken string
	// AccountIDs restrict the roles to these accounts, at most 100.
	AccountIDs []string
	// InitialState yields every role as a change of kind CREATED, up to the first checkpoint.
	InitialState bool
	// GiveUpAfter ends the watch with the last error if no message arrives for this long; 0: 300 seconds.
	GiveUpAfter time.Duration
	// OnResume is called with the error of a broken stream before it is resumed.
	OnResume func(error)
	// OnOpen is called just before each stream is opened.
	OnOpen func()
}

// A WatchEvent is a change, or a checkpoint from which a later watch can continue; the other field is nil.
type WatchEvent struct {
	Change     *rolecallv1.RoleWatchChange
	Checkpoint *rolecallv1.WatchCheckpoint
}

// WatchRoles yields each change of roles, in order and once, and checkpoints, until the caller stops or the context ends.
//
//  1. A stream that breaks is resumed from the last checkpoint; changes that were yielded are not yielded again.
//  2. If changes are lost, ErrResyncRequired is yielded: discard what was built from the changes, and start a new watch with the
//     initial state.
//  3. The server sends a message every few seconds. A stream without messages for 30 seconds is resumed.
//  4. A stream that has been open for long is continued on a new one at a checkpoint.
//
// An error is yielded last. The first message must arrive within the time limit of a call.
func (c *Client) WatchRoles(ctx context.Context, options WatchOptions) iter.Seq2[WatchEvent, error] {
	return func(yield func(WatchEvent, error) bool) {
		w := newWatch(c, options)
		for {
			err := w.onOneStream(ctx, yield)
			if err == nil {
				return
			}
			if errors.Is(err, errContinueElsewhere) {
				continue
			}
			wait, err := w.pauseAfter(ctx, err)
			if err == nil {
				if options.OnResume != nil {
					options.OnResume(w.lastError)
				}
				err = pause(ctx, wait)
			}
			if err != nil {
				yield(WatchEvent{}, err)
				return
			}
		}
	}
}

// errContinueElsewhere: the stream is old, and a new one continues it.
var errContinueElsewhere = errors.New("the stream is old")

var resumedReasons = map[string]bool{"WATCH_TOO_SLOW": true, "TOO_MANY_CALLS": true}

// watch is one watch, over as many streams as it needs.
type watch struct {
	client      *Client
	options     WatchOptions
	request     *rolecallv1.WatchRolesRequest
	giveUp      time.Duration // for the first message, that of a call
	silence     time.Duration
	longest     time.Duration
	yielded     map[changeKey]struct{}
	stateStarts bool
	lastMessage time.Time
	backoff     time.Duration
	lastError   error
}

type changeKey struct {
	revision int64
	role     string
}

func newWatch(c *Client, options WatchOptions) *watch {
	if options.GiveUpAfter == 0 {
		options.GiveUpAfter = DefaultGiveUpAfter
	}
	request := &rolecallv1.WatchRolesRequest{
		StartToken: options.StartToken, AccountIds: options.AccountIDs, IncludeInitialState: options.InitialState,
	}
	return &watch{
		client: c, options: options, request: request, giveUp: c.timeout, silence: watchSilence, longest: longestWatchStream,
		yielded: map[changeKey]struct{}{}, lastMessage: time.Now(), backoff: firstWatchPause,
	}
}

// onOneStream yields the events of one stream. It returns nil when the caller wants no more.
func (w *watch) onOneStream(ctx context.Context, yield func(WatchEvent, error) bool) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if w.options.OnOpen != nil {
		w.options.OnOpen()
	}
	// Streams that were opened at the same time, because a server was restarted, are not reopened at the same time.
	closes := time.Now().Add(spread(w.longest))
	silent := time.AfterFunc(w.silence, cancel)
	defer silent.Stop()
	// The request of the next stream is another one: gRPC may still read this one.
	stream, err := w.client.watches.WatchRoles(ctx, proto.CloneOf(w.request))
	if err != nil {
		return w.broken(ctx, silent, errorOf(err, nil))
	}
	for {
		silent.Reset(w.silence)
		message, err := stream.Recv()
		silentBefore := !silent.Stop()
		if errors.Is(err, io.EOF) {
			return unavailable("the stream ended without an error")
		}
		if err != nil {
			if silentBefore && ctx.Err() != nil {
				return silentError(w.silence)
			}
			return errorOf(err, stream.Trailer())
		}
		event, err := w.event(message)
		if err != nil {
			return err
		}
		if event != (WatchEvent{}) && !yield(event, nil) {
			return nil
		}
		w.lastMessage = time.Now() // the time that the caller took is no silence of the server
		w.client.conn.Refresh()
		if event.Checkpoint != nil && time.Now().After(closes) {
			return errContinueElsewhere
		}
	}
}

func (w *watch) broken(ctx context.Context, silent *time.Timer, err error) error {
	if !silent.Stop() && ctx.Err() != nil {
		return silentError(w.silence)
	}
	return err
}

// event returns the event of a message, an empty one if it was yielded before.
func (w *watch) event(message *rolecallv1.WatchRolesResponse) (WatchEvent, error) {
	w.lastMessage, w.giveUp, w.backoff = time.Now(), w.options.GiveUpAfter, firstWatchPause
	switch event := message.GetEvent().(type) {
	case *rolecallv1.WatchRolesResponse_Change:
		if w.isNew(event.Change) {
			return WatchEvent{Change: event.Change}, nil
		}
	case *rolecallv1.WatchRolesResponse_Checkpoint:
		w.resumeFrom(event.Checkpoint)
		return WatchEvent{Checkpoint: event.Checkpoint}, nil
	case *rolecallv1.WatchRolesResponse_ResyncRequired:
		return WatchEvent{}, resyncRequired(event.ResyncRequired.GetReason())
	}
	return WatchEvent{}, nil
}

func (w *watch) isNew(change *rolecallv1.RoleWatchChange) bool {
	if w.request.GetIncludeInitialState() {
		w.stateStarts = true
		return true
	}
	key := changeKey{change.GetRevision(), change.GetRole().GetRoleId()}
	_, known := w.yielded[key]
	w.yielded[key] = struct{}{}
	return !known
}

func (w *watch) resumeFrom(checkpoint *rolecallv1.WatchCheckpoint) {
	// The first checkpoint of a resumed stream is not later than this one, so the changes after it must stay in the set.
	for key := range w.yielded {
		if key.revision <= checkpoint.GetRevision() {
			delete(w.yielded, key)
		}
	}
	w.request.StartToken, w.request.IncludeInitialState = checkpoint.GetToken(), false
}

// pauseAfter returns how long to wait before a new stream, or an error if it would fail as well or come too late.
func (w *watch) pauseAfter(ctx context.Context, err error) (time.Duration, error) {
	w.lastError = err
	if ctx.Err() != nil || !isResumed(err) || time.Since(w.lastMessage) >= w.giveUp {
		return 0, err
	}
	if w.stateStarts && w.request.GetIncludeInitialState() {
		return 0, resyncRequired("the stream broke before the initial state was complete; read it again")
	}
	wait := spread(w.backoff)
	w.backoff = min(w.backoff*2, lastWatchPause)
	return wait, nil
}

func isResumed(err error) bool {
	var failed *Error
	if !errors.As(err, &failed) {
		return false
	}
	return failed.Code == codes.Unavailable || failed.Code == codes.Canceled || resumedReasons[failed.Reason]
}

func silentError(silence time.Duration) error {
	return unavailable("no message has arrived for " + silence.String())
}

// spread returns between half of a duration and the whole.
func spread(duration time.Duration) time.Duration {
	return duration/2 + rand.N(duration/2+1)
}
