package guard

import (
	"strings"
	"testing"

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func TestAMethodHasTheRoleOfItsOwnEntryBeforeThatOfItsService(t *testing.T) {
	roles := must(NewRoleMap(map[string]string{"/orders.v1.Orders/Refund": "refund", "/orders.v1.Orders/*": "read"},
		[]string{"/grpc.health.v1.Health/*", "/orders.v1.Orders/Ping"}))

	for method, want := range map[string]Access{
		"/orders.v1.Orders/Refund":     {Pattern: "/orders.v1.Orders/Refund", Role: "refund"},
		"/orders.v1.Orders/Get":        {Pattern: "/orders.v1.Orders/*", Role: "read"},
		"/orders.v1.Orders/Ping":       {Pattern: "/orders.v1.Orders/Ping", Public: true},
		"/grpc.health.v1.Health/Check": {Pattern: "/grpc.health.v1.Health/*", Public: true},
		"/orders.v1.Other/Get":         {}, "/orders.v1.orders/Get": {}, "orders.v1.Orders/Get": {}, "": {}, "/": {}, "Get": {},
	} {
		if found := roles.Find(method); found != want {
			t.Errorf("%q: got %+v", method, found)
		}
	}
}

func TestAnInvalidRoleMapIsRefused(t *testing.T) {
	for pattern, message := range map[string]string{
		"orders.v1.Orders/Get": "names no method", "/orders.v1.Orders": "names no method", "/orders.v1.Orders/Get*": "names no method",
		"/*": "names no method", "": "names no method", "/a/b/c": "names no method",
	} {
		if _, err := NewRoleMap(map[string]string{pattern: "r"}, nil); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: got %v", pattern, err)
		}
	}
	for _, role := range []string{"", "a b", "a/b/c", "acs:ram::x:role/r", strings.Repeat("r", 65)} {
		if _, err := NewRoleMap(map[string]string{"/a/B": role}, nil); err == nil || !strings.Contains(err.Error(), "names no role") {
			t.Errorf("%q: got %v", role, err)
		}
	}
	for _, test := range []struct {
		roles   map[string]string
		public  []string
		message string
	}{
		{nil, nil, "a map names 1 to 10000 methods, and this one 0"},
		{map[string]string{"/a/B": "r"}, []string{"/a/B"}, "has a role and is public"},
		{nil, []string{"/a/B", "/a/B"}, "`/a/B` is listed twice"},
	} {
		if _, err := NewRoleMap(test.roles, test.public); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("got %v", err)
		}
	}
}

func TestAMapOfDescribedServicesMustNameTheirMethodsAndAllOfThem(t *testing.T) {
	services := &rolecallv1.CallerService_ServiceDesc
	const service = "/rolecall.v1.CallerService/"

	_, misspelt := NewRoleMap(map[string]string{service + "*": "r", service + "WhoAmi": "r"}, nil, services)
	_, missing := NewRoleMap(map[string]string{service + "WhoAmI": "r"}, nil, services)
	_, complete := NewRoleMap(map[string]string{service + "WhoAmI": "r"}, []string{service + "*"}, services)
	_, streams := NewRoleMap(map[string]string{"/rolecall.v1.WatchService/WatchRoles": "r"}, nil, &rolecallv1.WatchService_ServiceDesc)

	if misspelt == nil || misspelt.Error() != "`/rolecall.v1.CallerService/WhoAmi` is no method of the services; correct the name" {
		t.Errorf("got %v", misspelt)
	}
	if missing == nil || missing.Error() != "`/rolecall.v1.CallerService/CanI` has no role and is not public; add it to the map" {
		t.Errorf("got %v", missing)
	}
	if complete != nil || streams != nil {
		t.Errorf("got %v, %v", complete, streams)
	}
}

func TestTheMostExactRouteCounts(t *testing.T) {
	routes := must(NewRouteMap(map[string]string{
		"GET /orders/{id}": "one", "GET /orders/new": "new", "GET /orders/*": "all", "* /orders/*": "any", "POST /orders/{id}/refund": "refund",
		"GET /": "root", "GET /files/*": "files", "GET /orders/{id}/items/{item}": "item",
	}, "GET /healthz"))

	for route, role := range map[string]string{
		"GET /orders/7": "one", "GET /orders/new": "new", "GET /orders/7/x": "all", "DELETE /orders/7": "any", "POST /orders/7/refund": "refund",
		"HEAD /orders/7": "one", "GET /": "root", "GET /files/a/b": "files", "GET /files/": "files", "GET /orders/7/items/8": "item",
		"GET /orders/": "all",
		// closed
		"GET /orders": "", "GET /files": "", "GET //orders/7": "", "GET /orders/../files/x": "", "GET /orders/./7": "", "POST /healthz": "",
		"GET orders/7": "", "GET": "", " /orders/7": "", "": "", "GET /Orders/7": "", "GET /files//x": "", "POST /": "",
	} {
		if found := routes.Find(route); found.Role != role || found.Public {
			t.Errorf("%q: got %+v", route, found)
		}
	}
	if found := routes.Find("HEAD /healthz"); !found.Public {
		t.Errorf("got %+v", found)
	}
	if found := routes.Find("GET " + strings.Repeat("/files", MaxSegments+1)); found != (Access{}) {
		t.Errorf("got %+v", found)
	}
}

func TestAnInvalidRouteMapIsRefused(t *testing.T) {
	for _, test := range []struct {
		routes  map[string]string
		message string
	}{
		{map[string]string{"/orders": "r"}, "is no route"},
		{map[string]string{"get /orders": "r"}, "is no route"},
		{map[string]string{"WEBSOCKET /feed": "r"}, "a WebSocket begins with GET"},
		{map[string]string{"GET /a*": "r"}, "has the segment `a*`"},
		{map[string]string{"GET /*/a": "r"}, "has the segment `*`"},
		{map[string]string{"GET /a%2Fb": "r"}, "has the segment"},
		{map[string]string{"GET /a/../b": "r"}, "which never matches"},
		{map[string]string{"GET //b": "r"}, "which never matches"},
		{map[string]string{"GET /{a}": "r", "GET /{b}": "r"}, "are the same route"},
		{map[string]string{"GET " + strings.Repeat("/a", MaxSegments+1): "r"}, "has 65 segments; the limit is 64"},
	} {
		if _, err := NewRouteMap(test.routes); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%v: got %v", test.routes, err)
		}
	}
}
