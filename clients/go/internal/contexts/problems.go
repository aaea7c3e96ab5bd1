// Package contexts reads named servers, and how to connect to them, from the environment and from the configuration file that the
// command line has, too.
package contexts

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

const (
	maxShown    = 80
	maxListed   = 10
	maxProblems = 50
)

// A Problem is one mistake of a configuration file: its line and column (from 1; 0: the file as a whole), the broken rule, and what to do.
type Problem struct {
	File         string
	Line, Column int
	Message, Fix string
}

// String returns the place, the message and what to do.
func (p Problem) String() string {
	text := p.File
	if p.Line > 0 {
		text = fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column)
	}
	text += ": " + p.Message
	if p.Fix != "" {
		text += "; " + p.Fix
	}
	return text
}

// An Error means that the configuration file cannot be used, or has no such context. Problems are all its mistakes.
type Error struct{ Problems []Problem }

// Error returns all problems in one line.
func (e *Error) Error() string {
	var texts []string
	for _, problem := range e.Problems {
		texts = append(texts, problem.String())
	}
	return strings.Join(texts, "; ")
}

func errorIn(file, message, fix string) *Error {
	return &Error{[]Problem{{File: file, Message: message, Fix: fix}}}
}

// tooMany ends the reading of a file.
type tooMany struct{}

// mistakes are those found so far in one file.
type mistakes struct {
	file  string
	found []Problem
}

func (m *mistakes) note(line, column int, message, fix string) {
	m.found = append(m.found, Problem{m.file, line, column, message, fix})
	if len(m.found) == maxProblems {
		panic(tooMany{}) // recovered in parse
	}
}

func (m *mistakes) err() error {
	if len(m.found) == 0 {
		return nil
	}
	slices.SortStableFunc(m.found, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return &Error{m.found}
}

// quoted returns a text in backticks, cut if it is long, with unprintable characters escaped.
func quoted(text string) string {
	if runes := []rune(text); len(runes) > maxShown {
		text = string(runes[:maxShown]) + "..."
	}
	var shown strings.Builder
	for _, r := range text {
		if unicode.IsPrint(r) {
			shown.WriteRune(r)
		} else {
			fmt.Fprintf(&shown, "\\u%04x", r)
		}
	}
	return "`" + shown.String() + "`"
}

// insteadOf returns what to write instead of an unknown name; none if no name is known.
func insteadOf(name string, known []string, none string) string {
	if len(known) == 0 {
		return none
	}
	known = slices.Sorted(slices.Values(known))
	if meant := nearest(name, known); meant != "" {
		return "did you mean `" + meant + "`?"
	}
	more := ""
	if len(known) > maxListed {
		more = fmt.Sprintf(" and %d more", len(known)-maxListed)
		known = known[:maxListed]
	}
	return "known: `" + strings.Join(known, "`, `") + "`" + more
}

// nearest returns the known name that is meant, probably, or an empty text.
func nearest(name string, known []string) string {
	best, least := "", max(1, len(name)/3)+1
	for _, one := range known {
		if d := distance(name[:min(len(name), maxShown)], one); d < least {
			best, least = one, d
		}
	}
	return best
}

// distance returns how many bytes must be inserted, removed or replaced to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := diagonal
			if a[i-1] != b[j-1] {
				change++
			}
			diagonal = row[j]
			row[j] = min(change, row[j]+1, row[j-1]+1)
		}
	}
	return row[len(b)]
}

// grouped returns a number with its thousands apart.
func grouped(number int) string {
	if number < 1_000 {
		return strconv.Itoa(number)
	}
	return fmt.Sprintf("%s,%03d", grouped(number/1_000), number%1_000)
}
