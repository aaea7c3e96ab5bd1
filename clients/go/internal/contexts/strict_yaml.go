package contexts

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxDepth  = 8
	maxValues = 20_000
)

var yamlError = regexp.MustCompile(`(?s)^yaml: (?:line ([0-9]+): )?(.*)$`)

// decode returns the content of a file. Accepted is the part of YAML in which a value means what it looks like: one document, no tags,
// no anchors and aliases, no key twice.
func decode(text, file string) (*yaml.Node, error) {
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) || err == nil && document.IsZero() {
		return nil, errorIn(file, "the file is empty", "write `contexts:` with at least one context")
	} else if err != nil {
		return nil, notYAML(file, err)
	}
	if err := decoder.Decode(&second); err == nil {
		problem := Problem{file, second.Line, second.Column, "the file has several documents", "write one, without `---`"}
		return nil, &Error{[]Problem{problem}}
	} else if !errors.Is(err, io.EOF) {
		return nil, notYAML(file, err)
	}
	checker := &checker{file: file}
	root := document.Content[0]
	if err := checker.check(root, 1); err != nil {
		return nil, err
	}
	return root, nil
}

func notYAML(file string, err error) error {
	problem := Problem{File: file, Message: "not YAML: " + err.Error()}
	if parts := yamlError.FindStringSubmatch(err.Error()); parts != nil {
		problem.Message = "not YAML: " + parts[2]
		if line, err := strconv.Atoi(parts[1]); err == nil {
			problem.Line, problem.Column = line, 1
		}
	}
	return &Error{[]Problem{problem}}
}

// checker refuses what is ambiguous, or too large.
type checker struct {
	file  string
	count int
}

func (c *checker) check(node *yaml.Node, depth int) error {
	c.count++
	switch {
	case node.Kind == yaml.AliasNode || node.Anchor != "":
		return c.refuse(node, "anchors and aliases are not supported", "write the value itself")
	case node.Style&yaml.TaggedStyle != 0:
		return c.refuse(node, fmt.Sprintf("the tag %s is not supported", quoted(node.Tag)), "write the value itself")
	case depth > maxDepth:
		return c.refuse(node, fmt.Sprintf("nested deeper than %d levels, which is the limit", maxDepth), "")
	case c.count > maxValues:
		return c.refuse(node, fmt.Sprintf("the file has more than %s values, which is the limit", grouped(maxValues)), "")
	case node.Kind == yaml.MappingNode:
		return c.checkMembers(node, depth)
	}
	for _, item := range node.Content {
		if err := c.check(item, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) checkMembers(node *yaml.Node, depth int) error {
	lines := map[string]int{}
	for i := 0; i < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if err := c.check(key, depth); err != nil {
			return err
		}
		if key.Kind != yaml.ScalarNode {
			return c.refuse(key, "a key must be text", "write a name")
		}
		if first, known := lines[key.Value]; known {
			message := fmt.Sprintf("the key %s is given twice; the first is in line %d", quoted(key.Value), first)
			return c.refuse(key, message, "remove one of the two")
		}
		lines[key.Value] = key.Line
		if err := c.check(value, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) refuse(node *yaml.Node, message, fix string) error {
	return &Error{[]Problem{{c.file, node.Line, node.Column, message, fix}}}
}
