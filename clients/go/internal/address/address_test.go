package address

import (
	"strings"
	"testing"
)

func TestAnAddressIsReadAsInEveryClient(t *testing.T) {
	for address, target := range map[string]string{
		"roles.example:50051":           "roles.example:50051",
		"roles.example":                 "roles.example:50051",
		"127.0.0.1":                     "127.0.0.1:50051",
		"127.0.0.1:1":                   "127.0.0.1:1",
		"[::1]:7":                       "[::1]:7",
		"[::1]":                         "[::1]:50051",
		"::1":                           "[::1]:50051",
		"dns:///roles.example":          "dns:///roles.example:50051",
		"dns:///roles.example:99":       "dns:///roles.example:99",
		"dns://10.0.0.1:53/roles:50051": "dns://10.0.0.1:53/roles:50051",
		"dns:roles.example":             "dns:roles.example:50051",
		"unix:/run/rolecall.sock":       "unix:/run/rolecall.sock",
		"unix:///run/rolecall.sock":     "unix:///run/rolecall.sock",
		"unix-abstract:rolecall":        "unix-abstract:rolecall",
		"ipv4:127.0.0.1:1,127.0.0.2:1":  "ipv4:127.0.0.1:1,127.0.0.2:1",
		"roles.example:65535":           "roles.example:65535",
		"dns":                           "dns:///dns:50051",
		"unix":                          "dns:///unix:50051",
		"IPv6":                          "dns:///IPv6:50051",
		"xds:7":                         "dns:///xds:7",
		"dns.example:7":                 "dns.example:7",
	} {
		found, err := Target(address)

		if err != nil || found != target {
			t.Errorf("Target(%q) = %q, %v; want %q", address, found, err, target)
		}
	}
}

func TestWhatIsNoAddressIsRefusedWithWhatToWrite(t *testing.T) {
	for address, message := range map[string]string{
		"":                      "`` is not an address; write HOST:PORT",
		"roles example":         "is not an address; write HOST:PORT",
		" roles":                "is not an address; write HOST:PORT",
		"roles\u00a0":           "is not an address; write HOST:PORT",
		"http://roles.example/": "an address has no scheme `http://`; write `roles.example`, and TLS is a setting of its own",
		"grpcs://roles:1":       "write `roles:1`",
		"roles:":                "the port of `roles:` is not a number from 1 to 65535",
		"roles:0":               "is not a number from 1 to 65535",
		"roles:65536":           "is not a number from 1 to 65535",
		"roles:123456":          "is not a number from 1 to 65535",
		"roles:-1":              "is not a number from 1 to 65535",
		"roles:１":               "is not a number from 1 to 65535",
		"roles:1:2":             "is not a number from 1 to 65535",
		"roles/path":            "is not an address",
		"user@roles":            "is not an address",
		"[::1":                  "is not an address",
		"dns:///":               "`dns:///` is not an address",
		"dns:///roles:0":        "the port of `dns:///roles:0` is not a number",
		"dns://roles:50051":     "is not an address",
	} {
		found, err := Target(address)

		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("Target(%q) = %q, %v; want an error with %q", address, found, err, message)
		}
	}
}

func TestOnlyLoopbackAndUnixSocketsAreThisMachine(t *testing.T) {
	for address, want := range map[string]bool{
		"localhost": true, "localhost:50051": true, "127.0.0.1:1": true, "127.9.9.9": true, "[::1]:1": true, "unix:/run/a": true,
		"localhost.example": false, "127.0.0.1.example:1": false, "roles:1": false, "dns:///localhost:1": false, "::1": false,
		"localhost:1@roles": false,
	} {
		if found := IsThisMachine(address); found != want {
			t.Errorf("IsThisMachine(%q) = %v", address, found)
		}
	}
}

func TestAnAgentIsASocketOfThisMachine(t *testing.T) {
	for address, valid := range map[string]bool{
		"unix:///run/agent.sock": true, "unix:/run/agent.sock": true, "unix:agent.sock": true, "unix:/a": true, "unix:a": true,
		"": false, "unix:": false, "unix://run/agent.sock": false, "unix:/": false, "unix://": false, "/run/agent.sock": false,
		"127.0.0.1:1": false, "unix:/run/agent sock": false, "unix-abstract:agent": false,
	} {
		if err := Agent(address); (err == nil) != valid {
			t.Errorf("%q: %v", address, err)
		}
	}
}
