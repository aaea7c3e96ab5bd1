package rolecall

import (
	"os"

	"github.com/rolecall/rolecall/clients/go/internal/contexts"
)

// A ConfigError means that the configuration file cannot be used, or has no such context. Problems are all its mistakes, each with its
// line.
type ConfigError = contexts.Error

// A ConfigProblem is one mistake of the configuration file.
type ConfigProblem = contexts.Problem

// FromEnv returns a client of the service that the environment names (ROLECALL_ADDRESS, ROLECALL_TLS_CA, ROLECALL_TLS_CERT,
// ROLECALL_TLS_KEY, ROLECALL_TOKEN_FILE, ROLECALL_TIMEOUT, ROLECALL_AGENT), over the context that ROLECALL_CONTEXT names or the
// current one. Options count more. The current context is used only if ROLECALL_ADDRESS names no server.
func FromEnv(options ...Option) (*Client, error) {
	settings, err := contexts.FromEnvironment(os.Getenv)
	if err != nil {
		return nil, err
	}
	return connect(settings, options)
}

// FromConfig returns a client of the service of a context, which has this name in the configuration file
// (~/.config/rolecall/config.yaml, or ROLECALL_CONFIG). The command line shares the file. Options count more.
func FromConfig(name string, options ...Option) (*Client, error) {
	settings, err := contexts.FromContext(os.Getenv, name)
	if err != nil {
		return nil, err
	}
	return connect(settings, options)
}

func connect(settings contexts.Settings, options []Option) (*Client, error) {
	var known []Option
	if settings.TLS != nil {
		known = append(known, WithTLS(*settings.TLS))
	}
	switch {
	case settings.TokenFile != "":
		known = append(known, WithTokenSource(FileToken(settings.TokenFile)))
	case len(settings.TokenCommand) > 0:
		known = append(known, WithTokenSource(CommandToken(settings.TokenCommand[0], settings.TokenCommand[1:]...)))
	}
	if settings.Timeout > 0 {
		known = append(known, WithTimeout(settings.Timeout))
	}
	if settings.Agent != "" {
		known = append(known, WithAgent(settings.Agent))
	}
	return New(settings.Address, append(known, options...)...)
}
