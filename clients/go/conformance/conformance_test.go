package conformance

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	rolecall "github.com/rolecall/rolecall/clients/go"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func TestTheClientDoesInEachScenarioWhatTheScriptExpects(t *testing.T) {
	w := theWorld(t)
	only := os.Getenv("ROLECALL_CONFORMANCE_ONLY")
	script := struct {
		Description string                     `json:"description"`
		Queries     map[string]json.RawMessage `json:"queries"`
		Scenarios   []struct {
			Name   string            `json:"name"`
			Client clientFields      `json:"client"`
			Steps  []json.RawMessage `json:"steps"`
		} `json:"scenarios"`
	}{}
	content, err := os.ReadFile(w.Faults)
	if err == nil {
		err = strict(content, &script)
	}
	if err != nil {
		t.Fatal(err)
	}
	queries := map[string]*rolecallv1.AssumeRoleQuery{}
	for name, text := range script.Queries {
		queries[name] = queryOf(t, text)
	}
	for _, scenario := range script.Scenarios {
		if !strings.Contains(scenario.Name, only) {
			continue
		}
		t.Run(scenario.Name, func(t *testing.T) {
			if _, err := w.control("/reset", nil); err != nil {
				t.Fatal(err)
			}
			before := goleak.IgnoreCurrent()
			client, err := w.client(scenario.Client)
			if err != nil {
				t.Fatal(err)
			}

			failed := (&interpreter{world: w, client: client, queries: queries}).run(scenario.Steps)
			_ = client.Close()

			if err := errors.Join(failed, goleak.Find(before)); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// vector is one case of the decision vectors.
type vector struct {
	ID         string          `json:"id"`
	Query      json.RawMessage `json:"query"`
	AssumeTime string          `json:"assume_time"`
	Decision   json.RawMessage `json:"decision"`
	Error      string          `json:"error"`
	Expected   struct {
		Allowed     bool     `json:"allowed"`
		Reason      string   `json:"reason"`
		Determining []string `json:"determining"`
		MissingKeys []string `json:"missing_keys"`
		ValidUntil  *string  `json:"valid_until"`
	} `json:"expected"`

	query *rolecallv1.AssumeRoleQuery
}

// mostOfABatch is how many queries a server accepts in one batch of this test.
const mostOfABatch = 500

func TestEveryVectorIsDecidedAsTheServerDecidesItInEveryWayToAsk(t *testing.T) {
	w := theWorld(t)
	if _, err := w.control("/reset", nil); err != nil {
		t.Fatal(err)
	}
	decided, malformed := vectors(t, w)
	if len(decided) < 2_000 || len(malformed) == 0 {
		t.Fatalf("only %d vectors, and %d malformed queries", len(decided), len(malformed))
	}
	for name, fields := range map[string]clientFields{"service": {Target: "plain"}, "agent": {Target: "plain", Agent: true}} {
		client, err := w.client(fields)
		if err != nil {
			t.Fatal(err)
		}
		t.Run("check through the "+name, func(t *testing.T) { checks(t, client, decided) })
		t.Run("batch through the "+name, func(t *testing.T) { batches(t, client, decided) })
		t.Run("stream through the "+name, func(t *testing.T) { streams(t, client, decided) })
		t.Run("malformed through the "+name, func(t *testing.T) { refusals(t, client, malformed) })
		if name == "service" {
			t.Run("explain", func(t *testing.T) { explanations(t, client, decided) })
		}
		_ = client.Close()
	}
}

func vectors(t *testing.T, w *world) (decided, malformed []*vector) {
	t.Helper()
	file, err := os.Open(w.Vectors)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 16*1024*1024)
	for lines.Scan() {
		one := &vector{}
		if err := json.Unmarshal(lines.Bytes(), one); err != nil {
			t.Fatal(err)
		}
		one.query = queryOf(t, one.Query)
		if one.Error != "" {
			malformed = append(malformed, one)
		} else {
			decided = append(decided, one)
		}
	}
	if lines.Err() != nil {
		t.Fatal(lines.Err())
	}
	return decided, malformed
}

func queryOf(t *testing.T, text json.RawMessage) *rolecallv1.AssumeRoleQuery {
	t.Helper()
	query := &rolecallv1.AssumeRoleQuery{}
	if err := protojson.Unmarshal(text, query); err != nil {
		t.Fatal(err)
	}
	return query
}

func checks(t *testing.T, client *rolecall.Client, decided []*vector) {
	for _, one := range decided {
		answer, err := client.Check(context.Background(), one.query)
		compare(t, one, answer.GetDecision(), err)
	}
}

func batches(t *testing.T, client *rolecall.Client, decided []*vector) {
	for some := range slices.Chunk(decided, mostOfABatch) {
		answer, err := client.BatchCheck(context.Background(), slices.Collect(queriesOf(some)))
		if err != nil || len(answer.GetResults()) != len(some) {
			t.Fatalf("got %d results, %v", len(answer.GetResults()), err)
		}
		for i, result := range answer.GetResults() {
			compare(t, some[i], result.GetDecision(), errorIn(result.GetError()))
		}
	}
}

func streams(t *testing.T, client *rolecall.Client, decided []*vector) {
	answers := 0
	for answer, err := range client.StreamCheck(context.Background(), queriesOf(decided)) {
		if err != nil {
			t.Fatal(err)
		}
		compare(t, decided[answers], answer.GetDecision(), errorIn(answer.GetError()))
		answers++
	}
	if answers != len(decided) {
		t.Errorf("%d answers", answers)
	}
}

func refusals(t *testing.T, client *rolecall.Client, malformed []*vector) {
	for _, one := range malformed {
		_, err := client.Check(context.Background(), one.query)

		var failed *rolecall.Error
		if !errors.Is(err, rolecall.ErrInvalidArgument) || !errors.As(err, &failed) ||
			!slices.ContainsFunc(failed.Violations, func(v rolecall.Violation) bool { return v.Reason == one.Error }) {
			t.Errorf("%s: got %v; want %s", one.ID, err, one.Error)
		}
	}
}

func explanations(t *testing.T, client *rolecall.Client, decided []*vector) {
	for _, one := range decided {
		at, err := time.Parse(time.RFC3339Nano, one.AssumeTime)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := client.Explain(context.Background(), one.query, rolecall.AssumeTime(at))
		if err != nil {
			t.Fatalf("%s: %v", one.ID, err)
		}
		decision := answer.GetDecision()
		var pointers []string
		for _, statement := range decision.GetDeterminingStatements() {
			pointers = append(pointers, statement.GetPointer())
		}
		want := one.Expected
		if decision.GetAllowed() != want.Allowed || "DECISION_REASON_"+want.Reason != decision.GetReason().String() ||
			!slices.Equal(pointers, want.Determining) || !slices.Equal(decision.GetMissingKeys(), want.MissingKeys) ||
			!sameInstant(t, decision, want.ValidUntil) {
			t.Errorf("%s: got %v; want %+v", one.ID, decision, want)
		}
	}
}

func sameInstant(t *testing.T, decision *rolecallv1.Decision, until *string) bool {
	t.Helper()
	if until == nil || decision.GetValidUntil() == nil {
		return until == nil && decision.GetValidUntil() == nil
	}
	want, err := time.Parse(time.RFC3339Nano, *until)
	if err != nil {
		t.Fatal(err)
	}
	return want.Equal(decision.GetValidUntil().AsTime())
}

// compare compares a decision with that of a vector, but for what differs from answer to answer.
func compare(t *testing.T, one *vector, found *rolecallv1.Decision, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v", one.ID, err)
		return
	}
	want := &rolecallv1.Decision{}
	if err := protojson.Unmarshal(one.Decision, want); err != nil {
		t.Fatal(err)
	}
	found = proto.CloneOf(found)
	found.DecisionId, found.Revision, found.Staleness, found.ValidFor = "", 0, nil, nil
	found.ServedFrom = rolecallv1.ServedFrom_SERVED_FROM_UNSPECIFIED
	if !proto.Equal(found, want) {
		t.Errorf("%s: got %v; want %v", one.ID, found, want)
	}
}

func queriesOf(some []*vector) func(func(*rolecallv1.AssumeRoleQuery) bool) {
	return func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		for _, one := range some {
			if !yield(one.query) {
				return
			}
		}
	}
}

func TestTheExamplesAskAServer(t *testing.T) {
	w := theWorld(t)
	if _, err := w.control("/reset", nil); err != nil {
		t.Fatal(err)
	}
	address, err := w.address("plain")
	if err != nil {
		t.Fatal(err)
	}
	programs := t.TempDir()
	if output, err := exec.Command("go", "build", "-o", programs, "../examples/...").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	run := func(name string, arguments ...string) (string, int) {
		ctx, cancel := context.WithTimeout(context.Background(), longest)
		defer cancel()
		program := exec.CommandContext(ctx, filepath.Join(programs, name), arguments...)
		program.Env = append(os.Environ(), "ROLECALL_ADDRESS="+address)
		output, _ := program.CombinedOutput()
		return string(output), program.ProcessState.ExitCode()
	}

	allowed, allowedCode := run("check", "acs:ram::123456789012:user/alice", "orders")
	denied, deniedCode := run("check", "acs:ram::123456789012:user/stranger", "orders")
	_, wrongCode := run("check", "acs:ram::123456789012:user/stranger")
	seen := watchedBy(t, filepath.Join(programs, "watch"), address)

	if allowed != "allowed\n" || allowedCode != 0 || !strings.HasPrefix(denied, "denied: IMPLICIT_DENY\n") || deniedCode != 1 || wrongCode != 2 {
		t.Errorf("got %q, %d, %q, %d, %d", allowed, allowedCode, denied, deniedCode, wrongCode)
	}
	if !strings.HasSuffix(seen, "created acs:ram::123456789012:role/orders") {
		t.Errorf("got %q", seen)
	}
}

// watchedBy returns the line of the role `orders` that the example of a watch prints, and interrupts it then.
func watchedBy(t *testing.T, path, address string) string {
	t.Helper()
	program := exec.Command(path)
	program.Env = append(os.Environ(), "ROLECALL_ADDRESS="+address)
	output, err := program.StdoutPipe()
	if err == nil {
		err = program.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	found := ""
	for lines := bufio.NewScanner(output); found == "" && lines.Scan(); {
		if strings.HasSuffix(lines.Text(), "role/orders") {
			found = lines.Text()
		}
	}
	if err := errors.Join(program.Process.Signal(os.Interrupt), program.Wait()); err != nil {
		t.Errorf("after an interrupt the example ends with %v", err)
	}
	return found
}
