package rolecall

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/rolecall/rolecall/clients/go/internal/fake"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(duration time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(duration)
}

func written(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	write(t, path, content)
	return path
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace writes a file of another inode in the place of a file, as tools that renew tokens do.
func replace(t *testing.T, path, content string) {
	t.Helper()
	write(t, path+".new", content)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func tokenOf(t *testing.T, source TokenSource) string {
	t.Helper()
	token, err := source.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func TestATokenFileIsReadAgainWhenItHasChangedAndLookedAtOnceASecond(t *testing.T) {
	path, clock := written(t, " first\n"), newClock()
	source := &fileToken{path: path, now: clock.now}
	first := tokenOf(t, source)
	replace(t, path, "second")
	before := tokenOf(t, source)
	clock.pass(tokenCheck)

	after := tokenOf(t, source)

	if first != "first" || before != "first" || after != "second" {
		t.Fatalf("got %q, %q, %q", first, before, after)
	}
}

func TestATokenFileThatWasRefusedIsLookedAtOnTheNextCall(t *testing.T) {
	path, clock := written(t, "first"), newClock()
	source := &fileToken{path: path, now: clock.now}
	_ = tokenOf(t, source)
	replace(t, path, "second")

	source.Refused()

	if found := tokenOf(t, source); found != "second" {
		t.Fatalf("got %q", found)
	}
}

func TestTheLastTokenIsUsedForAWhileWhileItsFileCannotBeRead(t *testing.T) {
	path, clock := written(t, "first"), newClock()
	source := &fileToken{path: path, now: clock.now}
	_ = tokenOf(t, source)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	clock.pass(unreadableFor - time.Millisecond)
	during := tokenOf(t, source)
	clock.pass(time.Millisecond)

	_, err := source.Token(t.Context())

	if during != "first" || err == nil || !strings.Contains(err.Error(), "cannot be read: no such file or directory") {
		t.Fatalf("got %q, %v", during, err)
	}
}

func TestAFileWithoutATokenIsAnErrorThatShowsNothingOfIt(t *testing.T) {
	for _, content := range []string{"", " \n", "two words", "tab\tinside", "sécret", "a\x00b", strings.Repeat("x", MaxTokenBytes+1)} {
		_, err := FileToken(written(t, content)).Token(t.Context())

		if err == nil || strings.TrimSpace(content) != "" && strings.Contains(err.Error(), content) {
			t.Errorf("got %v for %.20q", err, content)
		}
	}
	if _, err := FileToken(written(t, strings.Repeat("x", MaxTokenBytes))).Token(t.Context()); err != nil {
		t.Error(err)
	}
}

// counting returns a command that prints a token, and the number of its starts.
func counting(t *testing.T, token string) (command []string, starts func() int) {
	t.Helper()
	log := filepath.Join(t.TempDir(), "starts")
	script := fmt.Sprintf(`echo started >> "$0"; printf '%%s\n' '%s'`, token)
	return []string{"/bin/sh", "-c", script, log}, func() int {
		content, _ := os.ReadFile(log)
		return strings.Count(string(content), "\n")
	}
}

func commandOf(command []string, clock *clock) *commandToken {
	source, _ := CommandToken(command[0], command[1:]...).(*commandToken)
	source.now = clock.now
	return source
}

func jwt(claims string) string {
	return "h." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".s"
}

func TestATokenCommandRunsAgainAMinuteBeforeItsTokenExpires(t *testing.T) {
	clock := newClock()
	expires := clock.now().Add(10 * time.Minute)
	command, starts := counting(t, jwt(fmt.Sprintf(`{"exp": %d}`, expires.Unix())))
	source := commandOf(command, clock)
	_ = tokenOf(t, source)
	clock.pass(9*time.Minute - time.Millisecond)
	_ = tokenOf(t, source)
	before := starts()
	clock.pass(time.Millisecond)

	_ = tokenOf(t, source)

	if before != 1 || starts() != 2 {
		t.Fatalf("started %d and %d times", before, starts())
	}
}

func TestATokenThatWasRefusedIsRenewedAtMostOnceASecond(t *testing.T) {
	clock := newClock()
	command, starts := counting(t, "token")
	source := commandOf(command, clock)
	_ = tokenOf(t, source)
	source.Refused()
	_ = tokenOf(t, source)
	atOnce := starts()
	clock.pass(tokenCheck)

	_ = tokenOf(t, source)

	if atOnce != 1 || starts() != 2 {
		t.Fatalf("started %d and %d times", atOnce, starts())
	}
}

func TestACommandThatFailsIsNotStartedForEachCall(t *testing.T) {
	clock := newClock()
	log := filepath.Join(t.TempDir(), "starts")
	source := commandOf([]string{"/bin/sh", "-c", `echo x >> "$0"; echo secret; exit 3`, log}, clock)
	_, first := source.Token(t.Context())
	_, second := source.Token(t.Context())

	content, _ := os.ReadFile(log)

	for _, err := range []error{first, second} {
		if err == nil || err.Error() != "the token command `/bin/sh` failed with exit code 3" {
			t.Errorf("got %v", err)
		}
	}
	if string(content) != "x\n" {
		t.Errorf("got %q", content)
	}
}

func TestCallersThatNeedATokenAtOnceStartOneCommand(t *testing.T) {
	command, starts := counting(t, "token")
	source := commandOf(command, newClock())
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() { _, _ = source.Token(context.Background()) })
	}

	group.Wait()

	if starts() != 1 {
		t.Fatalf("started %d times", starts())
	}
}

func TestACommandThatTakesTooLongIsEndedWithWhatItStarted(t *testing.T) {
	source := commandOf([]string{"/bin/sh", "-c", "sleep 600 & sleep 600"}, newClock())
	source.limit = 100 * time.Millisecond
	started := time.Now()

	_, err := source.Token(t.Context())

	if err == nil || err.Error() != "the token command `/bin/sh` has not ended within 100ms" || time.Since(started) > time.Minute {
		t.Fatalf("got %v", err)
	}
}

func TestACallerThatGivesUpEndsItsCommandAndTheNextOneStartsIt(t *testing.T) {
	source := commandOf([]string{"/bin/sh", "-c", `test -e "$0" && echo token || { touch "$0"; sleep 600; }`,
		filepath.Join(t.TempDir(), "first")}, newClock())

	_, err := source.Token(within(t, 200*time.Millisecond))
	token := tokenOf(t, source)

	if !errors.Is(err, context.DeadlineExceeded) || token != "token" {
		t.Fatalf("got %v, %q", err, token)
	}
}

func TestAnEndlessOutputIsCutAndTheCommandEnded(t *testing.T) {
	_, err := CommandToken("/bin/sh", "-c", "while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done").Token(t.Context())

	if err == nil || err.Error() != "the token command `/bin/sh` gives more than 16384 bytes, which is no token" {
		t.Fatalf("got %v", err)
	}
}

func TestAProgramThatIsMissingIsAnErrorWithItsCause(t *testing.T) {
	for program, cause := range map[string]string{
		"/nowhere/print-token": "no such file or directory", "no-such-program-here": "executable file not found in $PATH",
	} {
		_, err := CommandToken(program).Token(t.Context())

		if err == nil || err.Error() != fmt.Sprintf("the token command `%s` cannot be started: %s", program, cause) {
			t.Errorf("got %v", err)
		}
	}
}

func TestOnlyAJSONWebTokenSaysWhenItExpires(t *testing.T) {
	for token, known := range map[string]bool{
		jwt(`{"exp": 7}`): true, jwt(`{"exp": 7.5}`): true, jwt(`{}`): false, jwt(`{"exp": "7"}`): false, jwt(`{"exp": true}`): false,
		jwt(`{"exp": 1e300}`): false, jwt(`[]`): false, jwt(`{`): false, "a.b": false, "": false, "a.!.c": false,
	} {
		if _, found := expiryOf(token); found != known {
			t.Errorf("%s: %v", token, found)
		}
	}
}

func TestATokenThatTheServerRefusesIsReadAgainFromItsFile(t *testing.T) {
	path := written(t, "old")
	var service *fake.Service
	service = &fake.Service{Answer: func(context.Context, *rolecallv1.AssumeRoleQuery) (*rolecallv1.Decision, error) {
		if tokens := service.Tokens(); tokens[len(tokens)-1] == "old" {
			return nil, fake.Fail(codes.Unauthenticated, "UNAUTHENTICATED", "the token is not valid")
		}
		return nil, nil
	}}
	client := served(t, service, WithTokenSource(FileToken(path)))
	_, before := client.Check(t.Context(), asked("allowed"))
	replace(t, path, "new")

	_, after := client.Check(t.Context(), asked("allowed"))

	if !errors.Is(before, ErrNotAuthenticated) || errors.Is(before, ErrNoToken) || after != nil {
		t.Fatalf("got %v, %v", before, after)
	}
}

func TestACallWithoutATokenToSendIsAnErrorOfTheClient(t *testing.T) {
	service := &fake.Service{}
	client := served(t, service, WithTokenSource(FileToken("/nowhere/token")))

	_, err := client.Check(t.Context(), asked("x"))

	if !errors.Is(err, ErrNoToken) || !errors.Is(err, os.ErrNotExist) || service.Calls.Load() != 0 {
		t.Fatalf("got %v", err)
	}
}
