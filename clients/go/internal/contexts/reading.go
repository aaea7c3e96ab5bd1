package contexts

import (
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/rolecall/rolecall/clients/go/internal/address"
	"github.com/rolecall/rolecall/clients/go/internal/connection"
)

const (
	maxContexts = 200
	maxAliases  = 1_000
	maxWords    = 64

	nameRule    = "write 1 to 63 letters, digits, `.`, `_`, `-`, the first a letter or digit"
	aliasRule   = "write 1 to 63 letters, digits, `_`, `.`, `-`, the first a letter"
	accountRule = "write its 1 to 20 digits"
)

var (
	contextName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$`)
	aliasName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,62}$`)
	accountID   = regexp.MustCompile(`^[0-9]{1,20}$`)

	optionalFields = []string{"tls", "token", "timeout_seconds", "accounts", "default_account", "agent"}
)

// server is one context: a server, and how to connect to it. The accounts are for commands without a server, and are only checked.
type server struct {
	name    string
	address string
	tls     *connection.TLSFiles
	token   *token
	timeout time.Duration
	agent   string
}

// token is where a token comes from: a file, or what a command prints.
type token struct {
	file    string
	command []string
}

// file has contexts by name, and the name of the current one.
type file struct {
	path     string
	contexts map[string]*server
	current  string
}

func (f *file) context(name string) (*server, error) {
	if found := f.contexts[name]; found != nil {
		return found, nil
	}
	hint := insteadOf(name, slices.Collect(maps.Keys(f.contexts)), "the file has no contexts")
	return nil, errorIn(f.path, "there is no context "+quoted(name), hint)
}

// parse returns the contexts of the text of a file, or an error with all mistakes.
func parse(text, path string) (parsed *file, err error) {
	root, err := decode(text, path)
	if err != nil {
		return nil, err
	}
	noted := &mistakes{file: path}
	defer func() {
		if recovered := recover(); recovered != nil {
			if _, stopped := recovered.(tooMany); !stopped {
				panic(recovered)
			}
			parsed, err = nil, noted.err()
		}
	}()
	fields := field{"the file", root, noted}.fields([]string{"contexts"}, []string{"current"})
	contexts := map[string]*server{}
	if node, given := fields["contexts"]; given {
		contexts = readContexts(node)
	}
	current := ""
	if node, given := fields["current"]; given {
		if current = node.text(); current != "" && contexts[current] == nil {
			known := slices.Collect(maps.Keys(contexts))
			hint := insteadOf(current, known, "add it to `contexts`, or remove `current`")
			node.refuse("there is no context "+quoted(current), hint)
		}
	}
	if err := noted.err(); err != nil {
		return nil, err
	}
	return &file{path, contexts, current}, nil
}

func readContexts(node field) map[string]*server {
	contexts := map[string]*server{}
	for _, member := range node.members(maxContexts, "a mapping from names to contexts") {
		name := member.key.Value
		if !contextName.MatchString(name) {
			node.mistakes.note(member.key.Line, member.key.Column, quoted(name)+" is not the name of a context", nameRule)
		}
		contexts[name] = readContext(name, member.value.fields([]string{"address"}, optionalFields))
	}
	return contexts
}

func readContext(name string, fields map[string]field) *server {
	s := &server{name: name}
	if node, given := fields["address"]; given {
		s.address = readAddress(node)
	}
	if node, given := fields["tls"]; given {
		s.tls = readTLS(node)
	}
	if node, given := fields["token"]; given {
		s.token = readToken(node)
	}
	if node, given := fields["timeout_seconds"]; given {
		s.timeout = node.seconds()
	}
	accounts := map[string]string{}
	if node, given := fields["accounts"]; given {
		accounts = readAccounts(node)
	}
	if node, given := fields["default_account"]; given {
		checkDefault(node, accounts)
	}
	if node, given := fields["agent"]; given {
		s.agent = readAgent(node)
	}
	return s
}

func readAddress(node field) string {
	text := node.text()
	if text == "" {
		return ""
	}
	if _, err := address.Target(text); err != nil {
		node.refuse(err.Error(), "")
		return ""
	}
	return text
}

func readAgent(node field) string {
	text := node.text()
	if text == "" {
		return ""
	}
	if err := address.Agent(text); err != nil {
		node.refuse(err.Error(), "")
		return ""
	}
	return text
}

func readTLS(node field) *connection.TLSFiles {
	fields := node.fields([]string{"ca"}, []string{"cert", "key", "server_name"})
	paths := map[string]string{}
	for _, name := range []string{"ca", "cert", "key"} {
		if one, given := fields[name]; given {
			paths[name] = one.path()
		}
	}
	_, cert := fields["cert"]
	if _, key := fields["key"]; cert != key {
		missing := "cert"
		if cert {
			missing = "key"
		}
		node.refuse(fmt.Sprintf("`%s` is missing in `tls`", missing), "a client certificate and its key are given together")
		return nil
	}
	name := ""
	if one, given := fields["server_name"]; given {
		name = one.text()
	}
	if paths["ca"] == "" {
		return nil
	}
	return &connection.TLSFiles{CA: paths["ca"], Cert: paths["cert"], Key: paths["key"], ServerName: name}
}

// readToken reads {file: PATH} or {command: [PROGRAM, ARGUMENT, ...]}.
func readToken(node field) *token {
	fields := node.fields(nil, []string{"file", "command"})
	if len(fields) != 1 {
		node.refuse("`token` needs either `file` or `command`", "give one of them")
		return nil
	}
	if one, given := fields["file"]; given {
		return &token{file: one.path()}
	}
	return &token{command: readCommand(fields["command"])}
}

// readCommand returns the words; a program that is given with a path is relative to the file, another one is found by PATH.
func readCommand(node field) []string {
	words := node.words(maxWords)
	if len(words) > 0 && (strings.ContainsRune(words[0], filepath.Separator) || strings.HasPrefix(words[0], "~")) {
		words[0] = node.relative(words[0])
	}
	return words
}

func readAccounts(node field) map[string]string {
	accounts := map[string]string{}
	for _, member := range node.members(maxAliases, "a mapping from aliases to account ids") {
		alias := member.key.Value
		if !aliasName.MatchString(alias) {
			node.mistakes.note(member.key.Line, member.key.Column, quoted(alias)+" is not an alias", aliasRule)
		}
		id := member.value.text()
		if id != "" && !accountID.MatchString(id) {
			member.value.refuse(quoted(id)+" is not an account id", accountRule)
		}
		accounts[alias] = id
	}
	return accounts
}

func checkDefault(node field, accounts map[string]string) {
	text := node.text()
	if _, known := accounts[text]; text != "" && !known && !accountID.MatchString(text) {
		hint := insteadOf(text, slices.Collect(maps.Keys(accounts)), accountRule)
		node.refuse(quoted(text)+" is neither an account id nor an alias of this context", hint)
	}
}
