package guard

import (
	"encoding/json"
	"net"
	"net/http"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const maxPath = 8_192

// ambiguous are an encoded slash or backslash, or a zero byte: some readers decode it before they split a path, and some after.
var ambiguous = []string{"%2f", "%5c", "%00"}

var statusCodes = map[Outcome]int{
	Denied:        http.StatusForbidden,
	Closed:        http.StatusForbidden,
	UnknownCaller: http.StatusUnauthorized,
}

// Middleware lets a request reach a handler only if it passes; the guard has a RouteMap. A refused request is answered with 403, 401 or
// 503 and a JSON problem (RFC 9457).
//
// Make it the outermost handler, outside of the router: a handler inside it must not change the verb or the path, which were judged. The
// certificate of a client counts if the server has verified it (tls.RequireAndVerifyClientCert).
func (g *Guard) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(writer http.ResponseWriter, request *http.Request) {
		if decision := g.Refusal(request.Context(), routeOf(request), g.httpPeer(request)); decision != nil {
			g.refuse(writer, decision)
			return
		}
		next.ServeHTTP(writer, request)
	})
}

// routeOf returns the route of a request as `VERB /path`. A path that two readers could read differently is no route of any map.
func routeOf(request *http.Request) string {
	path := request.URL.Path
	if !isClear(path, request.URL.EscapedPath()) {
		path = ""
	}
	return request.Method + " " + path
}

func isClear(path, raw string) bool {
	if len(path) > maxPath || !utf8.ValidString(path) || strings.ContainsFunc(path, isObscure) {
		return false
	}
	raw = strings.ToLower(raw)
	for _, text := range ambiguous {
		if strings.Contains(raw, text) {
			return false
		}
	}
	return strings.HasPrefix(path, "/") && isPlain(strings.Split(path[1:], "/"))
}

func isObscure(r rune) bool { return r == '\\' || !unicode.IsPrint(r) }

func (g *Guard) httpPeer(request *http.Request) Peer {
	headers := lowered(request.Header)
	host, _, err := net.SplitHostPort(request.RemoteAddr)
	if err != nil {
		host = "" // a unix socket
	}
	address := plainAddress(host)
	if g.proxy != nil && g.proxy.isProxy(address) {
		return g.proxy.peer(headers)
	}
	found := Peer{Headers: headers, SourceIP: address}
	// Only a certificate that the server has verified is a name.
	if request.TLS != nil && len(request.TLS.VerifiedChains) > 0 {
		found.SPIFFEIDs, found.DNSNames = namesIn(request.TLS.PeerCertificates[0])
	}
	return found
}

func (g *Guard) refuse(writer http.ResponseWriter, decision *Decision) {
	code, known := statusCodes[decision.Outcome]
	if !known {
		code = http.StatusServiceUnavailable
	}
	problem := map[string]any{"type": "about:blank", "title": http.StatusText(code), "status": code}
	if decision.DecisionID != "" {
		problem["decision_id"] = decision.DecisionID
	}
	body, _ := json.Marshal(problem) // it has only texts and a number
	header := writer.Header()
	header.Set("Content-Type", "application/problem+json")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Cache-Control", "no-store")
	switch challenged, ok := g.identify.(interface{ challenge() string }); {
	case code == http.StatusUnauthorized && ok:
		header.Set("WWW-Authenticate", challenged.challenge())
	case code == http.StatusServiceUnavailable:
		header.Set("Retry-After", strconv.Itoa(RetryAfterSeconds))
	}
	writer.WriteHeader(code)
	_, _ = writer.Write(body) // net/http leaves it out of the answer to HEAD
}
