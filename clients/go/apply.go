package rolecall

import (
	"context"
	"errors"
	"io"
	"iter"
	"time"

	"google.golang.org/protobuf/proto"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// ApplyTimeout is the time limit of ApplyRoles, if its context has no deadline.
const ApplyTimeout = 300 * time.Second

const chunkBytes = 512 * 1024

// An ApplyOption is an option of ApplyRoles.
type ApplyOption func(*rolecallv1.ApplyRolesOptions)

// Prune deletes the roles that are not declared and have all of these tags, in some accounts: by default those of the declared roles.
func Prune(tags map[string]string, accountIDs ...string) ApplyOption {
	return func(options *rolecallv1.ApplyRolesOptions) {
		options.PruneSelector = &rolecallv1.PruneSelector{Tags: tags, AccountIds: accountIDs}
	}
}

// ValidateOnly returns what would change, without writing.
func ValidateOnly() ApplyOption {
	return func(options *rolecallv1.ApplyRolesOptions) { options.ValidateOnly = true }
}

// RequestID is the id of this write, a UUID; one is generated if none is given.
func RequestID(id string) ApplyOption {
	return func(options *rolecallv1.ApplyRolesOptions) { options.RequestId = id }
}

// ChangeReason is stored with the revision.
func ChangeReason(reason string) ApplyOption {
	return func(options *rolecallv1.ApplyRolesOptions) { options.ChangeReason = reason }
}

// Source says where the declarations come from, for example a repository and a commit; it is stored with the revision.
func Source(source string) ApplyOption {
	return func(options *rolecallv1.ApplyRolesOptions) { options.Source = source }
}

// Declared returns roles as ApplyRoles takes them.
func Declared(roles ...*rolecallv1.RoleDeclaration) iter.Seq2[*rolecallv1.RoleDeclaration, error] {
	return func(yield func(*rolecallv1.RoleDeclaration, error) bool) {
		for _, role := range roles {
			if !yield(role, nil) {
				return
			}
		}
	}
}

// ApplyRoles makes the roles match their declarations in one atomic write, sent in chunks. If the declarations end with an error,
// nothing is written and the error is returned.
func (c *Client) ApplyRoles(
	ctx context.Context, roles iter.Seq2[*rolecallv1.RoleDeclaration, error], options ...ApplyOption,
) (*rolecallv1.ApplyRolesResponse, error) {
	request := &rolecallv1.ApplyRolesOptions{}
	for _, option := range options {
		option(request)
	}
	if request.GetRequestId() == "" {
		request.RequestId = newRequestID()
	}
	ctx, cancel := withDeadline(ctx, ApplyTimeout)
	defer cancel()
	ctx, abort := context.WithCancel(ctx) // ends the stream if the declarations fail
	defer abort()
	stream, err := c.roles.ApplyRoles(ctx)
	if err != nil {
		return nil, errorOf(err, nil)
	}
	for message, err := range applyMessages(request, roles) {
		if err != nil {
			return nil, err
		}
		if err := stream.Send(message); errors.Is(err, io.EOF) {
			break // the server has ended the call, and CloseAndRecv says why
		} else if err != nil {
			return nil, errorOf(err, nil)
		}
	}
	answer, err := stream.CloseAndRecv()
	if err != nil {
		return nil, errorOf(err, stream.Trailer())
	}
	return answer, nil
}

// applyMessages yields the options, then the roles in chunks.
func applyMessages(
	options *rolecallv1.ApplyRolesOptions, roles iter.Seq2[*rolecallv1.RoleDeclaration, error],
) iter.Seq2[*rolecallv1.ApplyRolesRequest, error] {
	return func(yield func(*rolecallv1.ApplyRolesRequest, error) bool) {
		first := &rolecallv1.ApplyRolesRequest{Part: &rolecallv1.ApplyRolesRequest_Options{Options: options}}
		if !yield(first, nil) {
			return
		}
		var chunk []*rolecallv1.RoleDeclaration
		size := 0
		for role, err := range roles {
			if err != nil {
				yield(nil, err)
				return
			}
			chunk, size = append(chunk, role), size+proto.Size(role)
			if size < chunkBytes {
				continue
			}
			if !yield(chunkOf(chunk), nil) {
				return
			}
			chunk, size = nil, 0
		}
		if len(chunk) > 0 {
			yield(chunkOf(chunk), nil)
		}
	}
}

func chunkOf(roles []*rolecallv1.RoleDeclaration) *rolecallv1.ApplyRolesRequest {
	chunk := &rolecallv1.RoleChunk{Roles: roles}
	return &rolecallv1.ApplyRolesRequest{Part: &rolecallv1.ApplyRolesRequest_Roles{Roles: chunk}}
}
