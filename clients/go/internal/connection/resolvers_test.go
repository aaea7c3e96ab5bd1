package connection

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/resolver"
)

func TestTargetsAreWrittenAsGRPCForGoReadsThem(t *testing.T) {
	for address, target := range map[string]string{
		"roles":                     "dns:///roles:50051",
		"roles:1":                   "dns:///roles:1",
		"dns:///roles":              "dns:///roles:50051",
		"dns:roles":                 "dns:///roles:50051",
		"dns://127.0.0.1:53/roles":  "dns://127.0.0.1:53/roles:50051",
		"fe80::1%eth0":              "dns:///[fe80::1%25eth0]:50051",
		"unix:/run/s":               "unix:/run/s",
		"ipv4:10.0.0.1:1":           "ipv4:10.0.0.1:1",
		"ipv6:[::1]:1,[fe80::1]:50": "ipv6:[::1]:1,[fe80::1]:50",
	} {
		if found, err := grpcTarget(address); err != nil || found != target {
			t.Errorf("grpcTarget(%q) = %q, %v", address, found, err)
		}
	}
}

// counted counts how often a resolver is built and closed.
type counted struct{ built, closed atomic.Int64 }

func (c *counted) ResolveNow(resolver.ResolveNowOptions) {}

func (c *counted) Close() { c.closed.Add(1) }

func TestANameIsLookedUpAgainFiveSecondsAfterTheLastLookupAtTheEarliest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inner := &counted{}
		names := &refreshing{inner: inner, built: time.Now(), build: func() (resolver.Resolver, error) {
			inner.built.Add(1)
			return inner, nil
		}}
		names.ResolveNow(resolver.ResolveNowOptions{})
		names.ResolveNow(resolver.ResolveNowOptions{})
		time.Sleep(refreshInterval - time.Millisecond)
		before := inner.built.Load()
		time.Sleep(time.Millisecond)
		synctest.Wait()
		after := inner.built.Load()

		names.ResolveNow(resolver.ResolveNowOptions{})
		names.Close()
		time.Sleep(refreshInterval)
		names.ResolveNow(resolver.ResolveNowOptions{})

		if built, closed := inner.built.Load(), inner.closed.Load(); before != 0 || after != 1 || built != 1 || closed != 2 {
			t.Errorf("built %d, %d and %d times, closed %d times", before, after, built, closed)
		}
	})
}
