package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	statuspb "google.golang.org/genproto/googleapis/rpc/status"

	rolecall "github.com/rolecall/rolecall/clients/go"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const (
	longest  = 120 * time.Second
	between  = 20 * time.Millisecond
	longText = 200
)

// step is one step of a scenario; each kind of step has some of the fields.
type step struct {
	Do             string            `json:"do"`
	Path           string            `json:"path"`
	Body           map[string]string `json:"body"`
	Query          string            `json:"query"`
	Queries        []string          `json:"queries"`
	Count          int               `json:"count"`
	InFlight       int               `json:"in_flight"`
	At             []int             `json:"at"`
	Then           []json.RawMessage `json:"then"`
	Method         string            `json:"method"`
	Request        json.RawMessage   `json:"request"`
	TimeoutSeconds float64           `json:"timeout_seconds"`
	Consistency    json.RawMessage   `json:"consistency"`
	Seconds        float64           `json:"seconds"`
	Step           json.RawMessage   `json:"step"`
	Workers        int               `json:"workers"`
	Calls          []string          `json:"calls"`
	During         []json.RawMessage `json:"during"`
	Role           string            `json:"role"`
	Open           []string          `json:"open"`
	Expect         json.RawMessage   `json:"expect"`
}

// expectation is what an answer must be; what it does not say may be anything.
type expectation struct {
	Decision *struct {
		Allowed *bool    `json:"allowed"`
		Reason  *string  `json:"reason"`
		By      []string `json:"by"`
	} `json:"decision"`
	Error *struct {
		Code       string           `json:"code"`
		Reason     *string          `json:"reason"`
		Violations []map[string]any `json:"violations"`
	} `json:"error"`
	Identity *string `json:"identity"`
}

// fieldsOf has the fields of each kind of step, beside `do`.
var fieldsOf = map[string][]string{
	"control": {"path", "body"},
	"check":   {"query", "timeout_seconds", "consistency", "expect"},
	"explain": {"query", "timeout_seconds", "consistency", "expect"},
	"batch":   {"queries", "count", "expect"},
	"stream":  {"queries", "count", "in_flight", "at", "then", "expect"},
	"call":    {"method", "request", "timeout_seconds", "expect"},
	"whoami":  {"expect"},
	"until":   {"seconds", "step"},
	"load":    {"workers", "calls", "query", "during"},
	"watch":   {"role", "during", "expect"},
	"close":   {"open"},
}

// interpreter runs the steps of one scenario with one client.
type interpreter struct {
	world   *world
	client  *rolecall.Client
	queries map[string]*rolecallv1.AssumeRoleQuery
}

func (i *interpreter) run(steps []json.RawMessage) error {
	for _, text := range steps {
		if err := i.step(text); err != nil {
			return err
		}
	}
	return nil
}

func (i *interpreter) step(text json.RawMessage) error {
	s := step{}
	if err := strict(text, &s); err != nil {
		return err
	}
	known, found := fieldsOf[s.Do]
	if !found {
		return fmt.Errorf("there is no step `%s`", s.Do)
	}
	err := requireOnly(text, append([]string{"do"}, known...)...)
	if err == nil {
		err = i.do(s)
	}
	if err != nil {
		return fmt.Errorf("%.*s: %w", longText, text, err)
	}
	return nil
}

func (i *interpreter) do(s step) error {
	switch s.Do {
	case "control":
		_, err := i.world.control(s.Path, s.Body)
		return err
	case "check", "explain":
		return i.ask(s)
	case "batch":
		return i.batch(s)
	case "stream":
		return i.stream(s)
	case "call":
		return i.call(s)
	case "whoami":
		return i.whoami(s)
	case "until":
		return i.until(s)
	case "load":
		return i.load(s)
	case "watch":
		return i.watch(s)
	}
	return i.close(s)
}

// limit returns the context of a call.
func limit(s step) (context.Context, context.CancelFunc) {
	if s.TimeoutSeconds == 0 {
		return context.Background(), func() {}
	}
	return context.WithTimeout(context.Background(), seconds(s.TimeoutSeconds))
}

func (i *interpreter) ask(s step) error {
	ctx, cancel := limit(s)
	defer cancel()
	freshness, err := freshnessOf(s.Consistency)
	if err != nil {
		return err
	}
	if s.Do == "explain" {
		var options []rolecall.ExplainOption
		for _, option := range freshness {
			options = append(options, option)
		}
		answer, err := i.client.Explain(ctx, i.queries[s.Query], options...)
		return i.expect(s.Expect, answer.GetDecision(), err)
	}
	answer, err := i.client.Check(ctx, i.queries[s.Query], freshness...)
	return i.expect(s.Expect, answer.GetDecision(), err)
}

func freshnessOf(text json.RawMessage) ([]rolecall.CheckOption, error) {
	if text == nil {
		return nil, nil
	}
	message := &rolecallv1.Consistency{}
	if err := protojson.Unmarshal(text, message); err != nil {
		return nil, err
	}
	switch requirement := message.GetRequirement().(type) {
	case *rolecallv1.Consistency_FullyConsistent:
		return []rolecall.CheckOption{rolecall.FullyConsistent()}, nil
	case *rolecallv1.Consistency_AtLeastAsFresh:
		return []rolecall.CheckOption{rolecall.AtLeastAsFresh(requirement.AtLeastAsFresh)}, nil
	}
	return nil, nil
}

func (i *interpreter) batch(s step) error {
	expected, err := list(s.Expect)
	if err != nil {
		return err
	}
	answer, err := i.client.BatchCheck(context.Background(), slices.Collect(i.rotated(s)))
	if err != nil {
		return err
	}
	if found := len(answer.GetResults()); found != s.Count {
		return fmt.Errorf("%d results", found)
	}
	for number, result := range answer.GetResults() {
		err := i.expect(expected[number%len(expected)], result.GetDecision(), errorIn(result.GetError()))
		if err != nil {
			return fmt.Errorf("result %d: %w", number, err)
		}
	}
	return nil
}

func (i *interpreter) stream(s step) error {
	expected, err := list(s.Expect)
	if err != nil {
		return err
	}
	read := 0
	for answer, err := range i.client.StreamCheck(context.Background(), i.rotated(s), rolecall.InFlight(s.InFlight)) {
		if err != nil {
			return i.expect(expected[read%len(expected)], nil, err)
		}
		if answer.GetSequence() != int64(read) {
			return fmt.Errorf("answer %d is that of query %d", read, answer.GetSequence())
		}
		err := i.expect(expected[read%len(expected)], answer.GetDecision(), errorIn(answer.GetError()))
		if err != nil {
			return fmt.Errorf("answer %d: %w", read, err)
		}
		if read++; slices.Contains(s.At, read) {
			if err := i.run(s.Then); err != nil {
				return err
			}
		}
	}
	if read != s.Count {
		return fmt.Errorf("%d answers", read)
	}
	return nil
}

func (i *interpreter) call(s step) error {
	ctx, cancel := limit(s)
	defer cancel()
	var err error
	switch s.Method {
	case "GetRole":
		err = called(ctx, s, &rolecallv1.GetRoleRequest{}, func(ctx context.Context, r *rolecallv1.GetRoleRequest) (any, error) {
			return i.client.GetRole(ctx, r.GetRole())
		})
	case "CreateRole":
		err = called(ctx, s, &rolecallv1.CreateRoleRequest{}, i.client.CreateRole)
	case "UpdateRole":
		err = called(ctx, s, &rolecallv1.UpdateRoleRequest{}, i.client.UpdateRole)
	case "DeleteRole":
		err = called(ctx, s, &rolecallv1.DeleteRoleRequest{}, i.client.DeleteRole)
	default:
		return fmt.Errorf("there is no method `%s`", s.Method)
	}
	return i.expect(s.Expect, nil, err)
}

func called[Request proto.Message, Answer any](
	ctx context.Context, s step, request Request, call func(context.Context, Request) (Answer, error),
) error {
	if err := protojson.Unmarshal(s.Request, request); err != nil {
		return err
	}
	_, err := call(ctx, request)
	return err
}

func (i *interpreter) whoami(s step) error {
	answer, err := i.client.WhoAmI(context.Background())
	if err != nil {
		return i.expect(s.Expect, nil, err)
	}
	expected := expectation{}
	if err := strict(s.Expect, &expected); err != nil {
		return err
	}
	if expected.Identity == nil || *expected.Identity != answer.GetIdentity() {
		return fmt.Errorf("the identity is `%s`", answer.GetIdentity())
	}
	return nil
}

func (i *interpreter) until(s step) error {
	deadline := time.Now().Add(seconds(s.Seconds))
	for {
		err := i.step(s.Step)
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(between)
	}
}

func (i *interpreter) rotated(s step) iter.Seq[*rolecallv1.AssumeRoleQuery] {
	return func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		for number := range s.Count {
			if !yield(i.queries[s.Queries[number%len(s.Queries)]]) {
				return
			}
		}
	}
}

// expect returns an error unless an answer, or its error, is as expected.
func (i *interpreter) expect(text json.RawMessage, decision *rolecallv1.Decision, err error) error {
	expected := expectation{}
	if err := strict(text, &expected); err != nil {
		return err
	}
	if err != nil {
		return expectError(expected, err)
	}
	if expected.Error != nil {
		return fmt.Errorf("no error, but %v", decision)
	}
	if expected.Decision == nil {
		return nil
	}
	if want := expected.Decision.Allowed; want != nil && *want != decision.GetAllowed() {
		return fmt.Errorf("`allowed` is %v", decision.GetAllowed())
	}
	reason := strings.TrimPrefix(decision.GetReason().String(), "DECISION_REASON_")
	if want := expected.Decision.Reason; want != nil && *want != reason {
		return fmt.Errorf("`reason` is %s", reason)
	}
	if want := expected.Decision.By; want != nil {
		answer, err := i.world.control("/who", map[string]string{"decision_id": decision.GetDecisionId()})
		if err != nil {
			return err
		}
		if process, _ := answer["process"].(string); !slices.Contains(want, process) {
			return fmt.Errorf("`by` is %s", process)
		}
	}
	return nil
}

// kinds has the kind of error that the client has for each code.
var kinds = map[string]error{
	"UNAVAILABLE": rolecall.ErrUnavailable, "DEADLINE_EXCEEDED": rolecall.ErrDeadlineExceeded,
	"PERMISSION_DENIED": rolecall.ErrAccessDenied, "UNAUTHENTICATED": rolecall.ErrNotAuthenticated,
	"INVALID_ARGUMENT": rolecall.ErrInvalidArgument, "NOT_FOUND": rolecall.ErrNotFound,
	"ALREADY_EXISTS": rolecall.ErrAlreadyExists, "ABORTED": rolecall.ErrAborted,
	"RESOURCE_EXHAUSTED": rolecall.ErrResourceExhausted,
}

func expectError(expected expectation, err error) error {
	var failed *rolecall.Error
	if !errors.As(err, &failed) || expected.Error == nil {
		return err
	}
	var code codes.Code
	if err := code.UnmarshalJSON([]byte(`"` + expected.Error.Code + `"`)); err != nil {
		return err
	}
	if failed.Code != code || kinds[expected.Error.Code] != nil && !errors.Is(err, kinds[expected.Error.Code]) {
		return fmt.Errorf("%v %s: %w", failed.Code, failed.Reason, err)
	}
	if want := expected.Error.Reason; want != nil && *want != failed.Reason {
		return fmt.Errorf("the reason is %s: %w", failed.Reason, err)
	}
	for _, wanted := range expected.Error.Violations {
		if !slices.ContainsFunc(failed.Violations, func(one rolecall.Violation) bool { return has(one, wanted) }) {
			return fmt.Errorf("no violation %v among %+v", wanted, failed.Violations)
		}
	}
	return nil
}

func has(violation rolecall.Violation, wanted map[string]any) bool {
	values := map[string]any{
		"field": violation.Field, "reason": violation.Reason, "pointer": violation.Pointer,
		"line": float64(violation.Line), "column": float64(violation.Column),
	}
	for name, value := range wanted {
		if values[name] != value {
			return false
		}
	}
	return true
}

func list(text json.RawMessage) ([]json.RawMessage, error) {
	var items []json.RawMessage
	err := json.Unmarshal(text, &items)
	if err == nil && len(items) == 0 {
		err = errors.New("nothing is expected")
	}
	return items, err
}

// errorIn returns the error of an item, nil if it has none.
func errorIn(status *statuspb.Status) error {
	if failed := rolecall.ErrorOfStatus(status); failed != nil {
		return failed
	}
	return nil
}
