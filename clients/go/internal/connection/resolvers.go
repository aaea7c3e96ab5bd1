package connection

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"google.golang.org/grpc/resolver"
)

// refreshInterval is the least time between two lookups of a name. With gRPC's 30 seconds a client would miss new pods for that long.
const refreshInterval = 5 * time.Second

// staticAddresses resolves targets that are lists of addresses, `ipv4:10.0.0.1:50051,10.0.0.2:50051`. gRPC for Go has no resolver
// for them.
type staticAddresses struct{ scheme string }

func (s staticAddresses) Scheme() string { return s.scheme }

func (s staticAddresses) Build(target resolver.Target, cc resolver.ClientConn, _ resolver.BuildOptions) (resolver.Resolver, error) {
	text := target.URL.Opaque
	if text == "" {
		text = target.Endpoint()
	}
	addresses, err := addressesOf(text)
	if err != nil {
		return nil, err
	}
	if err := cc.UpdateState(resolver.State{Addresses: addresses}); err != nil {
		return nil, err
	}
	return resolved{}, nil
}

func (s staticAddresses) OverrideAuthority(resolver.Target) string { return "localhost" }

type resolved struct{}

func (resolved) ResolveNow(resolver.ResolveNowOptions) {}

func (resolved) Close() {}

func addressesOf(text string) ([]resolver.Address, error) {
	var found []resolver.Address
	for part := range strings.SplitSeq(text, ",") {
		if _, _, err := net.SplitHostPort(part); err != nil {
			return nil, fmt.Errorf("`%s` is not an address of a list; write IP:PORT", part)
		}
		found = append(found, resolver.Address{Addr: part})
	}
	return found, nil
}

// refreshingNames is gRPC's resolver of DNS names, which also looks a name up soon after a connection broke. The interval of gRPC is a
// setting of the whole process, which is not a library's to change.
type refreshingNames struct{}

func (refreshingNames) Scheme() string { return "dns" }

func (refreshingNames) Build(target resolver.Target, cc resolver.ClientConn, options resolver.BuildOptions) (resolver.Resolver, error) {
	dns := resolver.Get("dns")
	if dns == nil {
		return nil, errors.New("gRPC has no resolver of DNS names")
	}
	names := &refreshing{build: func() (resolver.Resolver, error) { return dns.Build(target, cc, options) }}
	inner, err := names.build()
	names.inner, names.built = inner, time.Now()
	return names, err
}

// refreshing replaces its inner resolver by a new one, which looks the name up at once.
type refreshing struct {
	build func() (resolver.Resolver, error)

	mu      sync.Mutex
	inner   resolver.Resolver
	built   time.Time
	pending *time.Timer
	closed  bool
}

func (r *refreshing) ResolveNow(resolver.ResolveNowOptions) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed && r.pending == nil {
		r.pending = time.AfterFunc(time.Until(r.built.Add(refreshInterval)), r.refresh)
	}
}

func (r *refreshing) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	if r.pending != nil {
		r.pending.Stop()
	}
	r.inner.Close()
}

func (r *refreshing) refresh() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending = nil
	if r.closed {
		return
	}
	r.inner.Close()
	r.built = time.Now()
	// The target was valid when the first one was built.
	if next, err := r.build(); err == nil {
		r.inner = next
	}
}
