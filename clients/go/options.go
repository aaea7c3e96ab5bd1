package rolecall

import (
	"errors"
	"fmt"
	"log/slog"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/rolecall/rolecall/clients/go/internal/address"
	"github.com/rolecall/rolecall/clients/go/internal/connection"
)

// DefaultTimeout is the time limit of a call, with its retries, whose context has no deadline.
const DefaultTimeout = 10 * time.Second

// MaxTimeout is the largest value of WithTimeout.
const MaxTimeout = 24 * time.Hour

// TLSFiles are PEM files: CA has the certificates that verify the server, Cert and Key the client's own certificate and key (both or
// neither), ServerName is the name in the server's certificate, if the address does not have it. The files have at most 4 MiB each.
type TLSFiles = connection.TLSFiles

// An Option changes how a client connects.
type Option func(*settings)

type settings struct {
	files       *TLSFiles
	credentials credentials.TransportCredentials
	token       TokenSource
	timeout     time.Duration
	agent       string
	hasAgent    bool
	log         *slog.Logger
	dial        []grpc.DialOption
}

// WithTLS turns on TLS. The files are read again when they change, at most a second later: calls in progress end on the old
// connection, and none fails.
func WithTLS(files TLSFiles) Option {
	return func(s *settings) { s.files, s.credentials = &files, nil }
}

// WithTransportCredentials uses credentials of gRPC, in place of TLS files.
func WithTransportCredentials(creds credentials.TransportCredentials) Option {
	return func(s *settings) { s.credentials, s.files = creds, nil }
}

// WithToken sends this token with each call. It is sent over TLS, or to this machine.
func WithToken(token string) Option { return WithTokenSource(fixedToken(token)) }

// WithTokenSource sends a token of this source with each call: a FileToken, a CommandToken, or a TokenFunc.
func WithTokenSource(source TokenSource) Option { return func(s *settings) { s.token = source } }

// WithTimeout sets the time limit of calls whose context has no deadline.
func WithTimeout(timeout time.Duration) Option { return func(s *settings) { s.timeout = timeout } }

// WithAgent names an agent of this node, as unix:PATH. Checks, batches and streams are asked of it first, and of the service if it
// is away, cannot answer (UNAVAILABLE), or does not answer within a second (or half of the time that is left, if that is less).
func WithAgent(address string) Option {
	return func(s *settings) { s.agent, s.hasAgent = address, true }
}

// WithLogger sets where the client logs, slog.Default if it is not set. It logs only what no call returns, such as TLS files that are
// invalid after a change.
func WithLogger(log *slog.Logger) Option { return func(s *settings) { s.log = log } }

// WithDialOptions adds options of gRPC to both connections, such as a stats handler. They come last.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) { s.dial = append(s.dial, options...) }
}

func settingsOf(options []Option) settings {
	s := settings{timeout: DefaultTimeout, log: slog.Default()}
	for _, option := range options {
		option(&s)
	}
	s.dial = append([]grpc.DialOption{grpc.WithUserAgent("rolecall-client-go/" + Version)}, s.dial...)
	return s
}

func (s settings) validate(service string) error {
	if s.timeout <= 0 || s.timeout > MaxTimeout {
		return fmt.Errorf("the timeout is %v; give more than 0 and at most %v", s.timeout, MaxTimeout)
	}
	if s.log == nil {
		return errors.New("the logger is nil; leave the option out")
	}
	if s.hasAgent {
		if err := address.Agent(s.agent); err != nil {
			return err
		}
	}
	if s.token != nil && s.files == nil && s.credentials == nil && !address.IsThisMachine(service) {
		return fmt.Errorf("a token is sent over TLS, or to this machine; give TLS files for `%s`", service)
	}
	return nil
}

func (s settings) service(address string) connection.Settings {
	return connection.Settings{
		Address: address, Files: s.files, Credentials: s.credentials, Token: s.sent(), Log: s.log, Options: s.dial,
	}
}

func (s settings) ofAgent() connection.Settings {
	return connection.Settings{Address: s.agent, Agent: true, Token: s.sent(), Log: s.log, Options: s.dial}
}

func (s settings) sent() connection.Token {
	if s.token == nil {
		return nil // and not an interface with nil in it
	}
	return s.token
}
