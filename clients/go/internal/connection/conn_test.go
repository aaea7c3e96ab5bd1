package connection

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// secured returns a connection over TLS, and what issues its certificate.
func secured(t *testing.T, service *fake.Service) (*Conn, func()) {
	t.Helper()
	authority, folder := fake.NewAuthority(t), t.TempDir()
	issue := func() { authority.Write(folder, fake.Names{DNS: []string{"client"}}) }
	issue()
	server := fake.StartTLS(t, service, authority.ServerConfig())
	files := &TLSFiles{
		CA: filepath.Join(folder, "ca.pem"), Cert: filepath.Join(folder, "cert.pem"), Key: filepath.Join(folder, "key.pem"),
	}
	conn, err := Open(Settings{Address: server.Address, Files: files, Log: slog.Default()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn, func() {
		issue()
		conn.files.lookedAt = time.Time{} // a second has passed
	}
}

func TestAnUploadInProgressKeepsItsConnectionAndTheOldOneIsClosedAfterIt(t *testing.T) {
	conn, rotate := secured(t, &fake.Service{})
	upload, err := rolecallv1.NewRoleServiceClient(conn).ApplyRoles(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	rotate()
	_, err = rolecallv1.NewDecisionServiceClient(conn).CheckAssumeRole(t.Context(), &rolecallv1.CheckAssumeRoleRequest{})
	during := len(conn.replaced)
	_, applied := upload.CloseAndRecv()

	if err != nil || applied != nil || during != 1 || len(conn.replaced) != 0 {
		t.Fatalf("got %v, %v, %d and %d replaced connections", err, applied, during, len(conn.replaced))
	}
}

func TestAtMostFourReplacedConnectionsWaitForTheirCalls(t *testing.T) {
	conn, rotate := secured(t, &fake.Service{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	for range maxReplaced + 2 {
		if _, err := rolecallv1.NewRoleServiceClient(conn).ApplyRoles(ctx); err != nil {
			t.Fatal(err)
		}
		rotate()
	}

	conn.Refresh()
	if found := len(conn.replaced); found != maxReplaced {
		t.Fatalf("%d connections wait", found)
	}
}

func TestTheServiceConfigRepeatsEveryMethodButTheStreamsOfAnswers(t *testing.T) {
	methods := map[string]bool{}
	for _, name := range retried([]*grpc.ServiceDesc{
		&rolecallv1.DecisionService_ServiceDesc, &rolecallv1.RoleService_ServiceDesc, &rolecallv1.WatchService_ServiceDesc,
	}) {
		text, _ := name["method"].(string)
		methods[text] = true
	}

	for name, want := range map[string]bool{
		"CheckAssumeRole": true, "ApplyRoles": true, "DeleteRole": true, "StreamCheckAssumeRole": false, "WatchRoles": false,
	} {
		if methods[name] != want {
			t.Errorf("%s: %v", name, methods[name])
		}
	}
}
