package rolecall

import (
	"context"
	"crypto/rand"
	"fmt"
	"iter"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// exportPageSize are the roles of one page with their trust policies: 8 MB, if each has the longest that a server accepts by default.
const exportPageSize = 500

// CreateRole creates a role.
func (c *Client) CreateRole(
	ctx context.Context, request *rolecallv1.CreateRoleRequest,
) (*rolecallv1.CreateRoleResponse, error) {
	return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.CreateRole, identified(request))
}

// GetRole returns one role with its trust policy.
func (c *Client) GetRole(ctx context.Context, role string) (*rolecallv1.GetRoleResponse, error) {
	return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.GetRole, &rolecallv1.GetRoleRequest{Role: role})
}

// ListRoles yields every role that a request lists, page by page.
func (c *Client) ListRoles(
	ctx context.Context, request *rolecallv1.ListRolesRequest,
) iter.Seq2[*rolecallv1.Role, error] {
	return pages(request,
		func(page *rolecallv1.ListRolesRequest) (*rolecallv1.ListRolesResponse, error) {
			return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.ListRoles, page)
		},
		(*rolecallv1.ListRolesResponse).GetRoles,
		func(page *rolecallv1.ListRolesRequest, token string) { page.PageToken = token },
	)
}

// UpdateRole changes a role.
func (c *Client) UpdateRole(
	ctx context.Context, request *rolecallv1.UpdateRoleRequest,
) (*rolecallv1.UpdateRoleResponse, error) {
	return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.UpdateRole, identified(request))
}

// DeleteRole deletes a role.
func (c *Client) DeleteRole(
	ctx context.Context, request *rolecallv1.DeleteRoleRequest,
) (*rolecallv1.DeleteRoleResponse, error) {
	return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.DeleteRole, identified(request))
}

// ListRoleRevisions yields the history of a role, the newest revision first, page by page.
func (c *Client) ListRoleRevisions(
	ctx context.Context, request *rolecallv1.ListRoleRevisionsRequest,
) iter.Seq2[*rolecallv1.RoleRevision, error] {
	return pages(request,
		func(page *rolecallv1.ListRoleRevisionsRequest) (*rolecallv1.ListRoleRevisionsResponse, error) {
			return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.ListRoleRevisions, page)
		},
		(*rolecallv1.ListRoleRevisionsResponse).GetRevisions,
		func(page *rolecallv1.ListRoleRevisionsRequest, token string) { page.PageToken = token },
	)
}

// ListChanges yields the changes of roles that a request selects, page by page: what was changed when, by whom and why.
func (c *Client) ListChanges(
	ctx context.Context, request *rolecallv1.ListChangesRequest,
) iter.Seq2[*rolecallv1.RecordedChange, error] {
	return pages(request,
		func(page *rolecallv1.ListChangesRequest) (*rolecallv1.ListChangesResponse, error) {
			return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.ListChanges, page)
		},
		(*rolecallv1.ListChangesResponse).GetChanges,
		func(page *rolecallv1.ListChangesRequest, token string) { page.PageToken = token },
	)
}

// UndeleteRole restores a deleted role as it was when it was deleted.
func (c *Client) UndeleteRole(
	ctx context.Context, request *rolecallv1.UndeleteRoleRequest,
) (*rolecallv1.UndeleteRoleResponse, error) {
	return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.UndeleteRole, identified(request))
}

// RollbackRole restores a role as it was at one of its revisions.
func (c *Client) RollbackRole(
	ctx context.Context, request *rolecallv1.RollbackRoleRequest,
) (*rolecallv1.RollbackRoleResponse, error) {
	return limited(ctx, c, c.roles, rolecallv1.RoleServiceClient.RollbackRole, identified(request))
}

// ExportRoles yields the roles of an account that have all of some tags, page by page, in the form that ApplyRoles accepts. Without an
// account they are those of the server's default account.
func (c *Client) ExportRoles(
	ctx context.Context, accountID string, tags map[string]string,
) iter.Seq2[*rolecallv1.RoleDeclaration, error] {
	request := &rolecallv1.ListRolesRequest{
		AccountId: accountID, PageSize: exportPageSize, Tags: tags, View: rolecallv1.RoleView_ROLE_VIEW_FULL,
	}
	return func(yield func(*rolecallv1.RoleDeclaration, error) bool) {
		for role, err := range c.ListRoles(ctx, request) {
			if err != nil {
				yield(nil, err)
				return
			}
			if !yield(declarationOf(role), nil) {
				return
			}
		}
	}
}

func declarationOf(role *rolecallv1.Role) *rolecallv1.RoleDeclaration {
	return &rolecallv1.RoleDeclaration{
		AccountId:                 role.GetAccountId(),
		RoleName:                  role.GetRoleName(),
		AssumeRolePolicyDocument:  role.GetAssumeRolePolicyDocument(),
		Description:               role.GetDescription(),
		MaxSessionDurationSeconds: role.GetMaxSessionDurationSeconds(),
		Tags:                      role.GetTags(),
	}
}

// identified returns a write with a request id, so that a repeat is harmless. The message of the caller is not changed.
func identified[Message interface {
	proto.Message
	GetRequestId() string
}](request Message) Message {
	if request.GetRequestId() != "" {
		return request
	}
	copied := proto.CloneOf(request)
	reflected := copied.ProtoReflect()
	reflected.Set(reflected.Descriptor().Fields().ByName("request_id"), protoreflect.ValueOfString(newRequestID()))
	return copied
}

// newRequestID returns a random UUID (version 4).
func newRequestID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // it never fails
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[0:4], id[4:6], id[6:8], id[8:10], id[10:])
}
