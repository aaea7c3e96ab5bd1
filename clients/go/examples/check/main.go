// Check asks whether a principal may assume a role: `go run ./examples/check PRINCIPAL ROLE [KEY=VALUE ...]`, with condition keys.
//
// It connects as the command line does (ROLECALL_ADDRESS and its like, or the current context), and exits with 0 for allowed, 1 for
// denied and 2 if there was no answer.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	rolecall "github.com/rolecall/rolecall/clients/go"
	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

func main() {
	explained, err := explain(os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	decision := explained.GetDecision()
	if decision.GetAllowed() {
		fmt.Println("allowed")
		return
	}
	fmt.Println("denied:", strings.TrimPrefix(decision.GetReason().String(), "DECISION_REASON_"))
	for _, miss := range explained.GetNearMisses() {
		fmt.Println(" ", miss.GetSuggestion())
	}
	os.Exit(1)
}

func explain(arguments []string) (*rolecallv1.ExplainAssumeRoleResponse, error) {
	if len(arguments) < 2 {
		return nil, errors.New("usage: check PRINCIPAL ROLE [KEY=VALUE ...]")
	}
	var options []rolecall.QueryOption
	for _, argument := range arguments[2:] {
		key, value, found := strings.Cut(argument, "=")
		if !found {
			return nil, fmt.Errorf("`%s` is no condition key; write KEY=VALUE", argument)
		}
		options = append(options, rolecall.Context(key, value))
	}
	query, err := rolecall.Query(arguments[0], arguments[1], options...)
	if err != nil {
		return nil, err
	}
	client, err := rolecall.FromEnv()
	if err != nil {
		return nil, err
	}
	defer client.Close()
	return client.Explain(context.Background(), query)
}
