package rolecall

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rolecall/rolecall/clients/go/internal/connection"
)

const (
	// MaxTokenBytes is the most that a token may have.
	MaxTokenBytes = 16 * 1024

	// tokenCheck is how often a file is looked at, and a command is started, at most.
	tokenCheck = time.Second
	// unreadableFor is how long the last token is used while its file cannot be read, for example because it is being written.
	unreadableFor = 10 * time.Second
	// commandLimit is how long a command may take.
	commandLimit = 10 * time.Second
	// defaultLife is how long a token of a command is used if it does not say when it expires.
	defaultLife = time.Minute
	// renewedEarly is how long before it expires a token of a command is renewed.
	renewedEarly = time.Minute
	longestLife  = 24 * time.Hour
)

// A TokenSource returns the token of the next call. It is called for each call, by several goroutines. If it also has a method
// Refused(), that is called when the server refuses a token.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// A TokenFunc is a function that is a TokenSource.
type TokenFunc func(ctx context.Context) (string, error)

// Token calls the function.
func (f TokenFunc) Token(ctx context.Context) (string, error) { return f(ctx) }

type fixedToken string

func (t fixedToken) Token(context.Context) (string, error) { return string(t), nil }

type fileToken struct {
	path string
	now  func() time.Time

	mu               sync.Mutex
	token            string
	version          os.FileInfo
	lookedAt, readAt time.Time
}

// FileToken is the token in a file. The file is looked at once a second at most, on a call, and read when it has changed. While it
// cannot be read the last token is used for ten seconds.
func FileToken(path string) TokenSource { return &fileToken{path: path, now: time.Now} }

func (t *fileToken) Token(context.Context) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	if t.token != "" && now.Sub(t.lookedAt) < tokenCheck {
		return t.token, nil
	}
	if err := t.look(); err != nil {
		if t.token != "" && now.Sub(t.readAt) < unreadableFor {
			return t.token, nil
		}
		return "", err
	}
	t.lookedAt, t.readAt = now, now
	return t.token, nil
}

// Refused has the file looked at on the next call.
func (t *fileToken) Refused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lookedAt = time.Time{}
}

func (t *fileToken) look() error {
	version, err := os.Stat(t.path)
	if err != nil {
		return t.unreadable(err)
	}
	if t.token != "" && connection.SameVersion(version, t.version) {
		return nil
	}
	file, err := os.Open(t.path)
	if err != nil {
		return t.unreadable(err)
	}
	defer file.Close()
	content, err := io.ReadAll(io.LimitReader(file, MaxTokenBytes+1))
	if err != nil {
		return t.unreadable(err)
	}
	token, err := tokenIn(content, fmt.Sprintf("the token file `%s`", t.path))
	if err != nil {
		return err
	}
	t.token, t.version = token, version
	return nil
}

func (t *fileToken) unreadable(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return fmt.Errorf("the token file `%s` cannot be read: %w", t.path, err)
}

// outcome is what a command gave: a token, or an error, until a time.
type outcome struct {
	token            string
	err              error
	startedAt, until time.Time
}

type commandToken struct {
	command []string
	limit   time.Duration
	now     func() time.Time

	running chan struct{} // has one element while a command runs
	mu      sync.Mutex
	last    outcome
}

// CommandToken is the token that a command prints: a program and its arguments, which no shell reads. It is used until a minute before
// it expires, or for a minute if it does not say when. The command may take ten seconds, and is started once a second at most,
// whatever it returns; its standard error is that of this process.
func CommandToken(program string, arguments ...string) TokenSource {
	return &commandToken{
		command: append([]string{program}, arguments...), limit: commandLimit, now: time.Now, running: make(chan struct{}, 1),
	}
}

func (t *commandToken) Token(ctx context.Context) (string, error) {
	if last, ready := t.ready(); ready {
		return last.token, last.err
	}
	// One caller runs the command. The others wait for it, and find what it gave.
	select {
	case t.running <- struct{}{}:
	case <-ctx.Done():
		return "", ctx.Err()
	}
	defer func() { <-t.running }()
	if last, ready := t.ready(); ready {
		return last.token, last.err
	}
	found := t.run(ctx)
	if found.err != nil && ctx.Err() != nil {
		return "", ctx.Err() // the command was ended for this caller; it says nothing to the others
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = found
	return found.token, found.err
}

// Refused has the command started on the next call, unless it was started within the last second.
func (t *commandToken) Refused() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if soon := t.last.startedAt.Add(tokenCheck); t.last.token != "" && soon.Before(t.last.until) {
		t.last.until = soon
	}
}

func (t *commandToken) ready() (outcome, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.last, t.now().Before(t.last.until)
}

func (t *commandToken) run(ctx context.Context) outcome {
	startedAt, name := t.now(), fmt.Sprintf("the token command `%s`", t.command[0])
	output, err := outputOf(ctx, t.command, name, t.limit)
	token := ""
	if err == nil {
		token, err = tokenIn(output, name)
	}
	if err != nil {
		return outcome{err: err, startedAt: startedAt, until: t.now().Add(tokenCheck)}
	}
	return outcome{token: token, startedAt: startedAt, until: t.now().Add(max(tokenCheck, t.lifeOf(token)))}
}

func (t *commandToken) lifeOf(token string) time.Duration {
	expires, known := expiryOf(token)
	if !known {
		return defaultLife
	}
	return min(expires.Sub(t.now())-renewedEarly, longestLife)
}

// expiryOf returns when a JSON Web Token expires, if it says so. Nothing is verified.
func expiryOf(token string) (time.Time, bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, false
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}, false
	}
	var claims struct {
		Expires *float64 `json:"exp"`
	}
	const latest = 1e15 // a larger number is no time
	if json.Unmarshal(text, &claims) != nil || claims.Expires == nil || *claims.Expires > latest || *claims.Expires < -latest {
		return time.Time{}, false
	}
	return time.UnixMilli(int64(*claims.Expires * 1_000)), true
}

// tokenIn returns the token in what a file or a command gives. A message shows nothing of it: it may be another secret.
func tokenIn(content []byte, name string) (string, error) {
	if len(content) > MaxTokenBytes {
		return "", fmt.Errorf("%s gives more than %d bytes, which is no token", name, MaxTokenBytes)
	}
	token := strings.Trim(string(content), " \t\r\n\v\f")
	// In metadata only printable ASCII is possible.
	if token == "" || slices.ContainsFunc([]byte(token), func(b byte) bool { return b < 33 || b > 126 }) {
		return "", fmt.Errorf("%s gives no token: one word of printable ASCII", name)
	}
	return token, nil
}
