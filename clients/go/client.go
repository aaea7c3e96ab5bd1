package rolecall

import (
	"context"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/rolecall/rolecall/clients/go/internal/connection"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// A Client asks one Rolecall service. It is safe for concurrent use; close it after use.
//
// A call whose context has no deadline gets that of WithTimeout, 10 seconds by default. Outgoing metadata of the context is sent.
// Methods return the answers of the contract, and an *Error when a call fails; a deny is an answer. Every write has a request id,
// generated if none is given, so that it is safe to repeat.
type Client struct {
	timeout time.Duration
	conn    *connection.Conn
	agent   *connection.Conn // nil: none is configured

	decisions, agentDecisions rolecallv1.DecisionServiceClient
	roles                     rolecallv1.RoleServiceClient
	policies                  rolecallv1.PolicyServiceClient
	watches                   rolecallv1.WatchServiceClient
	callers                   rolecallv1.CallerServiceClient
}

// New returns a client of the service at an address: HOST:PORT, HOST (port 50051), dns:///HOST:PORT or unix:PATH. Calls are balanced
// over all addresses of a name that report themselves healthy. Nothing is sent before the first call.
func New(address string, options ...Option) (*Client, error) {
	s := settingsOf(options)
	if err := s.validate(address); err != nil {
		return nil, err
	}
	conn, err := connection.Open(s.service(address))
	if err != nil {
		return nil, err
	}
	c := &Client{
		timeout:   s.timeout,
		conn:      conn,
		decisions: rolecallv1.NewDecisionServiceClient(conn),
		roles:     rolecallv1.NewRoleServiceClient(conn),
		policies:  rolecallv1.NewPolicyServiceClient(conn),
		watches:   rolecallv1.NewWatchServiceClient(conn),
		callers:   rolecallv1.NewCallerServiceClient(conn),
	}
	if !s.hasAgent {
		return c, nil
	}
	if c.agent, err = connection.Open(s.ofAgent()); err != nil {
		conn.Close()
		return nil, err
	}
	c.agentDecisions = rolecallv1.NewDecisionServiceClient(c.agent)
	return c, nil
}

// Close closes the connections; calls in progress fail, and later ones with ErrClosed. It always returns nil.
func (c *Client) Close() error {
	c.conn.Close()
	if c.agent != nil {
		c.agent.Close()
	}
	return nil
}

// Conn returns the connection to the service, for stubs of the contract and of the standard services of gRPC: it balances, repeats
// and sends the token as every call of this client. Its errors are those of gRPC.
func (c *Client) Conn() grpc.ClientConnInterface { return c.conn }

// method is a method of a stub.
type method[Stub, Request, Answer any] func(Stub, context.Context, *Request, ...grpc.CallOption) (*Answer, error)

// called makes one call; the context has a deadline.
func called[Stub, Request, Answer any](
	ctx context.Context, stub Stub, call method[Stub, Request, Answer], request *Request,
) (*Answer, error) {
	var trailer metadata.MD
	answer, err := call(stub, ctx, request, grpc.Trailer(&trailer))
	if err != nil {
		return nil, errorOf(err, trailer)
	}
	return answer, nil
}

// limited makes one call within the time limit of the client.
func limited[Stub, Request, Answer any](
	ctx context.Context, c *Client, stub Stub, call method[Stub, Request, Answer], request *Request,
) (*Answer, error) {
	ctx, cancel := withDeadline(ctx, c.timeout)
	defer cancel()
	return called(ctx, stub, call, request)
}

// withDeadline returns a context that has a deadline: its own, or else the timeout.
func withDeadline(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if _, limited := ctx.Deadline(); limited {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, timeout)
}
