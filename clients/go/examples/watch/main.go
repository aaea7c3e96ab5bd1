// Watch prints every role, and then every change, until it is interrupted: `go run ./examples/watch`.
//
// It connects as the command line does (ROLECALL_ADDRESS and its like, or the current context).
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strings"

	rolecall "github.com/rolecall/rolecall/clients/go"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	client, err := rolecall.FromEnv()
	if err != nil {
		log.Fatal(err)
	}
	defer client.Close()
	for {
		err := watch(ctx, client)
		if !errors.Is(err, rolecall.ErrResyncRequired) {
			if !errors.Is(err, context.Canceled) {
				log.Print(err)
			}
			return
		}
		fmt.Println("changes are lost; everything again:")
	}
}

// watch prints changes until the watch ends, and returns why.
func watch(ctx context.Context, client *rolecall.Client) error {
	resumed := func(err error) { log.Printf("the watch is resumed after: %v", err) }
	for event, err := range client.WatchRoles(ctx, rolecall.WatchOptions{InitialState: true, OnResume: resumed}) {
		if err != nil {
			return err
		}
		if change := event.Change; change != nil {
			kind := strings.ToLower(strings.TrimPrefix(change.GetKind().String(), "CHANGE_KIND_"))
			fmt.Println(change.GetRevision(), kind, change.GetRole().GetArn())
		}
	}
	return nil
}
