package conformance

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"
	"time"

	rolecall "github.com/rolecall/rolecall/clients/go"
)

// headless is a name with two addresses.
type headless struct {
	DNSServer string `json:"dns_server"`
	Name      string `json:"name"`
	Port      string `json:"port"`
}

type world struct {
	Control   string            `json:"control"`
	Vectors   string            `json:"vectors"`
	Faults    string            `json:"faults"`
	TokenFile string            `json:"token_file"`
	TLS       map[string]string `json:"tls"`
	Addresses map[string]any    `json:"addresses"`
}

// clientFields say how the client of a scenario is made.
type clientFields struct {
	Target         string            `json:"target"`
	TLS            map[string]string `json:"tls"`
	ServerName     string            `json:"server_name"`
	TokenFile      bool              `json:"token_file"`
	Agent          bool              `json:"agent"`
	TimeoutSeconds float64           `json:"timeout_seconds"`
}

// theWorld returns the world that the environment names; without one the test is left out.
func theWorld(t *testing.T) *world {
	t.Helper()
	path := os.Getenv("ROLECALL_CONFORMANCE")
	if path == "" {
		t.Skip("the conformance tests are left out: ROLECALL_CONFORMANCE does not name a world.json")
	}
	w := &world{}
	content, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(content, w)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) address(target string) (string, error) {
	switch found := w.Addresses[target].(type) {
	case string:
		return found, nil
	case map[string]any:
		name := headless{}
		text, err := json.Marshal(found)
		if err == nil {
			err = json.Unmarshal(text, &name)
		}
		return fmt.Sprintf("dns://%s/%s:%s", name.DNSServer, name.Name, name.Port), err
	}
	return "", fmt.Errorf("the world has no address `%s`", target)
}

func (w *world) client(fields clientFields) (*rolecall.Client, error) {
	address, err := w.address(fields.Target)
	if err != nil {
		return nil, err
	}
	var options []rolecall.Option
	if fields.TLS != nil {
		files := rolecall.TLSFiles{ServerName: w.TLS["server_name"]}
		if fields.ServerName != "" {
			files.ServerName = fields.ServerName
		}
		known := map[string]*string{"ca": &files.CA, "cert": &files.Cert, "key": &files.Key}
		for name, file := range fields.TLS {
			if known[name] == nil {
				return nil, fmt.Errorf("`tls` has no %s", name)
			}
			*known[name] = w.TLS[file]
		}
		options = append(options, rolecall.WithTLS(files))
	}
	if fields.TokenFile {
		options = append(options, rolecall.WithTokenSource(rolecall.FileToken(w.TokenFile)))
	}
	if fields.Agent {
		agent, err := w.address("agent")
		if err != nil {
			return nil, err
		}
		options = append(options, rolecall.WithAgent(agent))
	}
	if fields.TimeoutSeconds > 0 {
		options = append(options, rolecall.WithTimeout(seconds(fields.TimeoutSeconds)))
	}
	return rolecall.New(address, options...)
}

// control has something happen, and returns the answer.
func (w *world) control(path string, body map[string]string) (map[string]any, error) {
	text, err := json.Marshal(mapOrEmpty(body))
	if err != nil {
		return nil, err
	}
	// A connection that stays open would be a goroutine that the client seems to have left.
	web := &http.Client{Timeout: longest, Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := web.Post(w.Control+path, "application/json", bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %d %s", path, answer.StatusCode, content)
	}
	found := map[string]any{}
	if len(content) == 0 {
		return found, nil
	}
	return found, json.Unmarshal(content, &found)
}

func mapOrEmpty(body map[string]string) map[string]string {
	if body == nil {
		return map[string]string{}
	}
	return body
}

func seconds(number float64) time.Duration { return time.Duration(number * float64(time.Second)) }

// strict decodes JSON, and refuses unknown fields.
func strict(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// requireOnly returns an error for fields that a step must not have.
func requireOnly(text json.RawMessage, known ...string) error {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("nothing is known about the field `%s`", name))
		}
	}
	return errors.Join(errs...)
}
