package rolecall

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

var uuid4 = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// created returns a client of a service that has some roles.
func created(t *testing.T, service *fake.Service, count int) *Client {
	t.Helper()
	client := served(t, service)
	for i := range count {
		request := &rolecallv1.CreateRoleRequest{RoleName: fmt.Sprintf("role-%d", i), AssumeRolePolicyDocument: "{}"}
		if _, err := client.CreateRole(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		if request.GetRequestId() != "" {
			t.Error("the request of the caller was changed")
		}
	}
	return client
}

func TestEveryWriteHasARequestID(t *testing.T) {
	service := &fake.Service{}
	client := created(t, service, 1)

	_, updated := client.UpdateRole(t.Context(), &rolecallv1.UpdateRoleRequest{Role: "role-0", RequestId: "own"})
	_, rolled := client.RollbackRole(t.Context(), &rolecallv1.RollbackRoleRequest{Role: "role-0", Revision: 1})
	_, deleted := client.DeleteRole(t.Context(), &rolecallv1.DeleteRoleRequest{Role: "role-0"})
	restored, undeleted := client.UndeleteRole(t.Context(), &rolecallv1.UndeleteRoleRequest{Role: "role-0", RoleId: "7"})

	if err := errors.Join(updated, rolled, deleted, undeleted); err != nil {
		t.Fatal(err)
	}
	ids := service.Writes()
	for i, id := range ids {
		if i == 1 && id != "own" || i != 1 && !uuid4.MatchString(id) {
			t.Errorf("write %d has the id %q", i, id)
		}
	}
	if restored.GetRole().GetRoleId() != "7" {
		t.Errorf("got %v", restored)
	}
	if len(slices.Compact(slices.Sorted(slices.Values(ids)))) != 5 {
		t.Errorf("two of the ids are equal: %q", ids)
	}
}

func TestErrorsOfRolesHaveTheirKind(t *testing.T) {
	client := created(t, &fake.Service{}, 1)

	_, missing := client.GetRole(t.Context(), "nobody")
	_, exists := client.CreateRole(t.Context(), &rolecallv1.CreateRoleRequest{RoleName: "role-0"})
	_, stale := client.UpdateRole(t.Context(), &rolecallv1.UpdateRoleRequest{Role: "role-0", Etag: `"0"`})

	if !errors.Is(missing, ErrNotFound) || !errors.Is(exists, ErrAlreadyExists) || !errors.Is(stale, ErrAborted) {
		t.Fatalf("got %v, %v, %v", missing, exists, stale)
	}
}

func TestListsAreReadPageByPage(t *testing.T) {
	client := created(t, &fake.Service{}, 5)
	request := &rolecallv1.ListRolesRequest{}

	roles := collected(t, client.ListRoles(t.Context(), request))
	revisions := collected(t, client.ListRoleRevisions(t.Context(), &rolecallv1.ListRoleRevisionsRequest{Role: "role-0"}))
	changes := collected(t, client.ListChanges(t.Context(), &rolecallv1.ListChangesRequest{StartRevision: 3}))
	can := collected(t, client.WhatCan(t.Context(), asked(""), ""))

	if len(roles) != 5 || roles[4].GetRoleName() != "role-4" || request.GetPageToken() != "" {
		t.Errorf("got %v, and the request %v", roles, request)
	}
	if len(revisions) != 5 || revisions[4].GetRevision() != 1 {
		t.Errorf("got %v", revisions)
	}
	if len(changes) != 5 || changes[4].GetRevision() != 7 {
		t.Errorf("got %v", changes)
	}
	if len(can) != 3 || can[2].GetRoleArn() != alice+" can 2" {
		t.Errorf("got %v", can)
	}
}

func TestAListMayBeStoppedAndAnErrorEndsIt(t *testing.T) {
	client := created(t, &fake.Service{}, 5)
	seen := 0
	for range client.ListRoles(t.Context(), &rolecallv1.ListRolesRequest{}) {
		if seen++; seen == 3 {
			break
		}
	}

	var last error
	for _, err := range client.ListRoles(t.Context(), &rolecallv1.ListRolesRequest{PageToken: "?"}) {
		last = err
	}

	if seen != 3 || !errors.Is(last, ErrInvalidArgument) {
		t.Fatalf("got %d and %v", seen, last)
	}
}

func TestAnExportIsWhatAnApplyTakesInChunks(t *testing.T) {
	service := &fake.Service{}
	client := created(t, service, 3)
	long := &rolecallv1.RoleDeclaration{RoleName: "long", Description: strings.Repeat("d", chunkBytes)}
	declarations := append(collected(t, client.ExportRoles(t.Context(), "", nil)), long, &rolecallv1.RoleDeclaration{RoleName: "last"})

	answer, err := client.ApplyRoles(t.Context(), Declared(declarations...),
		Prune(map[string]string{"team": "shop"}, "1"), ChangeReason("why"), Source("repository"), ValidateOnly())

	if err != nil || len(answer.GetChanges()) != 5 {
		t.Fatalf("got %v, %v", answer, err)
	}
	messages := service.Applied()
	options := messages[0].GetOptions()
	if !uuid4.MatchString(options.GetRequestId()) || options.GetChangeReason() != "why" || !options.GetValidateOnly() ||
		options.GetSource() != "repository" || options.GetPruneSelector().GetTags()["team"] != "shop" {
		t.Errorf("got %v", options)
	}
	if len(messages) != 3 || len(messages[1].GetRoles().GetRoles()) != 4 || len(messages[2].GetRoles().GetRoles()) != 1 {
		t.Errorf("got %d messages", len(messages))
	}
}

func TestAnApplyOfDeclarationsThatEndWithAnErrorWritesNothing(t *testing.T) {
	client := served(t, &fake.Service{})
	broken := errors.New("the file cannot be read")
	declarations := func(yield func(*rolecallv1.RoleDeclaration, error) bool) {
		_ = yield(&rolecallv1.RoleDeclaration{RoleName: "a"}, nil) && yield(nil, broken)
	}

	answer, err := client.ApplyRoles(t.Context(), declarations)

	if answer != nil || !errors.Is(err, broken) {
		t.Fatalf("got %v, %v", answer, err)
	}
}

func TestAnApplyThatTheServerEndsHasItsError(t *testing.T) {
	client := served(t, &fake.Service{})
	endless := func(yield func(*rolecallv1.RoleDeclaration, error) bool) {
		for yield(&rolecallv1.RoleDeclaration{RoleName: "forbidden", Description: strings.Repeat("d", chunkBytes)}, nil) {
		}
	}

	_, err := client.ApplyRoles(t.Context(), endless)

	if !errors.Is(err, ErrAccessDenied) {
		t.Fatalf("got %v", err)
	}
}

func collected[T any](t *testing.T, items iter.Seq2[T, error]) []T {
	t.Helper()
	var found []T
	for item, err := range items {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, item)
	}
	return found
}
