package contexts

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const whole = `# mine
current: prod
contexts:
  local: {address: localhost}
  prod:
    address: roles.internal:443
    tls: {ca: ca.pem, cert: /etc/client.pem, key: ~/client.key, server_name: roles}
    token: {command: [./print-token, --audience, rolecall]}
    timeout_seconds: 2.5
    accounts: {shop: 123456789012, pay: "000000000042"}
    default_account: shop
    agent: unix:///run/rolecall/agent.sock
  ci:
    address: dns:///roles:1
    token: {file: token}
`

const path = "/configuration/config.yaml"

func inContext(text string) string { return "contexts: {a: {address: x, " + text + "}}" }

func repeated(count int, format string) string {
	var parts []string
	for i := range count {
		parts = append(parts, fmt.Sprintf(format, i))
	}
	return strings.Join(parts, ", ")
}

func TestAWholeFileIsRead(t *testing.T) {
	t.Setenv("HOME", "/home/me")

	file, err := parse(whole, path)

	if err != nil {
		t.Fatal(err)
	}
	prod, ci := file.contexts["prod"], file.contexts["ci"]
	if file.current != "prod" || len(file.contexts) != 3 || file.contexts["local"].address != "localhost" {
		t.Errorf("got %+v", file)
	}
	tls := *prod.tls
	if tls.CA != "/configuration/ca.pem" || tls.Cert != "/etc/client.pem" || tls.Key != "/home/me/client.key" || tls.ServerName != "roles" {
		t.Errorf("got %+v", tls)
	}
	if !slices.Equal(prod.token.command, []string{"/configuration/print-token", "--audience", "rolecall"}) {
		t.Errorf("got %q", prod.token.command)
	}
	if prod.timeout != 2500*time.Millisecond || prod.agent != "unix:///run/rolecall/agent.sock" {
		t.Errorf("got %+v", prod)
	}
	if ci.address != "dns:///roles:1" || ci.token.file != "/configuration/token" {
		t.Errorf("got %+v", ci)
	}
}

func TestAMistakeIsReportedWithItsPlace(t *testing.T) {
	for _, test := range []struct{ text, mistake string }{
		{"contexts: {a: {address: x}, a: {address: y}}", "1:29: the key `a` is given twice; the first is in line 1"},
		{"contexts: {a: {adress: x}}", "1:16: `adress` is not a field of `a`; did you mean `address`?"},
		{"contexts: {a: {}}", "1:15: `address` is missing in `a`; add it"},
		{"contexts: {a: x}", "1:15: `a` must be a mapping"},
		{"contexts: {a: {address: 'http://x:1'}}", "an address has no scheme `http://`"},
		{"contexts: {a: {address: 5}}\nmore: 1", "2:1: `more` is not a field of the file"},
		{"contexts: {a=b: {address: x}}", "1:12: `a=b` is not the name of a context"},
		{"contexts: {a: {address: null}}", "1:25: `address` must be text, not nothing"},
		{"contexts: {a: {address: true}}", "1:25: `address` must be text, not `true`"},
		{"contexts: {a: {address: [x]}}", "1:25: `address` must be text, not a list"},
		{"contexts: {a: {address: \"x\\ny\"}}", "printable characters"},
		{"contexts: []", "1:11: `contexts` must be a mapping from names to contexts, not a list"},
		{"current: b\ncontexts: {a: {address: x}}", "1:10: there is no context `b`"},
		{"current: a", "`contexts` is missing in the file"},
		{inContext("tls: {cert: c, key: k}"), "`ca` is missing in `tls`"},
		{inContext("tls: {ca: a, cert: c}"), "`key` is missing in `tls`"},
		{inContext("token: {}"), "`token` needs either `file` or `command`"},
		{inContext("token: {file: f, command: [c]}"), "`token` needs either `file` or `command`"},
		{inContext("token: secret"), "`token` must be a mapping with `file`, `command`, not `secret`"},
		{inContext("token: {command: print-token --all}"), "`command` must be a list of words"},
		{inContext("token: {command: []}"), "`command` has 0 words"},
		{inContext("token: {command: [x, [y]]}"), "a word of `command` must be text, not a list"},
		{inContext("timeout_seconds: '3'"), "`timeout_seconds` must be a number of seconds"},
		{inContext("timeout_seconds: 0"), "`timeout_seconds` must be a number of seconds"},
		{inContext("timeout_seconds: .inf"), "`timeout_seconds` must be a number of seconds"},
		{inContext("accounts: {1: 1}"), "`1` is not an alias"},
		{inContext("accounts: {shop: 12a}"), "`12a` is not an account id; write its 1 to 20 digits"},
		{inContext("default_account: shop"), "`shop` is neither an account id nor an alias of this context"},
		{inContext("agent: 127.0.0.1:1"), "1:35: `127.0.0.1:1` is not the address of an agent; write unix:PATH"},
		{"", "the file is empty"},
		{"# nothing", "the file is empty"},
		{"contexts: &a {}", "anchors and aliases are not supported"},
		{"contexts: !!map {}", "is not supported; write the value itself"},
		{"contexts: {}\n---\ncontexts: {}", "the file has several documents"},
		{"contexts: [", "not YAML"},
		{"contexts: \x07", "not YAML"},
		{"? [a]\n: b", "a key must be text"},
		{"a: " + strings.Repeat("[", 20) + strings.Repeat("]", 20), "nested deeper than 8 levels, which is the limit"},
		{"a: [" + strings.Repeat("1,", 20_001) + "]", "more than 20,000 values, which is the limit"},
		{"contexts: {" + repeated(maxContexts+1, "c%d: {address: x}") + "}", "200 are allowed"},
		{inContext("accounts: {" + repeated(maxAliases+1, "a%d: 1") + "}"), "1,000 are allowed"},
		{inContext("token: {command: [" + strings.Repeat("x,", 65) + "]}"), "`command` has 65 words; write 1 to 64"},
		{inContext("tls: {ca: " + strings.Repeat("x", 4097) + "}"), "1 to 4,096 printable characters"},
		{"<<: {contexts: {}}", "`<<` is not a field of the file"},
	} {
		_, err := parse(test.text, path)

		var found *Error
		if !errors.As(err, &found) || !strings.Contains(strings.ReplaceAll(err.Error(), path+":", ""), test.mistake) {
			t.Errorf("%.60q: got %v; want %q", test.text, err, test.mistake)
		}
	}
}

func TestAllMistakesAreReportedInTheirOrder(t *testing.T) {
	_, err := parse("contexts:\n  a: {adress: x}\n  b: {address: ''}\n  c: {address: x, timeout_seconds: never}\n", path)

	var found *Error
	var lines []int
	if errors.As(err, &found) {
		for _, problem := range found.Problems {
			lines = append(lines, problem.Line)
		}
	}
	if !slices.Equal(lines, []int{2, 2, 3, 4}) {
		t.Fatalf("got %v", err)
	}
}

func TestTheNumberOfReportedMistakesIsLimited(t *testing.T) {
	_, err := parse("contexts: {"+repeated(100, "c%d: {}")+"}", path)

	var found *Error
	if !errors.As(err, &found) || len(found.Problems) != maxProblems {
		t.Fatalf("got %v", err)
	}
}

// stored returns the path of a file that this user alone can write.
func stored(t *testing.T, text string) string {
	t.Helper()
	folder := t.TempDir()
	at := filepath.Join(folder, "config.yaml")
	if err := errors.Join(os.Chmod(folder, 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return at
}

func TestAFileThatOthersCouldHaveWrittenIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		spoil   func(at string) error
		message string
	}{
		"group":      {func(at string) error { return os.Chmod(at, 0o620) }, "other users can write the file, and its token commands run as you; chmod go-w"},
		"others":     {func(at string) error { return os.Chmod(at, 0o602) }, "other users can write the file"},
		"folder":     {func(at string) error { return os.Chmod(filepath.Dir(at), 0o777) }, "other users can write the folder"},
		"long":       {func(at string) error { return os.WriteFile(at, make([]byte, maxFileBytes+1), 0o600) }, "longer than 262,144 bytes"},
		"not UTF-8":  {func(at string) error { return os.WriteFile(at, []byte("contexts: \xff"), 0o600) }, "not UTF-8"},
		"named pipe": {func(at string) error { return errors.Join(os.Remove(at), syscall.Mkfifo(at, 0o600)) }, "not a regular file"},
		"other user": {func(at string) error { return os.Chown(at, 12345, 12345) }, "belongs to another user"},
		"link": {func(at string) error {
			shared := filepath.Join(filepath.Dir(at), "shared")
			return errors.Join(os.Mkdir(shared, 0o700), os.Rename(at, shared+"/config.yaml"), os.Symlink(shared+"/config.yaml", at),
				os.Chmod(shared, 0o777))
		}, "other users can write the folder"},
	} {
		t.Run(name, func(t *testing.T) {
			at := stored(t, whole)
			if err := test.spoil(at); errors.Is(err, os.ErrPermission) {
				t.Skip("only root can give a file away")
			} else if err != nil {
				t.Fatal(err)
			}

			_, err := readSafely(at)

			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Fatalf("got %v", err)
			}
		})
	}
}

func TestInAFolderForAllAFileCannotBeReplacedByOthers(t *testing.T) {
	at := stored(t, whole)
	if err := os.Chmod(filepath.Dir(at), 0o777|os.ModeSticky); err != nil {
		t.Fatal(err)
	}

	text, err := readSafely(at)

	if err != nil || text != whole {
		t.Fatalf("got %q, %v", text, err)
	}
}

const choices = `current: local
contexts:
  local: {address: "localhost:1", token: {file: local-token}, agent: "unix:/run/agent.sock"}
  prod:
    address: roles.internal:443
    tls: {ca: ca.pem, cert: client.pem, key: client.key, server_name: roles}
    token: {command: [print-token]}
    timeout_seconds: 3
`

// environment returns the variables of a test, beside that of a file with some contexts.
func environment(t *testing.T, variables map[string]string) (lookup, string) {
	t.Helper()
	at := stored(t, choices)
	return func(name string) string {
		if value, given := variables[name]; given {
			return value
		}
		if name == fileVariable {
			return at
		}
		return ""
	}, filepath.Dir(at)
}

func TestWithoutAnythingTheServerOfThisMachineIsCalled(t *testing.T) {
	nowhere := t.TempDir()

	found, err := FromEnvironment(func(name string) string {
		if name == "XDG_CONFIG_HOME" {
			return nowhere
		}
		return ""
	})

	if err != nil || found.Address != defaultAddress || found.TLS != nil || found.TokenFile != "" || found.Agent != "" {
		t.Fatalf("got %+v, %v", found, err)
	}
}

func TestTheCurrentContextIsUsedIfNothingNamesAServer(t *testing.T) {
	variable, folder := environment(t, nil)

	found, err := FromEnvironment(variable)

	if err != nil || found.Address != "localhost:1" || found.TokenFile != folder+"/local-token" || found.Agent != "unix:/run/agent.sock" {
		t.Fatalf("got %+v, %v", found, err)
	}
}

func TestTheTokenAndTheAgentOfTheCurrentContextAreNotForAnotherServer(t *testing.T) {
	variable, _ := environment(t, map[string]string{"ROLECALL_ADDRESS": "other:2"})

	found, err := FromEnvironment(variable)

	if err != nil || found.Address != "other:2" || found.TokenFile != "" || found.Agent != "" {
		t.Fatalf("got %+v, %v", found, err)
	}
}

func TestVariablesCountMoreThanAContextOfAVariable(t *testing.T) {
	variable, folder := environment(t, map[string]string{
		"ROLECALL_CONTEXT": "prod", "ROLECALL_ADDRESS": "other", "ROLECALL_TIMEOUT": "9", "ROLECALL_TOKEN_FILE": "/token",
		"ROLECALL_TLS_CA": "/other-ca.pem", "ROLECALL_AGENT": "unix:/agent",
	})

	found, err := FromEnvironment(variable)

	if err != nil || found.Address != "other" || found.Timeout != 9*time.Second || found.TokenFile != "/token" ||
		len(found.TokenCommand) > 0 || found.Agent != "unix:/agent" {
		t.Fatalf("got %+v, %v", found, err)
	}
	if tls := *found.TLS; tls.CA != "/other-ca.pem" || tls.Cert != folder+"/client.pem" || tls.ServerName != "roles" {
		t.Errorf("got %+v", tls)
	}
}

func TestTheCertificateOfAServerIsNotTakenForThatOfAClient(t *testing.T) {
	own := map[string]string{"ROLECALL_TLS_CERT": "/server.pem", "ROLECALL_TLS_KEY": "/server.key", "ROLECALL_ADDRESS": "x"}
	variable, _ := environment(t, own)
	without, err := FromEnvironment(variable)
	own["ROLECALL_TLS_CA"] = "/ca.pem"

	beside, errBeside := FromEnvironment(variable)

	if err != nil || without.TLS != nil || errBeside != nil || beside.TLS.Cert != "/server.pem" {
		t.Fatalf("got %+v, %v and %+v, %v", without, err, beside, errBeside)
	}
}

func TestAMistakeInAVariableIsNamed(t *testing.T) {
	for _, test := range []struct {
		variables map[string]string
		message   string
	}{
		{map[string]string{"ROLECALL_TIMEOUT": "soon"}, "ROLECALL_TIMEOUT is `soon`; write a number of seconds up to 86,400"},
		{map[string]string{"ROLECALL_TIMEOUT": "0"}, "ROLECALL_TIMEOUT is `0`"},
		{map[string]string{"ROLECALL_TIMEOUT": "nan"}, "ROLECALL_TIMEOUT is `nan`"},
		{map[string]string{"ROLECALL_ADDRESS": "https://x"}, "ROLECALL_ADDRESS: an address has no scheme"},
		{map[string]string{"ROLECALL_AGENT": "/run/s"}, "ROLECALL_AGENT: `/run/s` is not the address of an agent"},
		{map[string]string{"ROLECALL_TLS_CA": "a", "ROLECALL_TLS_KEY": "k"}, "ROLECALL_TLS_CERT and ROLECALL_TLS_KEY must be given"},
		{map[string]string{"ROLECALL_CONTEXT": "none"}, "there is no context `none`"},
		{map[string]string{"ROLECALL_CONFIG": "/nowhere/config.yaml"}, "ROLECALL_CONFIG names this file: it does not exist"},
	} {
		variable, _ := environment(t, test.variables)

		_, err := FromEnvironment(variable)

		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("got %v; want %q", err, test.message)
		}
	}
}

func TestTheSettingsOfAContextDoNotDependOnOtherVariables(t *testing.T) {
	variable, _ := environment(t, map[string]string{
		"ROLECALL_ADDRESS": "http://other", "ROLECALL_TIMEOUT": "soon", "ROLECALL_TLS_CA": "/ca", "ROLECALL_CONTEXT": "local",
	})

	found, err := FromContext(variable, "prod")

	if err != nil || found.Address != "roles.internal:443" || found.Timeout != 3*time.Second ||
		!slices.Equal(found.TokenCommand, []string{"print-token"}) {
		t.Fatalf("got %+v, %v", found, err)
	}
	for name, message := range map[string]string{
		"": "the name of the context is empty", "prd": "there is no context `prd`; did you mean `prod`?",
	} {
		if _, err := FromContext(variable, name); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("got %v", err)
		}
	}
}
