package rolecall

import (
	"context"
	"errors"
	"iter"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// maxPageSize is the size of the pages of lists.
const maxPageSize = 1_000

// agentPatience is how long an agent has for an answer, if half of the time that is left is not less.
const agentPatience = time.Second

// An ExplainOption is an option of an explanation.
type ExplainOption interface {
	explain(request *rolecallv1.ExplainAssumeRoleRequest)
}

// A CheckOption is an option of a check, a batch or an explanation.
type CheckOption interface {
	ExplainOption
	consistency() *rolecallv1.Consistency
}

type freshness struct{ message *rolecallv1.Consistency }

func (f freshness) explain(request *rolecallv1.ExplainAssumeRoleRequest) {
	request.Consistency = f.message
}

func (f freshness) consistency() *rolecallv1.Consistency { return f.message }

// AtLeastAsFresh asks for a decision of the state that a consistency token names, or of a later one.
func AtLeastAsFresh(consistencyToken string) CheckOption {
	return freshness{&rolecallv1.Consistency{
		Requirement: &rolecallv1.Consistency_AtLeastAsFresh{AtLeastAsFresh: consistencyToken},
	}}
}

// FullyConsistent asks for a decision that is at least as fresh as the store was when the request arrived.
func FullyConsistent() CheckOption {
	return freshness{&rolecallv1.Consistency{Requirement: &rolecallv1.Consistency_FullyConsistent{FullyConsistent: true}}}
}

type explainOption func(*rolecallv1.ExplainAssumeRoleRequest)

func (o explainOption) explain(request *rolecallv1.ExplainAssumeRoleRequest) { o(request) }

// AtRevision decides with the role as it was at a revision.
func AtRevision(revision int64) ExplainOption {
	return explainOption(func(request *rolecallv1.ExplainAssumeRoleRequest) { request.AtRevision = &revision })
}

// AssumeTime decides as if it were this time.
func AssumeTime(at time.Time) ExplainOption {
	return explainOption(func(request *rolecallv1.ExplainAssumeRoleRequest) { request.AssumeTime = timestamppb.New(at) })
}

// Check returns the decision of one query.
func (c *Client) Check(
	ctx context.Context, query *rolecallv1.AssumeRoleQuery, options ...CheckOption,
) (*rolecallv1.CheckAssumeRoleResponse, error) {
	request := &rolecallv1.CheckAssumeRoleRequest{Query: query, Consistency: consistencyOf(options)}
	return decided(ctx, c, rolecallv1.DecisionServiceClient.CheckAssumeRole, request, isComplete)
}

// BatchCheck returns the decisions of many queries at one revision, in order; a malformed query has an error instead, which
// ErrorOfStatus reads. A server accepts 1,000 queries by default.
func (c *Client) BatchCheck(
	ctx context.Context, queries []*rolecallv1.AssumeRoleQuery, options ...CheckOption,
) (*rolecallv1.BatchCheckAssumeRoleResponse, error) {
	request := &rolecallv1.BatchCheckAssumeRoleRequest{Queries: queries, Consistency: consistencyOf(options)}
	return decided(ctx, c, rolecallv1.DecisionServiceClient.BatchCheckAssumeRole, request, isCompleteBatch)
}

// Explain returns the decision of one query with an explanation. The service answers it, never the agent.
func (c *Client) Explain(
	ctx context.Context, query *rolecallv1.AssumeRoleQuery, options ...ExplainOption,
) (*rolecallv1.ExplainAssumeRoleResponse, error) {
	request := &rolecallv1.ExplainAssumeRoleRequest{Query: query}
	for _, option := range options {
		option.explain(request)
	}
	return limited(ctx, c, c.decisions, rolecallv1.DecisionServiceClient.ExplainAssumeRole, request)
}

// WhatCan yields every role that the identity of a query can assume, or could with further condition keys, page by page. The query has
// no role. Only roles of an account are listed if accountID is not empty.
func (c *Client) WhatCan(
	ctx context.Context, query *rolecallv1.AssumeRoleQuery, accountID string,
) iter.Seq2[*rolecallv1.AssumableRole, error] {
	request := assumableRolesRequest(query, accountID)
	return pages(request,
		func(page *rolecallv1.ListAssumableRolesRequest) (*rolecallv1.ListAssumableRolesResponse, error) {
			return limited(ctx, c, c.decisions, rolecallv1.DecisionServiceClient.ListAssumableRoles, page)
		},
		(*rolecallv1.ListAssumableRolesResponse).GetRoles,
		func(page *rolecallv1.ListAssumableRolesRequest, token string) { page.PageToken = token },
	)
}

// WhoCan returns the principals that the trust policy of a role names, statement by statement.
func (c *Client) WhoCan(ctx context.Context, role string) (*rolecallv1.ListTrustedPrincipalsResponse, error) {
	request := &rolecallv1.ListTrustedPrincipalsRequest{Role: role}
	return limited(ctx, c, c.decisions, rolecallv1.DecisionServiceClient.ListTrustedPrincipals, request)
}

// decided asks the agent, if there is one, and the service if the agent has no answer, or one that is not complete.
func decided[Request, Answer any](
	ctx context.Context, c *Client, call method[rolecallv1.DecisionServiceClient, Request, Answer], request *Request,
	complete func(*Answer) bool,
) (*Answer, error) {
	ctx, cancel := withDeadline(ctx, c.timeout)
	defer cancel()
	if c.agent != nil {
		answer, err := askedAgent(ctx, c.agentDecisions, call, request)
		if err == nil && complete(answer) || err != nil && !isLeftToService(ctx, err) {
			return answer, err
		}
	}
	return called(ctx, c.decisions, call, request)
}

func askedAgent[Request, Answer any](
	ctx context.Context, agent rolecallv1.DecisionServiceClient,
	call method[rolecallv1.DecisionServiceClient, Request, Answer], request *Request,
) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, patience(ctx))
	defer cancel()
	return called(ctx, agent, call, request)
}

// patience returns how long an agent has for an answer.
func patience(ctx context.Context) time.Duration {
	if deadline, limited := ctx.Deadline(); limited {
		return min(agentPatience, time.Until(deadline)/2)
	}
	return agentPatience
}

func isComplete(*rolecallv1.CheckAssumeRoleResponse) bool { return true }

// isCompleteBatch returns whether an agent could answer every query. If not, the service is asked about all of them: the decisions of a
// batch are of one revision.
func isCompleteBatch(answer *rolecallv1.BatchCheckAssumeRoleResponse) bool {
	for _, result := range answer.GetResults() {
		if codes.Code(result.GetError().GetCode()) == codes.Unavailable {
			return false
		}
	}
	return true
}

// isLeftToService returns whether the service is to answer what ended with this error on the agent: no agent is there, it stops (and
// cancels calls), it cannot answer, or it does not in time. Every other error is the answer.
func isLeftToService(ctx context.Context, err error) bool {
	var failed *Error
	if !errors.As(err, &failed) || ctx.Err() != nil {
		return false
	}
	switch failed.Code {
	case codes.Unavailable, codes.Canceled:
		return true
	case codes.DeadlineExceeded:
		return failed.Reason == "" // one with a reason is a limit of the server, and not the time that this client gave
	}
	return false
}

func consistencyOf(options []CheckOption) *rolecallv1.Consistency {
	if len(options) == 0 {
		return nil
	}
	return options[len(options)-1].consistency()
}

func assumableRolesRequest(query *rolecallv1.AssumeRoleQuery, accountID string) *rolecallv1.ListAssumableRolesRequest {
	request := &rolecallv1.ListAssumableRolesRequest{
		Context:         query.GetContext(),
		DurationSeconds: query.GetDurationSeconds(),
		RoleSessionName: query.GetRoleSessionName(),
		ExternalId:      query.GetExternalId(),
		SourceIdentity:  query.GetSourceIdentity(),
		AccountId:       accountID,
		PageSize:        maxPageSize,
	}
	switch identity := query.GetIdentity().(type) {
	case *rolecallv1.AssumeRoleQuery_Principal:
		request.Identity = &rolecallv1.ListAssumableRolesRequest_Principal{Principal: identity.Principal}
	case *rolecallv1.AssumeRoleQuery_Federated:
		request.Identity = &rolecallv1.ListAssumableRolesRequest_Federated{Federated: identity.Federated}
	case *rolecallv1.AssumeRoleQuery_OidcToken:
		request.Identity = &rolecallv1.ListAssumableRolesRequest_OidcToken{OidcToken: identity.OidcToken}
	case *rolecallv1.AssumeRoleQuery_Oidc:
		request.Identity = &rolecallv1.ListAssumableRolesRequest_Oidc{Oidc: identity.Oidc}
	}
	return request
}

// pages yields the items of all pages; the request is that of the first, and is not changed.
func pages[Request proto.Message, Page interface{ GetNextPageToken() string }, Item any](
	first Request, list func(Request) (Page, error), items func(Page) []Item, setToken func(Request, string),
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		request := proto.CloneOf(first)
		for {
			page, err := list(request)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, item := range items(page) {
				if !yield(item, nil) {
					return
				}
			}
			if page.GetNextPageToken() == "" {
				return
			}
			setToken(request, page.GetNextPageToken())
		}
	}
}
