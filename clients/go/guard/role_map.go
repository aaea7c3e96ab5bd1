package guard

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"google.golang.org/grpc"
)

var grpcMethod = regexp.MustCompile(`^/[A-Za-z_][A-Za-z0-9_.]*/([A-Za-z_][A-Za-z0-9_]*|\*)$`)

// A RoleMap maps the methods of gRPC services to roles.
type RoleMap struct{ entries map[string]Access }

// NewRoleMap returns a map from /package.Service/Method to a role. /package.Service/* stands for the methods of a service without an own
// entry. Methods in public are open to every caller; a method that is in neither is closed.
//
// Give the descriptions of the services that are protected (orderspb.Orders_ServiceDesc): then a map that names a method which they do
// not have, or that misses one of theirs, is an error. Otherwise a misspelt entry would leave its method to the entry with *.
func NewRoleMap(roles map[string]string, public []string, services ...*grpc.ServiceDesc) (*RoleMap, error) {
	all, err := entries(roles, public)
	if err != nil {
		return nil, err
	}
	m := &RoleMap{entries: map[string]Access{}}
	for _, entry := range all {
		if !grpcMethod.MatchString(entry.Pattern) {
			return nil, fmt.Errorf(
				"`%s` names no method; write `/package.Service/Method`, or `/package.Service/*` for all others", entry.Pattern)
		}
		if _, known := m.entries[entry.Pattern]; known {
			return nil, fmt.Errorf("`%s` is listed twice", entry.Pattern)
		}
		m.entries[entry.Pattern] = entry
	}
	if len(services) > 0 {
		if err := m.requireComplete(methodsOf(services)); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Find returns how a method is protected.
func (m *RoleMap) Find(method string) Access {
	if entry, known := m.entries[method]; known {
		return entry
	}
	slash := strings.LastIndexByte(method, '/')
	return m.entries[method[:max(0, slash)]+"/*"]
}

// Roles returns every role that protects a method.
func (m *RoleMap) Roles() []string { return rolesOf(slices.Collect(maps.Values(m.entries))) }

func (m *RoleMap) requireComplete(methods []string) error {
	for _, pattern := range slices.Sorted(maps.Keys(m.entries)) {
		exact := !strings.HasSuffix(pattern, "*") && m.entries[pattern].Role != ""
		if exact && !slices.Contains(methods, pattern) {
			return fmt.Errorf("`%s` is no method of the services; correct the name", pattern)
		}
	}
	for _, method := range methods {
		if m.Find(method) == (Access{}) {
			return fmt.Errorf("`%s` has no role and is not public; add it to the map", method)
		}
	}
	return nil
}

func methodsOf(services []*grpc.ServiceDesc) []string {
	var methods []string
	for _, service := range services {
		for _, method := range service.Methods {
			methods = append(methods, "/"+service.ServiceName+"/"+method.MethodName)
		}
		for _, stream := range service.Streams {
			methods = append(methods, "/"+service.ServiceName+"/"+stream.StreamName)
		}
	}
	slices.Sort(methods)
	return methods
}
