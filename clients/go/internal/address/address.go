// Package address reads the addresses of a service: HOST:PORT, where the port may be missing, or a target of gRPC.
package address

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// DefaultPort is the port of an address that has none.
const DefaultPort = 50051

var (
	scheme      = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)
	dns         = regexp.MustCompile(`(?s)^(dns:(?://[^/]*/)?)(.*)$`)
	hostAndPort = regexp.MustCompile(`(?s)^(\[[^\[\]/]+\]|[^\[\]:/?#@]+)(?::(.*))?$`)
	port        = regexp.MustCompile(`^[0-9]{1,5}$`)
	socket      = regexp.MustCompile(`^unix:(?:///|[^/\s]|/[^/\s])\S*$`)
	thisMachine = regexp.MustCompile(`(?s)^(?:(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?|unix:.*)$`)
)

// verbatim are the schemes of targets that are used as they are.
var verbatim = []string{"unix:", "unix-abstract:", "ipv4:", "ipv6:"}

// schemes are the hosts that gRPC would read as the scheme of a target, before a port.
var schemes = []string{"dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds"}

// Target returns the gRPC target of an address: HOST:PORT, HOST (port 50051), dns:///HOST:PORT or unix:PATH. A scheme such as
// http:// is an error, and so is a text that is no address.
func Target(address string) (string, error) {
	if address == "" || strings.ContainsFunc(address, unicode.IsSpace) {
		return "", fmt.Errorf("`%s` is not an address; write HOST:PORT", address)
	}
	for _, prefix := range verbatim {
		if strings.HasPrefix(address, prefix) {
			return address, nil
		}
	}
	if parts := dns.FindStringSubmatch(address); parts != nil {
		name, err := withPort(parts[2], address)
		return parts[1] + name, err
	}
	if found := scheme.FindString(address); found != "" {
		rest, _, _ := strings.Cut(address[len(found):], "/")
		return "", fmt.Errorf("an address has no scheme `%s`; write `%s`, and TLS is a setting of its own", found, rest)
	}
	target, err := withPort(address, address)
	if host, _, _ := strings.Cut(target, ":"); slices.Contains(schemes, strings.ToLower(host)) {
		return "dns:///" + target, err
	}
	return target, err
}

// Agent returns an error unless an address is that of an agent: unix:PATH, a socket of this machine. What follows unix:// would be read
// as a host, so that the socket is never found.
func Agent(address string) error {
	if !socket.MatchString(address) {
		return fmt.Errorf("`%s` is not the address of an agent; write unix:PATH, the socket of an agent on this machine", address)
	}
	return nil
}

// IsThisMachine returns whether nobody between here and the address can read what is sent in plain text.
func IsThisMachine(address string) bool {
	return thisMachine.MatchString(address)
}

func withPort(name, address string) (string, error) {
	if ip, err := netip.ParseAddr(name); err == nil && ip.Is6() {
		return fmt.Sprintf("[%s]:%d", name, DefaultPort), nil
	}
	parts := hostAndPort.FindStringSubmatchIndex(name)
	if parts == nil {
		return "", fmt.Errorf("`%s` is not an address; write HOST:PORT", address)
	}
	if parts[4] < 0 {
		return fmt.Sprintf("%s:%d", name, DefaultPort), nil
	}
	text := name[parts[4]:parts[5]]
	number, err := strconv.Atoi(text)
	if !port.MatchString(text) || err != nil || number < 1 || number > 65_535 {
		return "", fmt.Errorf("the port of `%s` is not a number from 1 to 65535", address)
	}
	return name, nil
}
