package rolecall_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	rolecall "github.com/rolecall/rolecall/clients/go"
	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// The code of these examples is that of README.md; the examples with an output are run.

const alice = "acs:ram::123456789012:user/alice"

var ctx = context.Background()

// serve has the environment name a fake service, until the function that it returns is called.
func serve() (stop func()) {
	t := &example{}
	service := &fake.Service{Watch: func(_ *rolecallv1.WatchRolesRequest, stream watchStream) error {
		return errors.Join(stream.Send(created("deployer")), stream.Send(checkpoint()), wait(stream))
	}}
	_ = os.Setenv("ROLECALL_ADDRESS", fake.Start(t, service).Address)
	return t.end
}

func ExampleFromEnv() {
	defer serve()()

	client, err := rolecall.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()

	query, err := rolecall.Query(alice, "deployer")
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Check(ctx, query)
	if err != nil {
		log.Fatal(err) // the question was not answered: fail closed
	}
	fmt.Println(answer.GetDecision().GetAllowed())
	// Output: false
}

func ExampleQuery() {
	defer serve()()
	client := connected()
	defer client.Close()

	pod, err := rolecall.Query("k8s:cluster/pay/api", "123456789012/deployer", rolecall.Context("acs:SourceIp", "10.0.0.1"))
	if err != nil {
		log.Fatal(err)
	}
	answer, err := client.Check(ctx, pod)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.GetDecision().GetMissingKeys())
	// Output: []
}

func ExampleNew() {
	client, err := rolecall.New("roles.example",
		rolecall.WithTLS(rolecall.TLSFiles{CA: "ca.pem", Cert: "client.pem", Key: "client.key"}),
		rolecall.WithTokenSource(rolecall.FileToken("/var/run/secrets/rolecall/token")),
		rolecall.WithAgent("unix:///run/rolecall/agent.sock"),
	)
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
}

func ExampleError() {
	defer serve()()
	client := connected()
	defer client.Close()

	_, err := client.GetRole(ctx, "nobody")
	var failed *rolecall.Error
	switch {
	case errors.Is(err, rolecall.ErrNotFound):
		fmt.Println("there is no such role")
	case errors.As(err, &failed):
		fmt.Println(failed.Code, failed.Reason, failed.Violations)
	}
	// Output: there is no such role
}

func ExampleClient_StreamCheck() {
	defer serve()()
	client := connected()
	defer client.Close()

	queries := func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		for i := range 5_000 {
			query, err := rolecall.Query(alice, fmt.Sprintf("deployer-%d", i))
			if err != nil || !yield(query) {
				return
			}
		}
	}
	allowed := 0
	for answer, err := range client.StreamCheck(ctx, queries) {
		if err != nil {
			log.Fatal(err)
		}
		if answer.GetDecision().GetAllowed() {
			allowed++
		}
	}
	fmt.Println(allowed)
	// Output: 0
}

func ExampleClient_ApplyRoles() {
	defer serve()()
	client := connected()
	defer client.Close()

	answer, err := client.ApplyRoles(ctx, client.ExportRoles(ctx, "", nil), rolecall.ChangeReason("nothing new"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(answer.GetChanges()))
	// Output: 0
}

// mirror maintains a copy of all roles; proceed is called when the copy is the state at one revision.
func mirror(ctx context.Context, client *rolecall.Client, roles map[string]*rolecallv1.Role, proceed func(int64) bool) error {
	for {
		clear(roles)
		err := copyRoles(ctx, client, roles, proceed)
		if !errors.Is(err, rolecall.ErrResyncRequired) {
			return err
		}
	}
}

func copyRoles(ctx context.Context, client *rolecall.Client, roles map[string]*rolecallv1.Role, proceed func(int64) bool) error {
	for event, err := range client.WatchRoles(ctx, rolecall.WatchOptions{InitialState: true}) {
		switch {
		case err != nil:
			return err
		case event.Checkpoint != nil:
			if !proceed(event.Checkpoint.GetRevision()) {
				return nil
			}
		case event.Change.GetKind() == rolecallv1.ChangeKind_CHANGE_KIND_DELETED:
			delete(roles, event.Change.GetRole().GetArn())
		default:
			roles[event.Change.GetRole().GetArn()] = event.Change.GetRole()
		}
	}
	return nil
}

func ExampleClient_WatchRoles() {
	defer serve()()
	client := connected()
	defer client.Close()

	roles := map[string]*rolecallv1.Role{}
	err := mirror(ctx, client, roles, func(int64) bool { return false })
	fmt.Println(slices.Collect(maps.Keys(roles)), err)
	// Output: [acs:ram::1:role/deployer] <nil>
}

func connected() *rolecall.Client {
	client, err := rolecall.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	return client
}

type watchStream = grpc.ServerStreamingServer[rolecallv1.WatchRolesResponse]

func created(name string) *rolecallv1.WatchRolesResponse {
	change := &rolecallv1.RoleWatchChange{
		Kind: rolecallv1.ChangeKind_CHANGE_KIND_CREATED, Role: &rolecallv1.Role{Arn: "acs:ram::1:role/" + name},
	}
	return &rolecallv1.WatchRolesResponse{Event: &rolecallv1.WatchRolesResponse_Change{Change: change}}
}

func checkpoint() *rolecallv1.WatchRolesResponse {
	at := &rolecallv1.WatchCheckpoint{Revision: 1, Token: "t"}
	return &rolecallv1.WatchRolesResponse{Event: &rolecallv1.WatchRolesResponse_Checkpoint{Checkpoint: at}}
}

func wait(stream watchStream) error {
	<-stream.Context().Done()
	return nil
}

// example stands for a test, which an example does not have.
type example struct {
	testing.TB
	cleanups []func()
}

func (e *example) Helper() {}

func (e *example) Fatal(values ...any) { log.Fatal(values...) }

func (e *example) Cleanup(clean func()) { e.cleanups = append(e.cleanups, clean) }

func (e *example) end() {
	for _, clean := range e.cleanups {
		clean()
	}
}

func TestTheCodeOfTheReadmeIsThatOfTheExamples(t *testing.T) {
	readme := contentOf(t, "README.md")
	sources := flat(contentOf(t, "example_test.go") + contentOf(t, "guard/example_test.go"))

	parts := strings.Split(readme, "```go\n")
	for _, part := range parts[1:] {
		block, _, _ := strings.Cut(part, "```")
		if !strings.Contains(sources, flat(block)) {
			t.Errorf("no example has this code:\n%s", block)
		}
	}

	if len(parts) < 7 {
		t.Errorf("only %d blocks were found", len(parts)-1)
	}
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// flat returns code without its indentation and its empty lines.
func flat(code string) string {
	var lines []string
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n") + "\n"
}
