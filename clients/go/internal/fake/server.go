// Package fake has a service for unit tests: the real gRPC with decisions that a test chooses.
package fake

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// Service answers checks: it allows the roles that begin with "allowed", unless Answer says something else.
type Service struct {
	rolecallv1.UnimplementedCallerServiceServer
	rolecallv1.UnimplementedDecisionServiceServer
	rolecallv1.UnimplementedPolicyServiceServer
	rolecallv1.UnimplementedRoleServiceServer
	rolecallv1.UnimplementedWatchServiceServer

	// Name is the decision id of every decision.
	Name string
	// Answer replaces the answer to a query; nil for the usual one.
	Answer func(ctx context.Context, query *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error)
	// AnswersPerStream ends each stream with UNAVAILABLE after so many answers; 0: never.
	AnswersPerStream int
	// ErrorsPerItem has a query of a stream answered with its error, also if that is UNAVAILABLE, which otherwise ends the stream.
	ErrorsPerItem bool
	// Watch serves watches.
	Watch func(request *rolecallv1.WatchRolesRequest, stream grpc.ServerStreamingServer[rolecallv1.WatchRolesResponse]) error

	// Calls counts checks, batches and streams.
	Calls atomic.Int64

	mu      sync.Mutex
	tokens  []string
	roles   map[string]*rolecallv1.Role
	applied []*rolecallv1.ApplyRolesRequest
	writes  []string
}

// Server is a service that listens.
type Server struct {
	*grpc.Server
	Address string
}

// Start serves on a port of this machine until the test ends.
func Start(t testing.TB, service *Service, options ...grpc.ServerOption) *Server {
	t.Helper()
	return start(t, service, "tcp", "127.0.0.1:0", options)
}

// StartAt serves on an address.
func StartAt(t testing.TB, service *Service, address string, options ...grpc.ServerOption) *Server {
	t.Helper()
	return start(t, service, "tcp", address, options)
}

// StartTLS serves with a certificate of its own, and one that clients must have.
func StartTLS(t testing.TB, service *Service, config *tls.Config) *Server {
	t.Helper()
	return Start(t, service, grpc.Creds(credentials.NewTLS(config)))
}

// SocketPath returns a path for a unix socket, which must be short.
func SocketPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "s")
}

// StartSocket serves on a unix socket; its address begins with unix:.
func StartSocket(t testing.TB, service *Service, path string) *Server {
	t.Helper()
	server := start(t, service, "unix", path, nil)
	server.Address = "unix:" + path
	return server
}

func start(t testing.TB, service *Service, network, address string, options []grpc.ServerOption) *Server {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(append(options, grpc.UnaryInterceptor(service.unary), grpc.StreamInterceptor(service.stream))...)
	rolecallv1.RegisterCallerServiceServer(server, service)
	rolecallv1.RegisterDecisionServiceServer(server, service)
	rolecallv1.RegisterPolicyServiceServer(server, service)
	rolecallv1.RegisterRoleServiceServer(server, service)
	rolecallv1.RegisterWatchServiceServer(server, service)
	healthpb.RegisterHealthServer(server, health.NewServer())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(listener)
	}()
	t.Cleanup(func() {
		server.Stop()
		<-done
	})
	return &Server{server, listener.Addr().String()}
}

// Fail returns the error of a server: a status with an ErrorInfo, and further details.
func Fail(code codes.Code, reason, message string, details ...protoadapt.MessageV1) error {
	info := &errdetails.ErrorInfo{Reason: reason, Domain: "rolecall", Metadata: map[string]string{"request_id": "r-1"}}
	with, err := status.New(code, message).WithDetails(append([]protoadapt.MessageV1{info}, details...)...)
	if err != nil {
		return err
	}
	return with.Err()
}

// Tokens returns the tokens of the calls so far, empty for those without one.
func (s *Service) Tokens() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.tokens...)
}

func (s *Service) unary(
	ctx context.Context, request any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (any, error) {
	s.note(ctx)
	return handle(ctx, request)
}

func (s *Service) stream(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
	if !strings.HasPrefix(info.FullMethod, "/grpc.health") {
		s.note(stream.Context())
	}
	return handle(server, stream)
}

func (s *Service) note(ctx context.Context) {
	sent, _ := metadata.FromIncomingContext(ctx)
	token := ""
	if values := sent.Get("authorization"); len(values) > 0 {
		token = strings.TrimPrefix(values[0], "Bearer ")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tokens = append(s.tokens, token)
}

func (s *Service) decide(ctx context.Context, query *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
	if s.Answer != nil {
		if decision, err := s.Answer(ctx, query); decision != nil || err != nil {
			return decision, err
		}
	}
	decision := &rolecallv1.Decision{
		Allowed:    strings.HasPrefix(query.GetRole(), "allowed"),
		Reason:     rolecallv1.DecisionReason_DECISION_REASON_IMPLICIT_DENY,
		DecisionId: s.Name,
	}
	if decision.Allowed {
		decision.Reason = rolecallv1.DecisionReason_DECISION_REASON_ALLOW
	}
	return decision, nil
}

// CheckAssumeRole decides.
func (s *Service) CheckAssumeRole(
	ctx context.Context, request *rolecallv1.CheckAssumeRoleRequest,
) (*rolecallv1.CheckAssumeRoleResponse, error) {
	s.Calls.Add(1)
	decision, err := s.decide(ctx, request.GetQuery())
	return &rolecallv1.CheckAssumeRoleResponse{Decision: decision}, err
}

// BatchCheckAssumeRole decides each query.
func (s *Service) BatchCheckAssumeRole(
	ctx context.Context, request *rolecallv1.BatchCheckAssumeRoleRequest,
) (*rolecallv1.BatchCheckAssumeRoleResponse, error) {
	s.Calls.Add(1)
	answer := &rolecallv1.BatchCheckAssumeRoleResponse{}
	for _, query := range request.GetQueries() {
		decision, err := s.decide(ctx, query)
		result := &rolecallv1.BatchCheckResult{Result: &rolecallv1.BatchCheckResult_Decision{Decision: decision}}
		if err != nil {
			result.Result = &rolecallv1.BatchCheckResult_Error{Error: status.Convert(err).Proto()}
		}
		answer.Results = append(answer.Results, result)
	}
	return answer, nil
}

// StreamCheckAssumeRole decides queries as they arrive.
func (s *Service) StreamCheckAssumeRole(
	stream grpc.BidiStreamingServer[rolecallv1.StreamCheckAssumeRoleRequest, rolecallv1.StreamCheckAssumeRoleResponse],
) error {
	s.Calls.Add(1)
	for answers := 0; ; answers++ {
		if s.AnswersPerStream > 0 && answers == s.AnswersPerStream {
			return Fail(codes.Unavailable, "STREAM_AGE", "the stream has reached the maximum age")
		}
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		decision, err := s.decide(stream.Context(), message.GetQuery())
		if status.Code(err) == codes.Unavailable && !s.ErrorsPerItem {
			return err
		}
		answer := &rolecallv1.StreamCheckAssumeRoleResponse{
			Sequence: message.GetSequence(),
			Result:   &rolecallv1.StreamCheckAssumeRoleResponse_Decision{Decision: decision},
		}
		if err != nil {
			answer.Result = &rolecallv1.StreamCheckAssumeRoleResponse_Error{Error: status.Convert(err).Proto()}
		}
		if err := stream.Send(answer); err != nil {
			return err
		}
	}
}

// WatchRoles serves the watch of the test.
func (s *Service) WatchRoles(
	request *rolecallv1.WatchRolesRequest, stream grpc.ServerStreamingServer[rolecallv1.WatchRolesResponse],
) error {
	return s.Watch(request, stream)
}
