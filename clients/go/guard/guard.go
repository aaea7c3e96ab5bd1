package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"google.golang.org/genproto/googleapis/rpc/code"

	rolecall "github.com/rolecall/rolecall/clients/go"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const (
	// DefaultTimeout is how long a guard waits for a decision, unless WithTimeout says another time.
	DefaultTimeout = 2 * time.Second
	// MaxTimeout is the largest value of WithTimeout.
	MaxTimeout = time.Minute
	// MaxObserved is how many calls an observing guard decides at the same time.
	MaxObserved = 100

	sourceIP     = "acs:SourceIp"
	invalidToken = "INVALID_TOKEN"
)

// A Mode is what a guard does with what it finds.
type Mode string

// The modes.
const (
	// Enforce: a call passes only if it is allowed.
	Enforce Mode = "enforce"
	// Observe: every call passes at once and is decided beside; what would have been refused is logged and counted.
	Observe Mode = "observe"
)

// A Client answers checks, as *rolecall.Client does.
type Client interface {
	Check(
		ctx context.Context, query *rolecallv1.AssumeRoleQuery, options ...rolecall.CheckOption,
	) (*rolecallv1.CheckAssumeRoleResponse, error)
}

// An Option changes how a guard works.
type Option func(*Guard)

// WithMode sets the mode, Enforce if it is not set.
func WithMode(mode Mode) Option { return func(g *Guard) { g.report.mode = mode } }

// WithTimeout sets how long the guard waits for a decision; a caller that gives up earlier ends the wait.
func WithTimeout(timeout time.Duration) Option { return func(g *Guard) { g.timeout = timeout } }

// WithContext adds condition keys, from the method and the peer of a call, to acs:SourceIp, the address of the peer, which they may
// replace. A call for which it returns an error is not decided, and does not pass.
func WithContext(context func(method string, peer Peer) (rolecall.Values, error)) Option {
	return func(g *Guard) { g.context = context }
}

// WithOnDecision has a function called with each decision, in the goroutine that made it. It must be quick.
func WithOnDecision(onDecision func(Decision)) Option {
	return func(g *Guard) { g.report.onDecision = onDecision }
}

// WithLogger sets where refusals are logged, ten a second at most; slog.Default if it is not set.
func WithLogger(log *slog.Logger) Option { return func(g *Guard) { g.report.log = log } }

// WithProxy trusts a proxy that ends TLS in front of the service to say who calls.
func WithProxy(proxy *TrustedProxy) Option { return func(g *Guard) { g.proxy = proxy } }

// A Guard protects the methods of a service with roles. It is safe for concurrent use. It uses its client and does not close it.
type Guard struct {
	client   Client
	roles    AccessMap
	identify Identifier
	context  func(method string, peer Peer) (rolecall.Values, error)
	timeout  time.Duration
	proxy    *TrustedProxy
	report   *report

	mu        sync.Mutex
	closed    bool
	observing int
	observed  sync.WaitGroup
}

// New returns a guard. roles names the role of each method, identify says who calls.
//
// Whatever is not allowed is refused: a method without a role, an unknown caller, a deny, and a query that was not answered in time.
// Close it when it observes.
func New(client Client, roles AccessMap, identify Identifier, options ...Option) (*Guard, error) {
	g := &Guard{
		client: client, roles: roles, identify: identify, timeout: DefaultTimeout,
		report: &report{mode: Enforce, log: slog.Default(), counts: counts{counts: map[Count]int64{}}},
	}
	for _, option := range options {
		option(g)
	}
	if err := g.validate(); err != nil {
		return nil, err
	}
	return g, nil
}

func (g *Guard) validate() error {
	if g.client == nil || g.roles == nil || g.identify == nil || g.report.log == nil {
		return errors.New("a guard needs a client, a map of roles, an identifier and a logger; one of them is nil")
	}
	if mode := g.report.mode; mode != Enforce && mode != Observe {
		return fmt.Errorf("`%s` is no mode of a guard; write guard.Enforce or guard.Observe", mode)
	}
	if g.timeout <= 0 || g.timeout > MaxTimeout {
		return fmt.Errorf("a guard waits more than 0 and at most %v for a decision, and not %v", MaxTimeout, g.timeout)
	}
	if checked, ok := g.identify.(interface{ validate() error }); ok {
		if err := checked.validate(); err != nil {
			return err
		}
	}
	if accounts, ok := g.identify.(interface{ needsAccount() bool }); ok && accounts.needsAccount() {
		for _, role := range g.roles.Roles() {
			if rolecall.AccountOf(role) == "" {
				return fmt.Errorf("the role `%s` needs its account; write ACCOUNT/%s, or give AccountID", role, role)
			}
		}
	}
	return nil
}

// Refusal returns the decision that refuses a call; nil if the call passes.
func (g *Guard) Refusal(ctx context.Context, method string, peer Peer) *Decision {
	// Who calls is read now, also by an observing guard: later the headers may have changed.
	call, decision := g.prepared(method, peer)
	if g.report.mode == Observe {
		g.observe(ctx, call, decision)
		return nil
	}
	if decision == nil {
		decision = g.asked(ctx, call)
	}
	g.report.add(decision)
	if decision.Allowed() {
		return nil
	}
	return decision
}

// Counts returns how many calls had each outcome so far, by role.
func (g *Guard) Counts() map[Count]int64 { return g.report.counts.all() }

// Close waits until what is still observed is decided. The client stays open, and an enforcing guard keeps working.
func (g *Guard) Close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.observed.Wait()
}

// guardedCall is a call that is judged by a query.
type guardedCall struct {
	found  Decision
	caller string
	query  *rolecallv1.AssumeRoleQuery
}

// prepared returns the call with its query, or the decision about one that needs none.
func (g *Guard) prepared(method string, peer Peer) (*guardedCall, *Decision) {
	access := g.roles.Find(method)
	call := &guardedCall{found: Decision{Method: method, Pattern: access.Pattern, Role: access.Role}}
	switch {
	case access.Public:
		return nil, call.decided(Public, "", "")
	case access.Role == "":
		return nil, call.decided(Closed, "", "the map does not name the method")
	}
	if err := g.ask(call, peer); err != nil {
		return nil, call.failed(err)
	}
	return call, nil
}

// ask gives a call its query.
func (g *Guard) ask(call *guardedCall, peer Peer) error {
	caller, err := g.identify.Identify(peer)
	if err != nil {
		return err
	}
	values := rolecall.Values{}
	if peer.SourceIP != "" {
		values[sourceIP] = []string{peer.SourceIP}
	}
	if g.context != nil {
		further, err := g.context(call.found.Method, peer)
		if err != nil {
			return err
		}
		maps.Copy(values, further)
	}
	options := []rolecall.QueryOption{
		rolecall.ContextOf(values), rolecall.Claims(caller.Claims), rolecall.OIDCToken(caller.Token),
		rolecall.RoleAccount(caller.AccountID),
	}
	call.query, err = rolecall.Query(caller.As, call.found.Role, options...)
	call.caller = caller.As
	return err
}

func (g *Guard) asked(ctx context.Context, call *guardedCall) *Decision {
	ctx, cancel := context.WithTimeout(ctx, g.timeout)
	defer cancel()
	answer, err := g.client.Check(ctx, call.query)
	if err != nil {
		return call.failed(err)
	}
	decision := answer.GetDecision()
	outcome := Denied
	if decision.GetAllowed() {
		outcome = Allowed
	}
	found := call.decided(outcome, strings.TrimPrefix(decision.GetReason().String(), "DECISION_REASON_"), "")
	found.DecisionID = decision.GetDecisionId()
	return found
}

// observe decides about a call beside it, or counts it as not observed if too many are being decided.
func (g *Guard) observe(ctx context.Context, call *guardedCall, decision *Decision) {
	if decision != nil {
		g.report.add(decision)
		return
	}
	g.mu.Lock()
	admitted := !g.closed && g.observing < MaxObserved
	if admitted {
		g.observing++
		g.observed.Add(1)
	}
	g.mu.Unlock()
	if !admitted {
		detail := fmt.Sprintf("%d calls are being decided already, or the guard is closed", MaxObserved)
		g.report.add(call.decided(NotObserved, "", detail))
		return
	}
	go func() {
		defer g.observed.Done()
		g.report.add(g.asked(context.WithoutCancel(ctx), call)) // the call may end earlier
		g.mu.Lock()
		defer g.mu.Unlock()
		g.observing--
	}()
}

func (c *guardedCall) decided(outcome Outcome, reason, detail string) *Decision {
	found := c.found
	found.Outcome, found.Caller, found.Reason, found.Detail = outcome, c.caller, reason, detail
	return &found
}

// failed returns the decision about a call that could not be decided: it never passes.
func (c *guardedCall) failed(err error) *Decision {
	var unknown *UnknownCallerError
	if errors.As(err, &unknown) {
		return c.decided(UnknownCaller, "", unknown.Message)
	}
	var failed *rolecall.Error
	if !errors.As(err, &failed) {
		return c.decided(Undecided, "ERROR", err.Error())
	}
	reason := failed.Reason
	if reason == "" {
		reason = code.Code(failed.Code).String()
	}
	// A token that the server refuses is the caller's fault; every other query that it refuses is a mistake of the guard.
	rejected := func(v rolecall.Violation) bool { return v.Reason == invalidToken }
	if slices.ContainsFunc(failed.Violations, rejected) {
		return c.decided(UnknownCaller, reason, failed.Message)
	}
	return c.decided(Undecided, reason, failed.Message)
}
