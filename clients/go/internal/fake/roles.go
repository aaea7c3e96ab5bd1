package fake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// pageLimit makes lists of several pages out of a few roles.
const pageLimit = 2

// Applied returns the messages of the applies so far.
func (s *Service) Applied() []*rolecallv1.ApplyRolesRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.applied)
}

// Writes returns the request ids of the writes so far.
func (s *Service) Writes() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// CreateRole stores a role.
func (s *Service) CreateRole(
	_ context.Context, request *rolecallv1.CreateRoleRequest,
) (*rolecallv1.CreateRoleResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, request.GetRequestId())
	name := request.GetRoleName()
	if _, known := s.roles[name]; known {
		return nil, Fail(codes.AlreadyExists, "ROLE_EXISTS", fmt.Sprintf("the role `%s` exists", name))
	}
	if s.roles == nil {
		s.roles = map[string]*rolecallv1.Role{}
	}
	role := &rolecallv1.Role{
		RoleName: name, Arn: "acs:ram::1:role/" + name, AccountId: "1", Description: request.GetDescription(),
		AssumeRolePolicyDocument: request.GetAssumeRolePolicyDocument(), Tags: request.GetTags(),
		MaxSessionDurationSeconds: 3_600, Etag: `"1"`, Revision: int64(len(s.roles) + 1),
	}
	s.roles[name] = role
	return &rolecallv1.CreateRoleResponse{Role: role}, nil
}

// GetRole returns a role.
func (s *Service) GetRole(_ context.Context, request *rolecallv1.GetRoleRequest) (*rolecallv1.GetRoleResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	role, err := s.role(request.GetRole())
	return &rolecallv1.GetRoleResponse{Role: role}, err
}

// UpdateRole changes the description of a role.
func (s *Service) UpdateRole(
	_ context.Context, request *rolecallv1.UpdateRoleRequest,
) (*rolecallv1.UpdateRoleResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, request.GetRequestId())
	role, err := s.role(request.GetRole())
	if err != nil {
		return nil, err
	}
	if etag := request.GetEtag(); etag != "" && etag != role.GetEtag() {
		return nil, Fail(codes.Aborted, "STALE_ETAG", "the role has changed since it was read")
	}
	role.Description = request.GetDescription()
	return &rolecallv1.UpdateRoleResponse{Role: role}, nil
}

// DeleteRole removes a role.
func (s *Service) DeleteRole(
	_ context.Context, request *rolecallv1.DeleteRoleRequest,
) (*rolecallv1.DeleteRoleResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, request.GetRequestId())
	_, err := s.role(request.GetRole())
	delete(s.roles, request.GetRole())
	return &rolecallv1.DeleteRoleResponse{}, err
}

// RollbackRole returns the role as it is.
func (s *Service) RollbackRole(
	_ context.Context, request *rolecallv1.RollbackRoleRequest,
) (*rolecallv1.RollbackRoleResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, request.GetRequestId())
	role, err := s.role(request.GetRole())
	return &rolecallv1.RollbackRoleResponse{Role: role}, err
}

// UndeleteRole returns a role with the id that was asked for.
func (s *Service) UndeleteRole(
	_ context.Context, request *rolecallv1.UndeleteRoleRequest,
) (*rolecallv1.UndeleteRoleResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writes = append(s.writes, request.GetRequestId())
	role := &rolecallv1.Role{RoleName: request.GetRole(), RoleId: request.GetRoleId()}
	return &rolecallv1.UndeleteRoleResponse{Role: role}, nil
}

func (s *Service) role(name string) (*rolecallv1.Role, error) {
	if role := s.roles[name]; role != nil {
		return role, nil
	}
	return nil, Fail(codes.NotFound, "ROLE_NOT_FOUND", fmt.Sprintf("there is no role `%s`", name))
}

// ListRoles returns a small page.
func (s *Service) ListRoles(
	_ context.Context, request *rolecallv1.ListRolesRequest,
) (*rolecallv1.ListRolesResponse, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var roles []*rolecallv1.Role
	for _, role := range s.roles {
		roles = append(roles, role)
	}
	slices.SortFunc(roles, func(a, b *rolecallv1.Role) int { return int(a.GetRevision() - b.GetRevision()) })
	start, next, err := page(request.GetPageToken(), len(roles))
	if err != nil {
		return nil, err
	}
	return &rolecallv1.ListRolesResponse{Roles: roles[start:min(start+pageLimit, len(roles))], NextPageToken: next}, nil
}

// ListRoleRevisions returns five revisions, page by page.
func (s *Service) ListRoleRevisions(
	_ context.Context, request *rolecallv1.ListRoleRevisionsRequest,
) (*rolecallv1.ListRoleRevisionsResponse, error) {
	start, next, err := page(request.GetPageToken(), 5)
	if err != nil {
		return nil, err
	}
	answer := &rolecallv1.ListRoleRevisionsResponse{NextPageToken: next}
	for i := start; i < min(start+pageLimit, 5); i++ {
		answer.Revisions = append(answer.Revisions, &rolecallv1.RoleRevision{Revision: int64(5 - i)})
	}
	return answer, nil
}

// ListChanges returns five changes, page by page.
func (s *Service) ListChanges(
	_ context.Context, request *rolecallv1.ListChangesRequest,
) (*rolecallv1.ListChangesResponse, error) {
	start, next, err := page(request.GetPageToken(), 5)
	if err != nil {
		return nil, err
	}
	answer := &rolecallv1.ListChangesResponse{NextPageToken: next}
	for i := start; i < min(start+pageLimit, 5); i++ {
		answer.Changes = append(answer.Changes, &rolecallv1.RecordedChange{Revision: request.GetStartRevision() + int64(i)})
	}
	return answer, nil
}

// ListAssumableRoles returns three roles, page by page.
func (s *Service) ListAssumableRoles(
	_ context.Context, request *rolecallv1.ListAssumableRolesRequest,
) (*rolecallv1.ListAssumableRolesResponse, error) {
	start, next, err := page(request.GetPageToken(), 3)
	if err != nil {
		return nil, err
	}
	answer := &rolecallv1.ListAssumableRolesResponse{NextPageToken: next}
	for i := start; i < min(start+pageLimit, 3); i++ {
		arn := fmt.Sprintf("%s can %d", request.GetPrincipal(), i)
		answer.Roles = append(answer.Roles, &rolecallv1.AssumableRole{RoleArn: arn})
	}
	return answer, nil
}

// ExplainAssumeRole repeats what was asked for as a near miss.
func (s *Service) ExplainAssumeRole(
	ctx context.Context, request *rolecallv1.ExplainAssumeRoleRequest,
) (*rolecallv1.ExplainAssumeRoleResponse, error) {
	decision, err := s.decide(ctx, request.GetQuery())
	asked := fmt.Sprintf("%d %d", request.GetAtRevision(), request.GetAssumeTime().GetSeconds())
	misses := []*rolecallv1.NearMiss{{Suggestion: asked}}
	return &rolecallv1.ExplainAssumeRoleResponse{Decision: decision, NearMisses: misses}, err
}

// ApplyRoles notes the messages.
func (s *Service) ApplyRoles(
	stream grpc.ClientStreamingServer[rolecallv1.ApplyRolesRequest, rolecallv1.ApplyRolesResponse],
) error {
	answer := &rolecallv1.ApplyRolesResponse{}
	for {
		message, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return stream.SendAndClose(answer)
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.applied = append(s.applied, message)
		s.mu.Unlock()
		for _, role := range message.GetRoles().GetRoles() {
			if role.GetRoleName() == "forbidden" {
				return Fail(codes.PermissionDenied, "PERMISSION_DENIED", "the caller has no right to `ram:CreateRole`")
			}
			answer.Changes = append(answer.Changes, &rolecallv1.RoleChange{RoleArn: role.GetRoleName()})
		}
	}
}

// WhoAmI returns the token that came with the call.
func (s *Service) WhoAmI(context.Context, *rolecallv1.WhoAmIRequest) (*rolecallv1.WhoAmIResponse, error) {
	tokens := s.Tokens()
	return &rolecallv1.WhoAmIResponse{Identity: tokens[len(tokens)-1]}, nil
}

// CanI allows what has the condition key "key".
func (s *Service) CanI(_ context.Context, request *rolecallv1.CanIRequest) (*rolecallv1.CanIResponse, error) {
	_, allowed := request.GetContext()["key"]
	return &rolecallv1.CanIResponse{Allowed: allowed}, nil
}

func page(token string, count int) (start int, next string, err error) {
	if token != "" {
		if start, err = strconv.Atoi(token); err != nil {
			return 0, "", Fail(codes.InvalidArgument, "INVALID_TOKEN", "the page token is invalid")
		}
	}
	if start+pageLimit < count {
		next = strconv.Itoa(start + pageLimit)
	}
	return start, next, nil
}
