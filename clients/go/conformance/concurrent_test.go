package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	rolecall "github.com/rolecall/rolecall/clients/go"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

const (
	loadBatch    = 20
	loadInFlight = 4
)

// running is the load of one step: what its callers have seen.
type running struct {
	client   *rolecall.Client
	query    *rolecallv1.AssumeRoleQuery
	ended    atomic.Bool
	failed   atomic.Bool
	writes   atomic.Int64
	answered map[string]*atomic.Int64
}

func (i *interpreter) load(s step) error {
	r := &running{client: i.client, query: i.queries[s.Query], answered: map[string]*atomic.Int64{}}
	for _, name := range s.Calls {
		r.answered[name] = &atomic.Int64{}
	}
	found := make(chan error, s.Workers*len(s.Calls))
	var group sync.WaitGroup
	for _, name := range s.Calls {
		for range s.Workers {
			group.Go(func() {
				if err := r.repeat(name); err != nil {
					r.failed.Store(true)
					found <- fmt.Errorf("a %s failed under load: %w", name, err)
				}
			})
		}
	}
	err := i.run(s.During)
	if err == nil {
		err = waitFor(func() bool { return r.failed.Load() || r.allAnswered() })
	}
	r.ended.Store(true)
	group.Wait()
	close(found)
	for one := range found {
		err = errors.Join(err, one)
	}
	return err
}

func (r *running) allAnswered() bool {
	for _, count := range r.answered {
		if count.Load() == 0 {
			return false
		}
	}
	return true
}

func (r *running) repeat(name string) error {
	if name == "stream" {
		return r.stream()
	}
	call := map[string]func() error{"check": r.check, "batch": r.batch, "update": r.update}[name]
	if call == nil {
		return fmt.Errorf("there is no call `%s`", name)
	}
	for !r.ended.Load() {
		if err := call(); err != nil {
			return err
		}
		r.answered[name].Add(1)
	}
	return nil
}

func (r *running) check() error {
	answer, err := r.client.Check(context.Background(), r.query)
	return allowed(answer.GetDecision(), err)
}

func (r *running) batch() error {
	answer, err := r.client.BatchCheck(context.Background(), slices.Repeat([]*rolecallv1.AssumeRoleQuery{r.query}, loadBatch))
	if err != nil {
		return err
	}
	for _, result := range answer.GetResults() {
		if err := allowed(result.GetDecision(), errorIn(result.GetError())); err != nil {
			return err
		}
	}
	return nil
}

func (r *running) stream() error {
	endless := func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		for !r.ended.Load() && yield(r.query) {
		}
	}
	next := int64(0)
	for answer, err := range r.client.StreamCheck(context.Background(), endless, rolecall.InFlight(loadInFlight)) {
		if err == nil {
			err = allowed(answer.GetDecision(), errorIn(answer.GetError()))
		}
		if err != nil {
			return err
		}
		if answer.GetSequence() != next {
			return fmt.Errorf("answer %d is that of query %d", next, answer.GetSequence())
		}
		next++
		r.answered["stream"].Add(1)
	}
	return nil
}

func (r *running) update() error {
	_, err := describe(r.client, "written", fmt.Sprintf("write %d", r.writes.Add(1)))
	return err
}

func allowed(decision *rolecallv1.Decision, err error) error {
	if err == nil && !decision.GetAllowed() {
		err = fmt.Errorf("denied under load: %v", decision)
	}
	return err
}

// describe sets the description of a role, and returns the consistency token of that write.
func describe(client *rolecall.Client, role, description string) (string, error) {
	request := &rolecallv1.UpdateRoleRequest{Role: role, Description: &description}
	answer, err := client.UpdateRole(context.Background(), request)
	return answer.GetConsistencyToken(), err
}

func (i *interpreter) watch(s step) error {
	var expected, seen []string
	if err := json.Unmarshal(s.Expect, &expected); err != nil {
		return err
	}
	token, err := describe(i.client, s.Role, "begin")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), longest)
	defer cancel()
	var watched error
	var group sync.WaitGroup
	group.Go(func() { seen, watched = descriptions(ctx, i.client, s.Role, token) })
	err = i.run(s.During)
	_, ended := describe(i.client, s.Role, "end")
	group.Wait()
	if err := errors.Join(err, ended, watched); err != nil {
		return err
	}
	if !slices.Equal(seen, expected) {
		return fmt.Errorf("the watch saw %q", seen)
	}
	return nil
}

func descriptions(ctx context.Context, client *rolecall.Client, role, token string) ([]string, error) {
	var found []string
	for event, err := range client.WatchRoles(ctx, rolecall.WatchOptions{StartToken: token}) {
		if err != nil {
			return found, err
		}
		changed := event.Change.GetRole()
		if changed.GetRoleName() != role {
			continue
		}
		if changed.GetDescription() == "end" {
			break
		}
		found = append(found, changed.GetDescription())
	}
	return found, nil
}

// close closes the client while calls are open, each of which must end by itself.
func (i *interpreter) close(s step) error {
	var group sync.WaitGroup
	for _, name := range s.Open {
		begun := make(chan struct{})
		open := map[string]func(func()){"check": i.openCheck, "stream": i.openStream, "watch": i.openWatch}[name]
		if open == nil {
			return fmt.Errorf("there is no call `%s`", name)
		}
		ended := make(chan struct{})
		group.Go(func() {
			defer close(ended)
			open(sync.OnceFunc(func() { close(begun) }))
		})
		select {
		case <-begun:
		case <-ended:
		case <-time.After(longest):
			return fmt.Errorf("the %s does not begin", name)
		}
	}
	_ = i.client.Close()
	done := make(chan struct{})
	go func() {
		defer close(done)
		group.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-time.After(longest):
		return errors.New("a call did not end with its client")
	}
}

func (i *interpreter) openCheck(begun func()) {
	begun()
	_, _ = i.client.Check(context.Background(), i.queries["orders"])
}

func (i *interpreter) openStream(begun func()) {
	answered := make(chan struct{})
	half := func(yield func(*rolecallv1.AssumeRoleQuery) bool) {
		if !yield(i.queries["orders"]) {
			return
		}
		<-answered // the client waits for the next query here, and is closed meanwhile
	}
	for range i.client.StreamCheck(context.Background(), half, rolecall.InFlight(1)) {
		begun()
		close(answered)
	}
}

func (i *interpreter) openWatch(begun func()) {
	token, err := describe(i.client, "watched", "begin")
	if err != nil {
		return
	}
	for range i.client.WatchRoles(context.Background(), rolecall.WatchOptions{StartToken: token}) {
		begun()
	}
}

func waitFor(condition func() bool) error {
	deadline := time.Now().Add(longest)
	for !condition() {
		if time.Now().After(deadline) {
			return errors.New("it does not happen")
		}
		time.Sleep(between)
	}
	return nil
}
