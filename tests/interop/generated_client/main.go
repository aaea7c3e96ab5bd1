// A client whose code was generated from the descriptor set: it asks one question, and prints the decision.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	rolecallv1 "example.com/client/gen/rolecall/v1"
)

func main() {
	address, principal, role := os.Args[1], os.Args[2], os.Args[3]
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	query := &rolecallv1.AssumeRoleQuery{
		Identity: &rolecallv1.AssumeRoleQuery_Principal{Principal: principal},
		Role:     role,
	}
	client := rolecallv1.NewDecisionServiceClient(connection)
	answer, err := client.CheckAssumeRole(ctx, &rolecallv1.CheckAssumeRoleRequest{Query: query})
	if err != nil {
		fmt.Println(status.Code(err))
		return
	}
	fmt.Println(answer.Decision.Allowed, answer.Decision.Reason)

	stream, err := rolecallv1.NewWatchServiceClient(connection).WatchRoles(ctx, &rolecallv1.WatchRolesRequest{})
	if err != nil {
		panic(err)
	}
	event, err := stream.Recv()
	if err != nil {
		panic(err)
	}
	fmt.Println(event.GetCheckpoint().GetRevision(), event.GetCheckpoint().GetStaleness() != nil)
}
