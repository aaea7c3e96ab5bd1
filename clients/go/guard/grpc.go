package guard

import (
	"context"
	"fmt"
	"net"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Domain is the domain of the ErrorInfo of a refused call.
const Domain = "rolecall.guard"

// refusal is the status of a refused call. It says nothing about roles and policies.
type refusal struct {
	code            codes.Code
	reason, message string
}

var refusals = map[Outcome]refusal{
	Denied:        {codes.PermissionDenied, "NOT_ALLOWED", "the caller is not allowed to call this method"},
	Closed:        {codes.PermissionDenied, "METHOD_CLOSED", "this method is not open to callers"},
	UnknownCaller: {codes.Unauthenticated, "UNKNOWN_CALLER", "the call has no valid credential that names one caller"},
}

var undecided = refusal{codes.Unavailable, "NOT_DECIDED", "whether the caller is allowed could not be decided; retry later"}

// UnaryServerInterceptor lets a call reach its method only if it passes. It must be the first interceptor: those before it see calls that
// may be refused. A refused call ends with PERMISSION_DENIED, UNAUTHENTICATED or UNAVAILABLE.
func (g *Guard) UnaryServerInterceptor() grpc.UnaryServerInterceptor {
	return func(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		if decision := g.Refusal(ctx, info.FullMethod, g.grpcPeer(ctx)); decision != nil {
			return nil, statusOf(decision)
		}
		return handle(ctx, request)
	}
}

// StreamServerInterceptor is UnaryServerInterceptor for streams. A service needs both.
func (g *Guard) StreamServerInterceptor() grpc.StreamServerInterceptor {
	return func(server any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) error {
		ctx := stream.Context()
		if decision := g.Refusal(ctx, info.FullMethod, g.grpcPeer(ctx)); decision != nil {
			return statusOf(decision)
		}
		return handle(server, stream)
	}
}

func (g *Guard) grpcPeer(ctx context.Context) Peer {
	sent, _ := metadata.FromIncomingContext(ctx)
	headers := lowered(sent)
	from, known := peer.FromContext(ctx)
	if !known {
		return Peer{Headers: headers}
	}
	address := addressOf(from.Addr)
	if g.proxy != nil && g.proxy.isProxy(address) {
		return g.proxy.peer(headers)
	}
	found := Peer{Headers: headers, SourceIP: address}
	// Only a certificate that the server has verified is a name.
	if tls, ok := from.AuthInfo.(credentials.TLSInfo); ok && len(tls.State.VerifiedChains) > 0 {
		found.SPIFFEIDs, found.DNSNames = namesIn(tls.State.PeerCertificates[0])
	}
	return found
}

func addressOf(address net.Addr) string {
	if address == nil || !strings.HasPrefix(address.Network(), "tcp") {
		return ""
	}
	host, _, err := net.SplitHostPort(address.String())
	if err != nil {
		return ""
	}
	return plainAddress(host)
}

// statusOf returns the status of a refused call, for its caller.
func statusOf(decision *Decision) error {
	refused, known := refusals[decision.Outcome]
	if !known {
		refused = undecided
	}
	message := refused.message
	info := &errdetails.ErrorInfo{Reason: refused.reason, Domain: Domain}
	if decision.DecisionID != "" {
		message = fmt.Sprintf("%s; decision `%s`", message, decision.DecisionID)
		info.Metadata = map[string]string{"decision_id": decision.DecisionID}
	}
	details := []protoadapt.MessageV1{info}
	if refused.code == codes.Unavailable {
		details = append(details, &errdetails.RetryInfo{RetryDelay: &durationpb.Duration{Seconds: RetryAfterSeconds}})
	}
	plain := status.New(refused.code, message)
	if detailed, err := plain.WithDetails(details...); err == nil {
		return detailed.Err()
	}
	return plain.Err()
}
