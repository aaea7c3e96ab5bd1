package rolecall

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func filesIn(folder string) TLSFiles {
	return TLSFiles{
		CA:   filepath.Join(folder, "ca.pem"),
		Cert: filepath.Join(folder, "cert.pem"),
		Key:  filepath.Join(folder, "key.pem"),
	}
}

// presented returns a service whose decision id is the DNS name in the certificate of the client.
func presented() *fake.Service {
	return &fake.Service{Answer: func(ctx context.Context, _ *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		from, _ := peer.FromContext(ctx)
		info, _ := from.AuthInfo.(credentials.TLSInfo)
		return &rolecallv1.Decision{DecisionId: info.State.PeerCertificates[0].DNSNames[0]}, nil
	}}
}

func nameSeen(t *testing.T, client *Client) string {
	t.Helper()
	answer, err := client.Check(t.Context(), asked("x"))
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetDecision().GetDecisionId()
}

func TestFilesThatChangeAreUsedForNewCallsAndStreamsAreOpenedAgain(t *testing.T) {
	authority, folder := fake.NewAuthority(t), t.TempDir()
	authority.Write(folder, fake.Names{DNS: []string{"first"}})
	service := presented()
	opens := make(chan struct{}, 10)
	service.Watch = func(_ *rolecallv1.WatchRolesRequest, stream watchStream) error {
		opens <- struct{}{}
		for {
			if err := stream.Send(checkpoint(1)); err != nil {
				return err
			}
			select {
			case <-stream.Context().Done():
				return nil
			case <-time.After(20 * time.Millisecond):
			}
		}
	}
	server := fake.StartTLS(t, service, authority.ServerConfig())
	client := opened(t, strings.Replace(server.Address, "127.0.0.1", "localhost", 1), WithTLS(filesIn(folder)))
	first := nameSeen(t, client)
	ctx, cancel := context.WithCancel(t.Context())
	var resumed error
	var group sync.WaitGroup
	group.Go(func() {
		for _, err := range client.WatchRoles(ctx, WatchOptions{OnResume: func(err error) { resumed = err }}) {
			if err != nil {
				return
			}
		}
	})
	<-opens

	authority.Write(folder, fake.Names{DNS: []string{"second"}})

	<-opens // the watch, which receives messages, notices the change by itself
	second := nameSeen(t, client)
	cancel()
	group.Wait()
	if first != "first" || second != "second" {
		t.Errorf("got %s and %s", first, second)
	}
	if !errors.Is(resumed, ErrUnavailable) {
		t.Errorf("the watch was resumed after %v", resumed)
	}
}

func TestFilesThatAreInvalidAfterAChangeAreReportedAndTheLastOnesUsed(t *testing.T) {
	authority, folder := fake.NewAuthority(t), t.TempDir()
	authority.Write(folder, fake.Names{DNS: []string{"first"}})
	server := fake.StartTLS(t, presented(), authority.ServerConfig())
	var log bytes.Buffer
	client := opened(t, server.Address, WithTLS(filesIn(folder)), WithLogger(slog.New(slog.NewTextHandler(&log, nil))))
	_ = nameSeen(t, client)
	if err := os.WriteFile(filepath.Join(folder, "key.pem"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1100 * time.Millisecond) // the files are looked at once a second

	found := nameSeen(t, client)

	if found != "first" || !strings.Contains(log.String(), "the last valid ones are used") || strings.Contains(log.String(), "secret") {
		t.Fatalf("got %s and %s", found, log.String())
	}
}

func TestAServerThatTheCADoesNotVerifyIsUnavailable(t *testing.T) {
	authority, other, folder := fake.NewAuthority(t), fake.NewAuthority(t), t.TempDir()
	other.Write(folder, fake.Names{DNS: []string{"x"}})
	server := fake.StartTLS(t, presented(), authority.ServerConfig())
	client := opened(t, server.Address, WithTLS(filesIn(folder)))

	_, err := client.Check(t.Context(), asked("x"))

	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "certificate signed by unknown authority") {
		t.Fatalf("got %v", err)
	}
}

func TestTheNameInACertificateMayBeAnother(t *testing.T) {
	authority, folder := fake.NewAuthority(t), t.TempDir()
	authority.Write(folder, fake.Names{DNS: []string{"first"}})
	config := authority.ServerConfig()
	config.Certificates = []tls.Certificate{authority.Pair(fake.Names{DNS: []string{"roles.internal"}})}
	server := fake.StartTLS(t, presented(), config)
	files, address := filesIn(folder), strings.Replace(server.Address, "127.0.0.1", "localhost", 1)
	wrong := opened(t, address, WithTLS(files))
	files.ServerName = "roles.internal"
	right := opened(t, address, WithTLS(files))

	_, err := wrong.Check(t.Context(), asked("x"))

	if !errors.Is(err, ErrUnavailable) || nameSeen(t, right) != "first" {
		t.Fatalf("got %v", err)
	}
}
