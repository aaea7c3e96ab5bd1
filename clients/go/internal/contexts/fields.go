package contexts

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxText           = 4_096
	maxTimeoutSeconds = 86_400
)

var (
	secondsText = regexp.MustCompile(`^[0-9]{1,6}(\.[0-9]{1,6})?$`)
	// noText are words that are not text without quotes.
	noText = []string{"", "~", "null", "true", "false"}
)

// field is a value of the file: its name for messages, and where its mistakes are noted.
type field struct {
	name     string
	node     *yaml.Node
	mistakes *mistakes
}

type member struct {
	key   *yaml.Node
	value field
}

func (f field) refuse(message, fix string) {
	f.mistakes.note(f.node.Line, f.node.Column, message, fix)
}

func (f field) refuseType(wanted string) {
	f.refuse(fmt.Sprintf("%s must be %s, not %s", f.name, wanted, kindOf(f.node)), "")
}

// fields returns the known fields of a mapping, and notes those that are unknown or missing.
func (f field) fields(required, optional []string) map[string]field {
	known := slices.Concat(required, optional)
	found := map[string]field{}
	for _, member := range f.members(len(known)+100, "a mapping with `"+strings.Join(known, "`, `")+"`") {
		name := member.key.Value
		if !slices.Contains(known, name) {
			message := fmt.Sprintf("%s is not a field of %s", quoted(name), f.name)
			f.mistakes.note(member.key.Line, member.key.Column, message, insteadOf(name, known, ""))
			continue
		}
		found[name] = field{"`" + name + "`", member.value.node, f.mistakes}
	}
	for _, name := range required {
		if _, given := found[name]; !given && f.node.Kind == yaml.MappingNode {
			f.refuse(fmt.Sprintf("`%s` is missing in %s", name, f.name), "add it")
		}
	}
	return found
}

// members returns the names and values of a mapping of at most `limit` entries.
func (f field) members(limit int, wanted string) []member {
	if f.node.Kind != yaml.MappingNode {
		f.refuseType(wanted)
		return nil
	}
	if count := len(f.node.Content) / 2; count > limit {
		f.refuse(fmt.Sprintf("%s has %s entries", f.name, grouped(count)), grouped(limit)+" are allowed")
		return nil
	}
	var found []member
	for i := 0; i < len(f.node.Content); i += 2 {
		key := f.node.Content[i]
		found = append(found, member{key, field{quoted(key.Value), f.node.Content[i+1], f.mistakes}})
	}
	return found
}

// text returns a text, empty after noting that it is none.
func (f field) text() string {
	switch text := f.node.Value; {
	case f.node.Kind != yaml.ScalarNode || isPlain(f.node) && slices.Contains(noText, text):
		f.refuseType("text")
	case text == "" || utf8.RuneCountInString(text) > maxText || strings.ContainsFunc(text, isUnprintable):
		f.refuse(fmt.Sprintf("%s must have 1 to %s printable characters", f.name, grouped(maxText)), "")
	default:
		return text
	}
	return ""
}

// path returns a path, relative to the folder of the file; `~` is the home of the user.
func (f field) path() string {
	text := f.text()
	if text == "" {
		return ""
	}
	return f.relative(text)
}

func (f field) relative(text string) string {
	if text = expanded(text); filepath.IsAbs(text) {
		return text
	}
	file, err := filepath.Abs(f.mistakes.file)
	if err != nil {
		file = f.mistakes.file
	}
	return filepath.Join(filepath.Dir(file), text)
}

// seconds returns a time of more than 0 seconds, 0 after noting that it is none.
func (f field) seconds() time.Duration {
	if f.node.Kind == yaml.ScalarNode && isPlain(f.node) && secondsText.MatchString(f.node.Value) {
		number, err := strconv.ParseFloat(f.node.Value, 64)
		if err == nil && number > 0 && number <= maxTimeoutSeconds {
			return time.Duration(number * float64(time.Second))
		}
	}
	f.refuse(fmt.Sprintf("%s must be a number of seconds up to %s", f.name, grouped(maxTimeoutSeconds)), "write it without quotes")
	return 0
}

// words returns a list of 1 to `limit` texts, nil after noting that it is something else.
func (f field) words(limit int) []string {
	if f.node.Kind != yaml.SequenceNode {
		f.refuseType("a list of words, such as `[print-token, --audience, rolecall]`")
		return nil
	}
	if count := len(f.node.Content); count < 1 || count > limit {
		f.refuse(fmt.Sprintf("%s has %d words", f.name, count), fmt.Sprintf("write 1 to %d", limit))
		return nil
	}
	var words []string
	for _, node := range f.node.Content {
		words = append(words, field{"a word of " + f.name, node, f.mistakes}.text())
	}
	if slices.Contains(words, "") {
		return nil
	}
	return words
}

func isPlain(node *yaml.Node) bool { return node.Style == 0 }

func isUnprintable(r rune) bool { return !unicode.IsPrint(r) }

func kindOf(node *yaml.Node) string {
	switch {
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case isPlain(node) && slices.Contains(noText[:3], node.Value):
		return "nothing"
	}
	return quoted(node.Value)
}
