package guard

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	// linesPerSecond limits the log: callers cause its lines, so they must not be able to fill a disk.
	linesPerSecond = 10
	maxShown       = 200
)

var levels = map[Outcome]slog.Level{
	Denied:        slog.LevelInfo,
	UnknownCaller: slog.LevelInfo,
	Closed:        slog.LevelWarn,
	NotObserved:   slog.LevelWarn,
	Undecided:     slog.LevelError,
}

// report counts decisions, logs refusals, and calls back.
type report struct {
	mode       Mode
	log        *slog.Logger
	onDecision func(Decision)
	counts     counts
	limit      lineLimit
}

func (r *report) add(decision *Decision) {
	r.counts.add(decision)
	if !decision.Allowed() {
		r.write(decision)
	}
	if r.onDecision != nil {
		r.onDecision(*decision)
	}
}

func (r *report) write(decision *Decision) {
	level, message := levels[decision.Outcome], "refused"
	if r.mode == Observe {
		// Every line of an observing guard matters: they show what to mend before the guard enforces.
		level, message = slog.LevelWarn, "would be refused"
	}
	ctx := context.Background()
	if !r.log.Enabled(ctx, level) {
		return
	}
	leftOut, admitted := r.limit.admit(time.Now())
	if admitted {
		r.log.LogAttrs(ctx, level, message, facts(decision, leftOut)...)
	}
}

func facts(decision *Decision, leftOut int) []slog.Attr {
	found := []slog.Attr{slog.String("outcome", string(decision.Outcome)), slog.String("method", shown(decision.Method))}
	for _, fact := range []struct{ name, text string }{
		{"role", decision.Role}, {"caller", shown(decision.Caller)}, {"reason", decision.Reason},
		{"decision_id", decision.DecisionID}, {"detail", shown(decision.Detail)},
	} {
		if fact.text != "" {
			found = append(found, slog.String(fact.name, fact.text))
		}
	}
	if leftOut > 0 {
		found = append(found, slog.Int("lines_left_out", leftOut))
	}
	return found
}

// shown cuts a text, because callers choose methods and paths.
func shown(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return text[:maxShown] + "..."
}

// lineLimit limits lines to some a second, and counts those that are left out.
type lineLimit struct {
	mu               sync.Mutex
	second           int64
	written, leftOut int
}

// admit returns whether a line may be written, and how many were left out since the last one.
func (l *lineLimit) admit(now time.Time) (leftOut int, admitted bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if second := now.Unix(); second != l.second {
		l.second, l.written = second, 0
	}
	if l.written >= linesPerSecond {
		l.leftOut++
		return 0, false
	}
	l.written++
	leftOut, l.leftOut = l.leftOut, 0
	return leftOut, true
}
