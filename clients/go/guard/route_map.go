package guard

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	// MaxSegments is the most segments of a route.
	MaxSegments = 64

	anyVerb = "*"
	rest    = "*"
)

var (
	routePattern = regexp.MustCompile(`^([A-Z]+|\*) (/.*)$`)
	literal      = regexp.MustCompile(`^[A-Za-z0-9._~!$&'()+,;=:@-]*$`)
	parameter    = regexp.MustCompile(`^\{[A-Za-z0-9_]+\}$`)
)

// A RouteMap maps the routes of an HTTP service to roles.
type RouteMap struct {
	root *place
	all  []Access
}

// place is a place in the tree of patterns: what follows it, and the entries that end there, by verb.
type place struct {
	literals  map[string]*place
	parameter *place
	ends      map[string]Access
	rest      map[string]Access
}

func newPlace() *place {
	return &place{literals: map[string]*place{}, ends: map[string]Access{}, rest: map[string]Access{}}
}

// NewRouteMap returns a map from `VERB /path` to a role: `POST /orders/{id}/refund`, `GET /orders/*`, `* /admin/*`.
//
// {name} stands for one segment that is not empty, * at the end for everything that follows, and * as the verb for each verb. GET
// includes HEAD, and a WebSocket begins with GET. Of several patterns that match a path the first in this order counts, segment by
// segment from the left: the literal, {name}, *; then the verb itself, then *. Paths are compared exactly: case and a slash at the end
// count. Routes in public are open to every caller; a route that is in neither is closed.
func NewRouteMap(routes map[string]string, public ...string) (*RouteMap, error) {
	all, err := entries(routes, public)
	if err != nil {
		return nil, err
	}
	m := &RouteMap{root: newPlace(), all: all}
	for _, entry := range all {
		if err := m.add(entry); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Roles returns every role that protects a route.
func (m *RouteMap) Roles() []string { return rolesOf(m.all) }

// Find returns how a route, as `VERB /path`, is protected.
func (m *RouteMap) Find(route string) Access {
	verb, path, _ := strings.Cut(route, " ")
	if verb == "" || !strings.HasPrefix(path, "/") {
		return Access{}
	}
	segments := strings.SplitN(path[1:], "/", MaxSegments+1)
	if len(segments) > MaxSegments || !isPlain(segments) {
		return Access{}
	}
	verbs := []string{verb, anyVerb}
	if verb == "HEAD" {
		verbs = []string{verb, "GET", anyVerb}
	}
	found, _ := m.root.find(segments, verbs)
	return found
}

func (m *RouteMap) add(entry Access) error {
	parts := routePattern.FindStringSubmatch(entry.Pattern)
	if parts == nil {
		return fmt.Errorf("`%s` is no route; write a verb and a path, such as `GET /orders/{id}`", entry.Pattern)
	}
	if parts[1] == "WEBSOCKET" {
		return fmt.Errorf("`%s` is no route here; a WebSocket begins with GET", entry.Pattern)
	}
	ends, err := m.ends(entry.Pattern, strings.Split(parts[2], "/")[1:])
	if err != nil {
		return err
	}
	if other, known := ends[parts[1]]; known {
		return fmt.Errorf("`%s` and `%s` are the same route; remove one", entry.Pattern, other.Pattern)
	}
	ends[parts[1]] = entry
	return nil
}

// ends returns the entries of the place where a pattern ends.
func (m *RouteMap) ends(pattern string, segments []string) (map[string]Access, error) {
	if len(segments) > MaxSegments {
		return nil, fmt.Errorf("`%s` has %d segments; the limit is %d", pattern, len(segments), MaxSegments)
	}
	if !isPlain(segments) {
		return nil, fmt.Errorf("`%s` has a segment `.`, `..` or an empty one, which never matches", pattern)
	}
	at := m.root
	for i, segment := range segments {
		if segment == rest && i == len(segments)-1 {
			return at.rest, nil
		}
		var err error
		if at, err = at.next(segment, pattern); err != nil {
			return nil, err
		}
	}
	return at.ends, nil
}

func (p *place) next(segment, pattern string) (*place, error) {
	if parameter.MatchString(segment) {
		if p.parameter == nil {
			p.parameter = newPlace()
		}
		return p.parameter, nil
	}
	if !literal.MatchString(segment) {
		return nil, fmt.Errorf(
			"`%s` has the segment `%s`; write text, `{name}` for one segment, or `*` at the end for the rest", pattern, segment)
	}
	if p.literals[segment] == nil {
		p.literals[segment] = newPlace()
	}
	return p.literals[segment], nil
}

// find returns the entry that counts.
func (p *place) find(segments, verbs []string) (Access, bool) {
	if len(segments) == 0 {
		return firstOf(p.ends, verbs)
	}
	first, others := segments[0], segments[1:]
	if next := p.literals[first]; next != nil {
		if found, ok := next.find(others, verbs); ok {
			return found, true
		}
	}
	if first != "" && p.parameter != nil {
		if found, ok := p.parameter.find(others, verbs); ok {
			return found, true
		}
	}
	return firstOf(p.rest, verbs)
}

func firstOf(entries map[string]Access, verbs []string) (Access, bool) {
	for _, verb := range verbs {
		if found, ok := entries[verb]; ok {
			return found, true
		}
	}
	return Access{}, false
}

// isPlain returns whether every reader reads these segments alike: none is `.` or `..`, and none but the last is empty. `//`, `/./` and
// `/../` are one path for one reader and another for the next, and a router could reach another route.
func isPlain(segments []string) bool {
	for i, segment := range segments {
		if segment == "." || segment == ".." || segment == "" && i < len(segments)-1 {
			return false
		}
	}
	return true
}
