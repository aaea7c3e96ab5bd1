package guard

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"testing"

	"go.uber.org/goleak"

	rolecall "github.com/rolecall/rolecall/clients/go"
	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const cart = "123456789012@cart.internal"

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clientOf returns a client of a fake service, which allows roles that begin with "allowed".
func clientOf(t *testing.T, service *fake.Service) *rolecall.Client {
	t.Helper()
	client, err := rolecall.New(fake.Start(t, service).Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// must returns a value that is valid in a test.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

// asCart is every caller.
var asCart = IdentifierFunc(func(Peer) (Caller, error) { return Caller{As: cart}, nil })

// log is a log that a test can read.
type log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *log) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func (l *log) logger() *slog.Logger { return slog.New(slog.NewTextHandler(l, nil)) }

// answers is a client with fixed answers.
type answers func(ctx context.Context, query *rolecallv1.AssumeRoleQuery) (*rolecallv1.CheckAssumeRoleResponse, error)

func (a answers) Check(
	ctx context.Context, query *rolecallv1.AssumeRoleQuery, _ ...rolecall.CheckOption,
) (*rolecallv1.CheckAssumeRoleResponse, error) {
	return a(ctx, query)
}
