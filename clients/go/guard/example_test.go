package guard_test

import (
	"crypto/tls"
	"log"
	"net/http"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	rolecall "github.com/rolecall/rolecall/clients/go"
	"github.com/rolecall/rolecall/clients/go/guard"
)

// The code of these examples is that of README.md.

func callers() guard.Identifier {
	callers, err := guard.SPIFFEPrincipals(map[string]string{
		"spiffe://prod.example/ns/shop/sa/cart": "123456789012@cart.internal",
	})
	if err != nil {
		log.Fatal(err)
	}
	return callers
}

func Example_gRPC() {
	var client *rolecall.Client
	var config *tls.Config // with tls.RequireAndVerifyClientCert
	callers := callers()

	roles, err := guard.NewRoleMap(map[string]string{
		"/orders.v1.Orders/Refund": "orders.refund",
		"/orders.v1.Orders/*":      "orders.read", // every other method of the service
	}, []string{"/grpc.health.v1.Health/*"})
	if err != nil {
		log.Fatal(err)
	}
	guarded, err := guard.New(client, roles, callers)
	if err != nil {
		log.Fatal(err)
	}
	server := grpc.NewServer(
		grpc.Creds(credentials.NewTLS(config)),
		grpc.ChainUnaryInterceptor(guarded.UnaryServerInterceptor()),
		grpc.ChainStreamInterceptor(guarded.StreamServerInterceptor()),
	)
	_ = server
}

func Example_hTTP() {
	var client *rolecall.Client
	var config *tls.Config // with tls.RequireAndVerifyClientCert
	callers, mux := callers(), http.NewServeMux()

	routes, err := guard.NewRouteMap(map[string]string{
		"POST /orders/{id}/refund": "orders.refund",
		"GET /orders/*":            "orders.read",
	}, "GET /healthz")
	if err != nil {
		log.Fatal(err)
	}
	guarded, err := guard.New(client, routes, callers)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Addr: ":8443", Handler: guarded.Middleware(mux), TLSConfig: config}
	_ = server
}
