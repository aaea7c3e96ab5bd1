package rolecall

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	statuspb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/clients/go/internal/connection"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// What callers treat differently. Compare with errors.Is.
var (
	// ErrUnavailable: no server could be reached, or it is stopping. Calls that are safe to repeat have been repeated.
	ErrUnavailable = errors.New("unavailable")
	// ErrDeadlineExceeded: no answer in time. A write may have been made: repeat it with the same request id.
	ErrDeadlineExceeded = errors.New("deadline exceeded")
	// ErrAccessDenied: the server knows the caller, which may not do this.
	ErrAccessDenied = errors.New("access denied")
	// ErrNotAuthenticated: the server does not know the caller: no credential, or one that it refuses.
	ErrNotAuthenticated = errors.New("not authenticated")
	// ErrNoToken: there is no token to send, because its file cannot be read or its command failed. It is also an ErrNotAuthenticated.
	ErrNoToken = errors.New("no token")
	// ErrInvalidArgument: the request breaks rules, which Violations lists. A repeat fails in the same way.
	ErrInvalidArgument = errors.New("invalid argument")
	// ErrNotFound: the role, or the revision, does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists: a role of this name exists.
	ErrAlreadyExists = errors.New("already exists")
	// ErrAborted: another write came first, for example when an etag is no longer the current one.
	ErrAborted = errors.New("aborted")
	// ErrResourceExhausted: a limit was reached, which the message names: wait for RetryAfter, or ask for less.
	ErrResourceExhausted = errors.New("resource exhausted")
	// ErrResyncRequired: a watch has lost changes. Discard what was built from them, and start a watch with the initial state.
	ErrResyncRequired = errors.New("resync required")
	// ErrClosed: the client was closed.
	ErrClosed = errors.New("the client is closed")
)

const (
	reasonNoToken        = "NO_TOKEN"
	reasonResyncRequired = "RESYNC_REQUIRED"
	reasonClosed         = "CLIENT_CLOSED"
	requestIDKey         = "x-request-id"
	requestIDFact        = "request_id"
)

var kinds = map[codes.Code]error{
	codes.Unavailable:       ErrUnavailable,
	codes.DeadlineExceeded:  ErrDeadlineExceeded,
	codes.PermissionDenied:  ErrAccessDenied,
	codes.Unauthenticated:   ErrNotAuthenticated,
	codes.InvalidArgument:   ErrInvalidArgument,
	codes.NotFound:          ErrNotFound,
	codes.AlreadyExists:     ErrAlreadyExists,
	codes.Aborted:           ErrAborted,
	codes.ResourceExhausted: ErrResourceExhausted,
}

var kindsOfReasons = map[string]error{
	reasonNoToken:        ErrNoToken,
	reasonResyncRequired: ErrResyncRequired,
	reasonClosed:         ErrClosed,
}

// A Violation is one field of the request, or one element of a trust policy, that breaks a rule. Reason is stable, and may be empty.
//
// Of an element of a trust policy, Pointer is its JSON pointer, and Line and Column count from 1 in the document that was sent;
// otherwise they are empty and 0.
type Violation struct {
	Field, Reason, Message string
	Pointer                string
	Line, Column           int
}

// An Error means that a question was not answered, or that a write was not made. A deny is no error.
//
// Reason is a stable word (ROLE_NOT_FOUND), empty if the error does not come from Rolecall itself. Metadata has further facts, such as
// ram_code, and RequestID identifies the call in the log of the server. RetryAfter is how long the server asks to wait before a
// repeat, 0 if it does not ask.
type Error struct {
	Code       codes.Code
	Reason     string
	Message    string
	Violations []Violation
	Metadata   map[string]string
	RequestID  string
	RetryAfter time.Duration

	cause error
}

// Error returns the message of the server.
func (e *Error) Error() string { return "rolecall: " + e.Message }

// Unwrap returns the error that this one is made of, if any.
func (e *Error) Unwrap() error { return e.cause }

// Is returns whether the error is of the kind that target names. Errors of a deadline and of a cancellation are also those of context.
func (e *Error) Is(target error) bool {
	switch {
	case target == kinds[e.Code] || target == kindsOfReasons[e.Reason]:
		return target != nil
	case target == context.DeadlineExceeded:
		return e.Code == codes.DeadlineExceeded
	case target == context.Canceled:
		return e.Code == codes.Canceled
	}
	return false
}

// GRPCStatus returns the status that gRPC gives to a method that returns this error.
func (e *Error) GRPCStatus() *status.Status { return status.New(e.Code, e.Message) }

// ErrorOfStatus returns the error of a status, for example of one query of a batch; nil if there is none.
func ErrorOfStatus(message *statuspb.Status) *Error {
	if message.GetCode() == int32(codes.OK) {
		return nil
	}
	e := &Error{Code: codeOf(message.GetCode()), Message: message.GetMessage(), Metadata: map[string]string{}}
	var broken []*errdetails.BadRequest_FieldViolation
	var positions []*rolecallv1.PolicyViolation
	for _, detail := range message.GetDetails() {
		decoded, err := detail.UnmarshalNew()
		if err != nil {
			continue // a newer server may have details that this client does not know
		}
		switch detail := decoded.(type) {
		case *errdetails.ErrorInfo:
			e.Reason, e.RequestID = detail.GetReason(), detail.GetMetadata()[requestIDFact]
			for name, fact := range detail.GetMetadata() {
				e.Metadata[name] = fact
			}
		case *errdetails.BadRequest:
			broken = append(broken, detail.GetFieldViolations()...)
		case *errdetails.RetryInfo:
			e.RetryAfter = detail.GetRetryDelay().AsDuration()
		case *rolecallv1.PolicyViolation:
			positions = append(positions, detail)
		}
	}
	e.Violations = violations(broken, positions)
	return e
}

func violations(broken []*errdetails.BadRequest_FieldViolation, positions []*rolecallv1.PolicyViolation) []Violation {
	var found []Violation
	for i, one := range broken {
		violation := Violation{Field: one.GetField(), Reason: one.GetReason(), Message: one.GetDescription()}
		// Older servers, and errors without a trust policy, send no positions.
		if i < len(positions) {
			at := positions[i]
			violation.Pointer, violation.Line, violation.Column = at.GetPointer(), int(at.GetLine()), int(at.GetColumn())
		}
		found = append(found, violation)
	}
	return found
}

// errorOf returns the error of a failed call; nil if it did not fail.
func errorOf(err error, trailer metadata.MD) error {
	if err == nil {
		return nil
	}
	var known *Error
	var noToken *connection.NoTokenError
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &noToken):
		return &Error{Code: codes.Unauthenticated, Reason: reasonNoToken, Message: err.Error(), cause: noToken.Cause}
	case errors.Is(err, connection.ErrClosed):
		return closedError()
	}
	failed, _ := status.FromError(err)
	if failed.Code() == codes.Unknown {
		failed = status.FromContextError(err)
	}
	e := ErrorOfStatus(failed.Proto())
	if e == nil {
		e = &Error{Code: codes.Unknown, Message: err.Error()}
	}
	e.cause = err
	if ids := trailer.Get(requestIDKey); len(ids) > 0 {
		e.RequestID = ids[len(ids)-1]
	}
	return e
}

func closedError() *Error {
	return &Error{Code: codes.FailedPrecondition, Reason: reasonClosed, Message: ErrClosed.Error()}
}

func unavailable(message string) *Error { return &Error{Code: codes.Unavailable, Message: message} }

func resyncRequired(message string) *Error {
	return &Error{Code: codes.FailedPrecondition, Reason: reasonResyncRequired, Message: message}
}

func codeOf(number int32) codes.Code {
	if number < 0 || number > int32(codes.Unauthenticated) {
		return codes.Unknown
	}
	return codes.Code(number)
}
