package rolecall

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const alice = "acs:ram::1:user/alice"

// TestMain fails if a test leaves a goroutine: a client that was closed has none.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// opened returns a client that is closed when the test ends.
func opened(t testing.TB, address string, options ...Option) *Client {
	t.Helper()
	client, err := New(address, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	return client
}

// served returns a client of a fake service.
func served(t testing.TB, service *fake.Service, options ...Option) *Client {
	t.Helper()
	return opened(t, fake.Start(t, service).Address, options...)
}

func asked(role string) *rolecallv1.AssumeRoleQuery {
	return &rolecallv1.AssumeRoleQuery{Identity: &rolecallv1.AssumeRoleQuery_Principal{Principal: alice}, Role: role}
}

// eventually fails the test unless a condition holds soon.
func eventually(t testing.TB, holds func() bool, what string) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 seconds: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func within(t testing.TB, timeout time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	t.Cleanup(cancel)
	return ctx
}
