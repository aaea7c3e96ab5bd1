package guard

import "sync"

// RetryAfterSeconds is after how long a caller may try again whose call could not be decided.
const RetryAfterSeconds = 1

// An Outcome is what a guard found about a call. Only Allowed and Public calls pass an enforcing guard.
type Outcome string

// The outcomes.
const (
	// Allowed: the caller may assume the role of the method.
	Allowed Outcome = "allowed"
	// Public: the method is open to every caller; nobody was asked.
	Public Outcome = "public"
	// Denied: the caller may not assume the role of the method.
	Denied Outcome = "denied"
	// Closed: no entry of the map names the method.
	Closed Outcome = "closed"
	// UnknownCaller: the call does not name exactly one caller, or its token is invalid.
	UnknownCaller Outcome = "unknown_caller"
	// Undecided: no decision could be made, because the service did not answer or refused the query.
	Undecided Outcome = "undecided"
	// NotObserved: the guard observes, and too many calls were being decided already.
	NotObserved Outcome = "not_observed"
)

// A Decision is what a guard found about one call. Pattern is the entry of the map that names the method, Caller who was asked for.
// Reason is the reason of the decision, or of the error; Detail is a sentence for the log. Of all this only DecisionID may be shown to
// the caller.
type Decision struct {
	Outcome    Outcome
	Method     string
	Pattern    string
	Role       string
	Caller     string
	DecisionID string
	Reason     string
	Detail     string
}

// Allowed returns whether an enforcing guard lets the call pass.
func (d *Decision) Allowed() bool { return d.Outcome == Allowed || d.Outcome == Public }

// A Count is the number of calls of a role with an outcome. Calls without a role have an empty one.
type Count struct {
	Role    string
	Outcome Outcome
}

// counts counts decisions. The roles are those of the map, so their number is limited.
type counts struct {
	mu     sync.Mutex
	counts map[Count]int64
}

func (c *counts) add(decision *Decision) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts[Count{decision.Role, decision.Outcome}]++
}

func (c *counts) all() map[Count]int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	copied := make(map[Count]int64, len(c.counts))
	for count, number := range c.counts {
		copied[count] = number
	}
	return copied
}
