//go:build unix

// Bench measures checks: `go run ./bench ADDRESS [AGENT] COUNT`, with the address of a service, and perhaps of an agent (unix:PATH).
//
// After a warm-up it makes COUNT checks, one after the other, and prints one line of JSON: their number, the CPU seconds of this process
// and the seconds that passed.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strconv"
	"syscall"
	"time"

	rolecall "github.com/rolecall/rolecall/clients/go"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// The queries are those of bench/fixture.py.
const (
	account    = "123456789012"
	roles      = 10
	principals = 20
	warmUp     = 200
)

type figures struct {
	Calls       int     `json:"calls"`
	CPUSeconds  float64 `json:"cpu_seconds"`
	WallSeconds float64 `json:"wall_seconds"`
}

func main() {
	found, err := measure(os.Args[1:])
	if err != nil {
		log.Fatal(err)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		log.Fatal(err)
	}
}

func measure(arguments []string) (figures, error) {
	if len(arguments) != 2 && len(arguments) != 3 {
		return figures{}, fmt.Errorf("usage: bench ADDRESS [AGENT] COUNT")
	}
	count, err := strconv.Atoi(arguments[len(arguments)-1])
	if err != nil || count < 1 {
		return figures{}, fmt.Errorf("`%s` is no number of calls", arguments[len(arguments)-1])
	}
	var options []rolecall.Option
	if len(arguments) == 3 {
		options = append(options, rolecall.WithAgent(arguments[1]))
	}
	client, err := rolecall.New(arguments[0], options...)
	if err != nil {
		return figures{}, err
	}
	defer client.Close()
	asked, err := queries()
	if err != nil {
		return figures{}, err
	}
	if err := checks(client, asked, warmUp); err != nil {
		return figures{}, err
	}
	cpu, began := cpuTime(), time.Now()
	if err := checks(client, asked, count); err != nil {
		return figures{}, err
	}
	return figures{count, (cpuTime() - cpu).Seconds(), time.Since(began).Seconds()}, nil
}

func queries() ([]*rolecallv1.AssumeRoleQuery, error) {
	var found []*rolecallv1.AssumeRoleQuery
	for i := range principals {
		user := fmt.Sprintf("acs:ram::%s:user/app-%d", account, i)
		query, err := rolecall.Query(user, fmt.Sprintf("%s/plain-%d", account, i%roles))
		if err != nil {
			return nil, err
		}
		found = append(found, query)
	}
	return found, nil
}

func checks(client *rolecall.Client, queries []*rolecallv1.AssumeRoleQuery, count int) error {
	for i := range count {
		if _, err := client.Check(context.Background(), queries[i%len(queries)]); err != nil {
			return err
		}
	}
	return nil
}

// cpuTime returns the CPU time of this process so far.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		log.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
