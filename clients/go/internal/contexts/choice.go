package contexts

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"time"

	"github.com/rolecall/rolecall/clients/go/internal/address"
	"github.com/rolecall/rolecall/clients/go/internal/connection"
)

const (
	defaultAddress = "127.0.0.1:50051"

	addressVariable = "ROLECALL_ADDRESS"
	caVariable      = "ROLECALL_TLS_CA"
	certVariable    = "ROLECALL_TLS_CERT"
	keyVariable     = "ROLECALL_TLS_KEY"
	tokenVariable   = "ROLECALL_TOKEN_FILE"
	timeoutVariable = "ROLECALL_TIMEOUT"
	agentVariable   = "ROLECALL_AGENT"
	contextVariable = "ROLECALL_CONTEXT"
)

// Settings are how to connect. Timeout is 0 if nothing says one.
type Settings struct {
	Address      string
	TLS          *connection.TLSFiles
	TokenFile    string
	TokenCommand []string
	Timeout      time.Duration
	Agent        string
}

// FromEnvironment returns what the variables say, over the context of ROLECALL_CONTEXT or the current one, over the defaults. The current
// context is not used if ROLECALL_ADDRESS names a server: its token and its certificates are for its own server.
func FromEnvironment(variable lookup) (Settings, error) {
	given, err := variables(variable)
	if err != nil {
		return Settings{}, err
	}
	used, err := contextInUse(variable, variable(contextVariable), contextVariable, given.Address != "")
	if err != nil {
		return Settings{}, err
	}
	return merged(given, used), nil
}

// FromContext returns the settings of a context, whatever other variables say.
func FromContext(variable lookup, name string) (Settings, error) {
	if name == "" {
		return Settings{}, errors.New("the name of the context is empty")
	}
	used, err := contextInUse(variable, name, "the call", false)
	if err != nil {
		return Settings{}, err
	}
	return merged(Settings{}, used), nil
}

// variables returns what the environment says. An empty variable is one that is not set.
//
// A server has settings of the names ROLECALL_TLS_CERT and ROLECALL_TLS_KEY, too. So they count only beside ROLECALL_TLS_CA, which
// only a client has: else a program in the environment of a server would send the certificate of that server.
func variables(variable lookup) (Settings, error) {
	given := Settings{Address: variable(addressVariable), Agent: variable(agentVariable)}
	if given.Address != "" {
		if _, err := address.Target(given.Address); err != nil {
			return given, fmt.Errorf("%s: %w", addressVariable, err)
		}
	}
	if given.Agent != "" {
		if err := address.Agent(given.Agent); err != nil {
			return given, fmt.Errorf("%s: %w", agentVariable, err)
		}
	}
	if file := variable(tokenVariable); file != "" {
		given.TokenFile = expanded(file)
	}
	if ca := variable(caVariable); ca != "" {
		given.TLS = &connection.TLSFiles{CA: expanded(ca)}
		if cert, key := variable(certVariable), variable(keyVariable); cert != "" && key != "" {
			given.TLS.Cert, given.TLS.Key = expanded(cert), expanded(key)
		} else if cert != "" || key != "" {
			return given, fmt.Errorf("%s and %s must be given together", certVariable, keyVariable)
		}
	}
	var err error
	given.Timeout, err = seconds(variable(timeoutVariable))
	return given, err
}

func seconds(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || !(number > 0 && number <= maxTimeoutSeconds) {
		return 0, fmt.Errorf("%s is %s; write a number of seconds up to %s", timeoutVariable, quoted(text), grouped(maxTimeoutSeconds))
	}
	return time.Duration(number * float64(time.Second)), nil
}

// contextInUse returns the context of a name, else the current one unless a server is named; nil if there is none.
func contextInUse(variable lookup, name, source string, serverNamed bool) (*server, error) {
	if name == "" && serverNamed {
		return nil, nil
	}
	contexts, err := contextsOf(variable)
	switch {
	case err != nil:
		return nil, err
	case contexts == nil && name != "":
		message := fmt.Sprintf("%s names %s, and this file does not exist", source, quoted(name))
		return nil, errorIn(location(variable), message, "create it")
	case contexts == nil:
		return nil, nil
	case name != "":
		return contexts.context(name)
	}
	return contexts.contexts[contexts.current], nil
}

// contextsOf returns the contexts of the user; nil if there is no file and no variable names one.
func contextsOf(variable lookup) (*file, error) {
	path := location(variable)
	if _, err := os.Stat(path); err != nil {
		if variable(fileVariable) == "" {
			// Neither has a user contexts whose home may not be entered, as in some containers.
			return nil, nil
		}
		why := reasonOf(err)
		if errors.Is(err, fs.ErrNotExist) {
			why = "it does not exist"
		}
		return nil, errorIn(path, fileVariable+" names this file: "+why, "correct it, or unset it")
	}
	text, err := readSafely(path)
	if err != nil {
		return nil, err
	}
	return parse(text, path)
}

// merged returns the settings of which each is that of the first source that has it.
func merged(given Settings, used *server) Settings {
	if used == nil {
		used = &server{}
	}
	if given.Address == "" {
		given.Address = used.address
	}
	if given.Address == "" {
		given.Address = defaultAddress
	}
	given.TLS = mergedTLS(given.TLS, used.tls)
	if given.TokenFile == "" && used.token != nil {
		given.TokenFile, given.TokenCommand = used.token.file, used.token.command
	}
	if given.Timeout == 0 {
		given.Timeout = used.timeout
	}
	if given.Agent == "" {
		given.Agent = used.agent
	}
	return given
}

func mergedTLS(given, own *connection.TLSFiles) *connection.TLSFiles {
	if given == nil || own == nil {
		if given == nil {
			return own
		}
		return given
	}
	tls := *own
	tls.CA = given.CA
	if given.Cert != "" {
		tls.Cert, tls.Key = given.Cert, given.Key
	}
	return &tls
}
