package connection

import (
	"fmt"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"

	"github.com/rolecall/rolecall/clients/go/internal/address"
)

// MaxMessageBytes is the largest response that is accepted: that of an apply of 100,000 new roles with their documents fits.
const MaxMessageBytes = 256 * 1024 * 1024

const (
	// By default a gRPC server closes the connection of a client that pings more often than every five minutes.
	keepaliveTime    = 310 * time.Second
	keepaliveTimeout = 20 * time.Second
	// A server that restarts is tried again soon: with gRPC's second and its two minutes a rolling restart would lose calls.
	firstReconnect, lastReconnect = 100 * time.Millisecond, 5 * time.Second
	agentReconnect                = time.Second
)

// dialService opens a connection to a service.
func dialService(target string, secure credentials.TransportCredentials, options []grpc.DialOption) (*grpc.ClientConn, error) {
	return dial(target, secure, lastReconnect, append([]grpc.DialOption{
		grpc.WithDefaultServiceConfig(ServiceConfig),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: keepaliveTime, Timeout: keepaliveTimeout}),
	}, options...))
}

// dialAgent opens a connection to an agent. Nothing is repeated on it: the service answers instead.
func dialAgent(target string, secure credentials.TransportCredentials, options []grpc.DialOption) (*grpc.ClientConn, error) {
	return dial(target, secure, agentReconnect, append([]grpc.DialOption{grpc.WithDisableRetry()}, options...))
}

func dial(
	target string, secure credentials.TransportCredentials, longest time.Duration, options []grpc.DialOption,
) (*grpc.ClientConn, error) {
	reconnect := backoff.Config{BaseDelay: firstReconnect, Multiplier: 1.6, Jitter: 0.2, MaxDelay: longest}
	common := []grpc.DialOption{
		grpc.WithTransportCredentials(secure),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(MaxMessageBytes)),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: reconnect, MinConnectTimeout: 10 * time.Second}),
		grpc.WithResolvers(staticAddresses{"ipv4"}, staticAddresses{"ipv6"}, refreshingNames{}),
		// A service config of the DNS would replace the retries.
		grpc.WithDisableServiceConfig(),
		// The service runs nearby. `http_proxy` is meant for the web, and would redirect even calls to the loopback address.
		grpc.WithNoProxy(),
	}
	return grpc.NewClient(target, append(common, options...)...)
}

// grpcTarget returns an address as gRPC for Go reads it.
func grpcTarget(text string) (string, error) {
	target, err := address.Target(text)
	if err != nil {
		return "", err
	}
	for _, scheme := range []string{"unix:", "unix-abstract:"} {
		if strings.HasPrefix(target, scheme) {
			return target, nil
		}
	}
	for _, scheme := range []string{"ipv4:", "ipv6:"} {
		if strings.HasPrefix(target, scheme) {
			_, err := addressesOf(target[len(scheme):])
			return target, err
		}
	}
	if name, found := strings.CutPrefix(target, "dns:"); found {
		if strings.HasPrefix(name, "//") {
			return escaped(target), nil
		}
		target = name
	}
	return escaped(fmt.Sprintf("dns:///%s", target)), nil
}

// escaped returns a target as a URL: the zone of an IPv6 address begins with a percent sign.
func escaped(target string) string {
	return strings.ReplaceAll(target, "%", "%25")
}
