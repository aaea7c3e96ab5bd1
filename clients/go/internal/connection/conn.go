// Package connection has the connections of a client, with what identifies it: TLS files and a token, read again when they change.
package connection

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

// maxReplaced is the most connections that are replaced and still have calls. Until one of them ends the current one stays.
const maxReplaced = 4

// ErrClosed is the error of a call on a connection that was closed.
var ErrClosed = errors.New("the client is closed")

var errReplaced = errors.New("the TLS files have changed; open the stream again")

// Token is the source of the token that is sent with each call.
type Token interface {
	Token(ctx context.Context) (string, error)
}

// NoTokenError is the error of a call for which there is no token.
type NoTokenError struct{ Cause error }

func (e *NoTokenError) Error() string { return e.Cause.Error() }

func (e *NoTokenError) Unwrap() error { return e.Cause }

// Settings say how to connect. TLS comes from Files or from Credentials; without both nothing is encrypted.
type Settings struct {
	Address     string
	Agent       bool
	Files       *TLSFiles
	Credentials credentials.TransportCredentials
	Token       Token
	Log         *slog.Logger
	Options     []grpc.DialOption
}

// Conn is a connection that is replaced when its TLS files change. Calls in progress end on the old one, which is closed after them.
// Streams of answers end with UNAVAILABLE, since their owners open them again.
type Conn struct {
	token Token
	open  func(*tls.Config) (*grpc.ClientConn, error)
	log   *slog.Logger

	mu       sync.Mutex
	files    *reloadingTLS
	current  *channel
	replaced map[*channel]struct{}
	closed   bool
}

// channel is one connection of gRPC, with the number of its calls, and what ends its streams of answers.
type channel struct {
	*grpc.ClientConn
	calls   int
	streams map[*call]context.CancelCauseFunc
}

// Open returns a connection; nothing is sent before the first call.
func Open(settings Settings) (*Conn, error) {
	target, err := grpcTarget(settings.Address)
	if err != nil {
		return nil, err
	}
	dial := dialService
	if settings.Agent {
		dial = dialAgent
	}
	c := &Conn{token: settings.Token, log: settings.Log, replaced: map[*channel]struct{}{}}
	c.open = func(config *tls.Config) (*grpc.ClientConn, error) {
		secure := settings.Credentials
		switch {
		case config != nil:
			secure = credentials.NewTLS(config)
		case secure == nil:
			secure = insecure.NewCredentials()
		}
		return dial(target, secure, settings.Options)
	}
	var config *tls.Config
	if settings.Files != nil {
		if c.files, config, err = newReloadingTLS(*settings.Files, settings.Log); err != nil {
			return nil, err
		}
	}
	conn, err := c.open(config)
	if err != nil {
		return nil, err
	}
	c.current = newChannel(conn)
	return c, nil
}

// Close closes the connection; calls in progress fail.
func (c *Conn) Close() {
	c.mu.Lock()
	c.closed = true
	open := []*channel{c.current}
	for old := range c.replaced {
		open = append(open, old)
	}
	clear(c.replaced)
	c.mu.Unlock()
	for _, channel := range open {
		_ = channel.Close() // it fails only if it is closed already
	}
}

// Refresh replaces the connection if the TLS files have changed.
func (c *Conn) Refresh() {
	if c.files == nil {
		return
	}
	c.mu.Lock()
	old := c.replace()
	c.mu.Unlock()
	c.closeUnused(old)
}

// Invoke makes a call with one request and one answer.
func (c *Conn) Invoke(ctx context.Context, method string, request, answer any, options ...grpc.CallOption) error {
	ctx, err := c.withToken(ctx)
	if err != nil {
		return err
	}
	used, err := c.use(nil, nil)
	if err != nil {
		return err
	}
	defer c.done(used, nil)
	return c.seen(used.Invoke(ctx, method, request, answer, options...))
}

// NewStream opens a stream.
func (c *Conn) NewStream(
	ctx context.Context, description *grpc.StreamDesc, method string, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	ctx, err := c.withToken(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	one := &call{}
	replace := cancel
	if !description.ServerStreams {
		replace = nil // an upload ends by itself, and its owner cannot repeat it
	}
	used, err := c.use(one, replace)
	if err != nil {
		cancel(err)
		return nil, err
	}
	finish := sync.OnceFunc(func() {
		c.done(used, one)
		cancel(nil)
	})
	stream, err := used.NewStream(ctx, description, method, append(options, grpc.OnFinish(func(error) { finish() }))...)
	if err != nil {
		finish()
		return nil, c.seen(endOf(ctx, err))
	}
	return &replaceableStream{ClientStream: stream, conn: c, ctx: ctx}, nil
}

func (c *Conn) withToken(ctx context.Context) (context.Context, error) {
	if c.token == nil {
		return ctx, nil
	}
	token, err := c.token.Token(ctx)
	if err != nil && ctx.Err() != nil {
		return ctx, status.FromContextError(ctx.Err()).Err()
	}
	if err == nil && !isWord(token) {
		// gRPC would refuse it with a message that shows it.
		err = errors.New("the token of the client is not one word of printable ASCII")
	}
	if err != nil {
		return ctx, &NoTokenError{err}
	}
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token), nil
}

// seen returns the error of a call, after noting whether the server refused the token.
func (c *Conn) seen(err error) error {
	if err == nil {
		return nil
	}
	if renewed, ok := c.token.(interface{ Refused() }); ok && status.Code(err) == codes.Unauthenticated {
		renewed.Refused()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed && status.Code(err) == codes.Canceled {
		return ErrClosed
	}
	return err
}

// use returns the channel of a new call, whose end `done` must report.
func (c *Conn) use(one *call, replace context.CancelCauseFunc) (*channel, error) {
	c.mu.Lock()
	if c.closed {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	old := c.replace()
	used := c.current
	used.calls++
	if replace != nil {
		used.streams[one] = replace
	}
	c.mu.Unlock()
	c.closeUnused(old)
	return used, nil
}

func (c *Conn) done(used *channel, one *call) {
	c.mu.Lock()
	used.calls--
	delete(used.streams, one)
	c.mu.Unlock()
	c.closeUnused(used)
}

// replace returns the channel that was replaced, if any. The caller has the lock.
func (c *Conn) replace() *channel {
	if c.files == nil || c.closed || len(c.replaced) >= maxReplaced {
		return nil
	}
	config := c.files.changed()
	if config == nil {
		return nil
	}
	conn, err := c.open(config)
	if err != nil {
		c.log.Warn("the connection is not replaced after a change of the TLS files", "error", err)
		return nil
	}
	old := c.current
	c.current = newChannel(conn)
	c.replaced[old] = struct{}{}
	for _, cancel := range old.streams {
		cancel(errReplaced)
	}
	return old
}

func (c *Conn) closeUnused(old *channel) {
	if old == nil {
		return
	}
	c.mu.Lock()
	_, replaced := c.replaced[old]
	unused := replaced && old.calls == 0
	if unused {
		delete(c.replaced, old)
	}
	c.mu.Unlock()
	if unused {
		_ = old.Close()
	}
}

func newChannel(conn *grpc.ClientConn) *channel {
	return &channel{ClientConn: conn, streams: map[*call]context.CancelCauseFunc{}}
}

// call is the identity of one stream.
type call struct{ _ byte }

// replaceableStream reports the replacement of its connection as UNAVAILABLE.
type replaceableStream struct {
	grpc.ClientStream
	conn *Conn
	ctx  context.Context
}

func (s *replaceableStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil {
		return nil
	}
	return s.conn.seen(endOf(s.ctx, err))
}

func endOf(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), errReplaced) && status.Code(err) == codes.Canceled {
		return status.Error(codes.Unavailable, errReplaced.Error())
	}
	return err
}

func isWord(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r < 33 || r > 126 })
}
