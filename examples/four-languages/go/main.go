// Orders is an HTTP service over mTLS, each route of which is protected by a role.
//
// ORDERS_ADDRESS is where it listens, CERTIFICATES the folder with orders.pem, orders.key and ca.pem, and ROLECALL_ADDRESS and its like
// say how to connect to Rolecall. The guard is the part between the two lines.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	rolecall "github.com/rolecall/rolecall/clients/go"
	"github.com/rolecall/rolecall/clients/go/guard"
)

// --- the guard -------------------------------------------------------------------------------------------------------

// guarded lets only callers with the right role reach the routes of a service.
func guarded(client *rolecall.Client, service http.Handler) (http.Handler, error) {
	routes, err := guard.NewRouteMap(map[string]string{
		"POST /orders/{id}/refund": "orders.refund",
		"POST /orders/{id}/cancel": "orders.cancel",
		"GET /orders/*":            "orders.read",
	}, "GET /healthz")
	if err != nil {
		return nil, err
	}
	callers, err := guard.SPIFFEPrincipals(map[string]string{
		"spiffe://demo.example/ns/shop/sa/shop": "123456789012@shop.internal",
	})
	if err != nil {
		return nil, err
	}
	front, err := guard.New(client, routes, callers)
	if err != nil {
		return nil, err
	}
	return front.Middleware(service), nil
}

// ---------------------------------------------------------------------------------------------------------------------

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context) error {
	client, err := rolecall.FromEnv()
	if err != nil {
		return err
	}
	defer client.Close()
	handler, err := guarded(client, orders())
	if err != nil {
		return err
	}
	config, err := mutualTLS(setting("CERTIFICATES", "certificates"))
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", setting("ORDERS_ADDRESS", "localhost:50071"))
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, TLSConfig: config, ReadHeaderTimeout: 10 * time.Second}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	fmt.Printf("orders is listening on %s\n", listener.Addr())
	if err := server.ServeTLS(listener, "", ""); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// orders is the service itself, which knows nothing of roles.
func orders() http.Handler {
	mux := http.NewServeMux()
	for route, what := range map[string]string{
		"GET /orders/{id}": "is open", "POST /orders/{id}/refund": "is refunded", "POST /orders/{id}/cancel": "is cancelled",
	} {
		mux.HandleFunc(route, func(writer http.ResponseWriter, request *http.Request) {
			fmt.Fprintf(writer, "order %s %s", request.PathValue("id"), what)
		})
	}
	mux.HandleFunc("GET /healthz", func(writer http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(writer, "serving") })
	return mux
}

// mutualTLS requires a certificate of the client.
func mutualTLS(folder string) (*tls.Config, error) {
	pair, err := tls.LoadX509KeyPair(filepath.Join(folder, "orders.pem"), filepath.Join(folder, "orders.key"))
	if err != nil {
		return nil, err
	}
	ca, err := os.ReadFile(filepath.Join(folder, "ca.pem"))
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		return nil, errors.New("ca.pem has no certificates")
	}
	return &tls.Config{
		Certificates: []tls.Certificate{pair}, ClientCAs: pool, ClientAuth: tls.RequireAndVerifyClientCert, MinVersion: tls.VersionTLS12,
	}, nil
}

func setting(name, otherwise string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return otherwise
}
