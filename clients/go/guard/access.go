package guard

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
)

// MaxEntries is the most methods or routes of a map.
const MaxEntries = 10_000

var roleName = regexp.MustCompile(
	`^(acs:ram::[0-9]{1,20}:role/|[0-9]{1,20}/|[A-Za-z][A-Za-z0-9_.-]{0,62}/)?[A-Za-z0-9.-]{1,64}$`)

// An Access is how a method is protected: by Role, or Public; with neither it is closed. Pattern is the entry that says so.
type Access struct {
	Pattern string
	Role    string
	Public  bool
}

// An AccessMap has the methods of a service, and how each is protected: a RoleMap or a RouteMap.
type AccessMap interface {
	// Find returns how a method is protected; an empty Access if no entry names it.
	Find(method string) Access
	// Roles returns every role that protects a method.
	Roles() []string
}

// entries returns the entries of a map, sorted by their patterns, or an error if it names no method, or one twice, or no role.
func entries(roles map[string]string, public []string) ([]Access, error) {
	if count := len(roles) + len(public); count < 1 || count > MaxEntries {
		return nil, fmt.Errorf("a map names 1 to %d methods, and this one %d", MaxEntries, count)
	}
	var found []Access
	for _, pattern := range public {
		if _, protected := roles[pattern]; protected {
			return nil, fmt.Errorf("`%s` has a role and is public; remove one of the entries", pattern)
		}
		found = append(found, Access{Pattern: pattern, Public: true})
	}
	for _, pattern := range slices.Sorted(maps.Keys(roles)) {
		role := roles[pattern]
		if !roleName.MatchString(role) {
			return nil, fmt.Errorf(
				"`%s` has the role `%s`, which names no role; write NAME, ACCOUNT/NAME or acs:ram::ACCOUNT:role/NAME", pattern, role)
		}
		found = append(found, Access{Pattern: pattern, Role: role})
	}
	return found, nil
}

func rolesOf(all []Access) []string {
	var roles []string
	for _, access := range all {
		if access.Role != "" {
			roles = append(roles, access.Role)
		}
	}
	return slices.Compact(slices.Sorted(slices.Values(roles)))
}
