package guard

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/status"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const (
	spiffeCart  = "spiffe://td/ns/shop/sa/cart"
	decisions   = "/rolecall.v1.DecisionService/"
	callersName = "/rolecall.v1.CallerService/"
)

// orders is a guarded gRPC service: any service, here a second fake one.
type orders struct {
	authority *fake.Authority
	address   string
	guarded   *Guard
}

func newOrders(t *testing.T, client Client, options ...Option) *orders {
	t.Helper()
	methods := must(NewRoleMap(map[string]string{
		decisions + "CheckAssumeRole": "allowed", decisions + "StreamCheckAssumeRole": "allowed", decisions + "*": "other",
	}, []string{callersName + "CanI"}))
	guarded := must(New(client, methods, must(SPIFFEPrincipals(map[string]string{spiffeCart: cart})), options...))
	authority := fake.NewAuthority(t)
	config := authority.ServerConfig()
	config.ClientAuth = tls.VerifyClientCertIfGiven
	server := fake.Start(t, &fake.Service{},
		grpc.Creds(credentials.NewTLS(config)),
		grpc.ChainUnaryInterceptor(guarded.UnaryServerInterceptor()),
		grpc.ChainStreamInterceptor(guarded.StreamServerInterceptor()))
	return &orders{authority, server.Address, guarded}
}

// as returns a connection with a certificate of these names, or without any.
func (o *orders) as(t *testing.T, names *fake.Names) *grpc.ClientConn {
	t.Helper()
	config := &tls.Config{RootCAs: o.authority.Pool(), ServerName: "localhost"}
	if names != nil {
		config.Certificates = []tls.Certificate{o.authority.Pair(*names)}
	}
	conn := must(grpc.NewClient(o.address, grpc.WithTransportCredentials(credentials.NewTLS(config))))
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func TestAGRPCServiceAnswersCallersThatMayAssumeTheRoleAndNoOthers(t *testing.T) {
	service := newOrders(t, clientOf(t, &fake.Service{Name: "d-1"}))
	conn := service.as(t, &fake.Names{URIs: []string{spiffeCart}})
	stub := rolecallv1.NewDecisionServiceClient(conn)

	_, allowed := stub.CheckAssumeRole(t.Context(), &rolecallv1.CheckAssumeRoleRequest{})
	_, denied := stub.BatchCheckAssumeRole(t.Context(), &rolecallv1.BatchCheckAssumeRoleRequest{})
	stream := must(stub.StreamCheckAssumeRole(t.Context()))
	_ = stream.CloseSend()
	_, streamed := stream.Recv()
	_, closed := rolecallv1.NewRoleServiceClient(conn).GetRole(t.Context(), &rolecallv1.GetRoleRequest{})
	watch := must(rolecallv1.NewWatchServiceClient(conn).WatchRoles(t.Context(), &rolecallv1.WatchRolesRequest{}))
	_, closedStream := watch.Recv()

	if allowed != nil || !errors.Is(streamed, io.EOF) {
		t.Errorf("got %v, %v", allowed, streamed)
	}
	requireStatus(t, denied, codes.PermissionDenied, "NOT_ALLOWED", "the caller is not allowed to call this method; decision `d-1`")
	requireStatus(t, closed, codes.PermissionDenied, "METHOD_CLOSED", "this method is not open to callers")
	requireStatus(t, closedStream, codes.PermissionDenied, "METHOD_CLOSED", "this method is not open to callers")
}

func TestACertificateThatNamesNobodyIsUnauthenticatedAndAPublicMethodIsOpen(t *testing.T) {
	service := newOrders(t, clientOf(t, &fake.Service{}))
	for _, names := range []*fake.Names{
		nil, {}, {DNS: []string{"cart"}}, {URIs: []string{"spiffe://td/ns/shop/sa/other"}}, {URIs: []string{spiffeCart, "spiffe://td/b"}},
	} {
		conn := service.as(t, names)

		_, refused := rolecallv1.NewDecisionServiceClient(conn).CheckAssumeRole(t.Context(), &rolecallv1.CheckAssumeRoleRequest{})
		_, public := rolecallv1.NewCallerServiceClient(conn).CanI(t.Context(), &rolecallv1.CanIRequest{})

		requireStatus(t, refused, codes.Unauthenticated, "UNKNOWN_CALLER", "the call has no valid credential that names one caller")
		if public != nil {
			t.Errorf("got %v", public)
		}
	}
}

func TestACertificateThatTheServerHasNotVerifiedIsNobody(t *testing.T) {
	service := newOrders(t, clientOf(t, &fake.Service{}))
	config := service.authority.ServerConfig()
	config.ClientAuth = tls.RequireAnyClientCert
	server := fake.Start(t, &fake.Service{}, grpc.Creds(credentials.NewTLS(config)),
		grpc.ChainUnaryInterceptor(service.guarded.UnaryServerInterceptor()))
	stranger := fake.NewAuthority(t)
	conn := must(grpc.NewClient(server.Address, grpc.WithTransportCredentials(credentials.NewTLS(&tls.Config{
		RootCAs: service.authority.Pool(), ServerName: "localhost",
		Certificates: []tls.Certificate{stranger.Pair(fake.Names{URIs: []string{spiffeCart}})},
	}))))
	defer conn.Close()

	_, err := rolecallv1.NewDecisionServiceClient(conn).CheckAssumeRole(t.Context(), &rolecallv1.CheckAssumeRoleRequest{})

	requireStatus(t, err, codes.Unauthenticated, "UNKNOWN_CALLER", "the call has no valid credential that names one caller")
}

func TestNobodyPassesWhenTheServiceIsUnreachable(t *testing.T) {
	client := clientOf(t, &fake.Service{Answer: func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		return nil, fake.Fail(codes.Unavailable, "STATE_TOO_OLD", "the state is too old")
	}})
	service := newOrders(t, client)
	conn := service.as(t, &fake.Names{URIs: []string{spiffeCart}})

	_, err := rolecallv1.NewDecisionServiceClient(conn).CheckAssumeRole(t.Context(), &rolecallv1.CheckAssumeRoleRequest{})

	requireStatus(t, err, codes.Unavailable, "NOT_DECIDED", "whether the caller is allowed could not be decided; retry later")
	retry := false
	for _, detail := range status.Convert(err).Details() {
		info, ok := detail.(*errdetails.RetryInfo)
		retry = retry || ok && info.GetRetryDelay().GetSeconds() == RetryAfterSeconds
	}
	if !retry {
		t.Errorf("got %v", status.Convert(err).Details())
	}
}

func requireStatus(t *testing.T, err error, code codes.Code, reason, message string) {
	t.Helper()
	found := status.Convert(err)
	var info *errdetails.ErrorInfo
	for _, detail := range found.Details() {
		if one, ok := detail.(*errdetails.ErrorInfo); ok {
			info = one
		}
	}
	if found.Code() != code || found.Message() != message || info.GetReason() != reason || info.GetDomain() != Domain {
		t.Errorf("got %v, %v", found, info)
	}
}

// shop is a guarded HTTP service over mTLS.
func shop(t *testing.T, client Client, identify Identifier, options ...Option) (*httptest.Server, *fake.Authority) {
	t.Helper()
	routes := must(NewRouteMap(map[string]string{"GET /orders/{id}": "allowed", "POST /orders/{id}/refund": "other"}, "GET /healthz"))
	guarded := must(New(client, routes, identify, options...))
	inner := http.HandlerFunc(func(writer http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(writer, "served") })
	server := httptest.NewUnstartedServer(guarded.Middleware(inner))
	authority := fake.NewAuthority(t)
	server.TLS = authority.ServerConfig()
	server.TLS.ClientAuth = tls.VerifyClientCertIfGiven
	server.TLS.NextProtos = nil
	server.StartTLS()
	t.Cleanup(server.Close)
	return server, authority
}

type answer struct {
	code   int
	header http.Header
	body   string
}

func requested(t *testing.T, server *httptest.Server, authority *fake.Authority, names *fake.Names, verb, path string) answer {
	t.Helper()
	config := &tls.Config{RootCAs: authority.Pool(), ServerName: "localhost"}
	if names != nil {
		config.Certificates = []tls.Certificate{authority.Pair(*names)}
	}
	transport := &http.Transport{TLSClientConfig: config}
	defer transport.CloseIdleConnections()
	request := must(http.NewRequestWithContext(t.Context(), verb, server.URL, nil))
	request.URL.Opaque = path // as it is, without any cleaning
	response := must((&http.Client{Transport: transport}).Do(request))
	defer response.Body.Close()
	return answer{response.StatusCode, response.Header, string(must(io.ReadAll(response.Body)))}
}

func TestAnHTTPServiceAnswersCallersThatMayAssumeTheRoleAndNoOthers(t *testing.T) {
	callers := must(SPIFFEPrincipals(map[string]string{spiffeCart: cart}))
	server, authority := shop(t, clientOf(t, &fake.Service{Name: "d-1"}), callers)
	known := &fake.Names{URIs: []string{spiffeCart}}

	for _, test := range []struct {
		names      *fake.Names
		verb, path string
		code       int
	}{
		{known, "GET", "/orders/7", 200}, {known, "HEAD", "/orders/7", 200}, {known, "GET", "/orders/7?x=/../y", 200},
		{known, "POST", "/orders/7/refund", 403}, {known, "DELETE", "/orders/7", 403}, {known, "GET", "/orders/7/", 403},
		{known, "GET", "//orders/7", 403}, {known, "GET", "/orders/%2e%2e", 403}, {known, "GET", "/orders/a%2Fb", 403},
		{known, "GET", "/orders/a%5Cb", 403}, {known, "GET", "/orders/%00", 403}, {known, "GET", "/orders/%FF", 403},
		{known, "GET", "/orders/" + strings.Repeat("a", maxPath), 403}, {known, "GET", "/x/../orders/7", 403},
		{nil, "GET", "/orders/7", 401}, {&fake.Names{DNS: []string{"x"}}, "GET", "/orders/7", 401}, {nil, "GET", "/healthz", 200},
	} {
		found := requested(t, server, authority, test.names, test.verb, test.path)

		if found.code != test.code || (test.code == 200 && test.verb == "GET") != (found.body == "served") {
			t.Errorf("%s %.40s: got %d %s", test.verb, test.path, found.code, found.body)
		}
	}
}

func TestARefusedRequestGetsAProblemWithNothingAboutThePolicy(t *testing.T) {
	callers := must(SPIFFEPrincipals(map[string]string{spiffeCart: cart}))
	server, authority := shop(t, clientOf(t, &fake.Service{Name: "d-1"}), callers)
	known := &fake.Names{URIs: []string{spiffeCart}}

	denied := requested(t, server, authority, known, "POST", "/orders/7/refund")
	head := requested(t, server, authority, known, "HEAD", "/orders/7/x")

	var problem map[string]any
	if err := json.Unmarshal([]byte(denied.body), &problem); err != nil {
		t.Fatal(err)
	}
	if len(problem) != 4 || problem["title"] != "Forbidden" || problem["decision_id"] != "d-1" || problem["status"] != 403.0 {
		t.Errorf("got %v", problem)
	}
	if denied.header.Get("Content-Type") != "application/problem+json" || denied.header.Get("Cache-Control") != "no-store" {
		t.Errorf("got %v", denied.header)
	}
	if head.code != 403 || head.body != "" {
		t.Errorf("got %+v", head)
	}
}

func TestACertificateThatAnHTTPServerHasNotVerifiedIsNobody(t *testing.T) {
	callers := must(SPIFFEPrincipals(map[string]string{spiffeCart: cart}))
	handler := must(New(clientOf(t, &fake.Service{}), must(NewRouteMap(map[string]string{"GET /*": "allowed"})), callers)).
		Middleware(http.NotFoundHandler())
	certificate := certificateWith(t, []string{spiffeCart}, nil)
	for code, chains := range map[int][][]*x509.Certificate{401: nil, 404: {{certificate}}} {
		request := httptest.NewRequest("GET", "/x", nil)
		request.TLS = &tls.ConnectionState{PeerCertificates: []*x509.Certificate{certificate}, VerifiedChains: chains}
		recorder := httptest.NewRecorder()

		handler.ServeHTTP(recorder, request)

		if recorder.Code != code {
			t.Errorf("with %d chains: got %d", len(chains), recorder.Code)
		}
	}
}

func TestACallerWithoutATokenIsChallengedAndOneThatIsNotDecidedMayRetry(t *testing.T) {
	unavailable := answers(func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.CheckAssumeRoleResponse, error) {
		return nil, errors.New("away")
	})
	bearer := OIDCBearer{"acs:ram::1:oidc-provider/p"}
	server, authority := shop(t, unavailable, bearer)
	observed, observedAuthority := shop(t, unavailable, bearer, WithMode(Observe))
	away, awayAuthority := shop(t, unavailable, asCart)

	challenged := requested(t, server, authority, nil, "GET", "/orders/7")
	passed := requested(t, observed, observedAuthority, nil, "GET", "/orders/7")
	undecided := requested(t, away, awayAuthority, nil, "GET", "/orders/7")

	if challenged.code != 401 || challenged.header.Get("WWW-Authenticate") != "Bearer" {
		t.Errorf("got %+v", challenged)
	}
	if passed.code != 200 {
		t.Errorf("got %+v", passed)
	}
	if undecided.code != 503 || undecided.header.Get("Retry-After") != "1" {
		t.Errorf("got %+v", undecided)
	}
}

func TestAHeaderOfAProxyCountsOnlyIfItComesFromTheProxy(t *testing.T) {
	callers := must(SPIFFEPrincipals(map[string]string{spiffeCart: cart}))
	routes := must(NewRouteMap(map[string]string{"GET /*": "allowed"}))
	proxy := WithProxy(must(NewTrustedProxy([]string{"127.0.0.1"}, "")))
	client := clientOf(t, &fake.Service{})
	for remote, code := range map[string]int{"127.0.0.1:1": 200, "[::ffff:127.0.0.1]:1": 200, "127.0.0.2:1": 401, "@": 401} {
		handler := must(New(client, routes, callers, proxy)).Middleware(http.NotFoundHandler())
		request := httptest.NewRequest("GET", "/x", nil)
		request.RemoteAddr = remote
		request.Header.Set("X-Forwarded-Client-Cert", "URI="+spiffeCart)
		recorder := httptest.NewRecorder()

		handler.ServeHTTP(recorder, request)

		if passed := recorder.Code == http.StatusNotFound; passed != (code == 200) {
			t.Errorf("%s: got %d", remote, recorder.Code)
		}
	}
}

func TestTheAddressOfAPeerIsThatOfItsConnection(t *testing.T) {
	for _, test := range []struct {
		address net.Addr
		want    string
	}{
		{&net.TCPAddr{IP: net.ParseIP("10.0.0.1"), Port: 1}, "10.0.0.1"}, {&net.TCPAddr{IP: net.ParseIP("::1"), Port: 1}, "::1"},
		{&net.TCPAddr{IP: net.ParseIP("fe80::1"), Zone: "eth0", Port: 1}, "fe80::1"}, {&net.UnixAddr{Name: "@", Net: "unix"}, ""}, {nil, ""},
	} {
		if found := addressOf(test.address); found != test.want {
			t.Errorf("%v: got %q", test.address, found)
		}
	}
}
