// Package rolecall is the Go client of Rolecall, which decides whether a principal may assume a role.
//
//	client, err := rolecall.New("roles.example:50051")
//	...
//	defer client.Close()
//	query, err := rolecall.Query("acs:ram::123456789012:user/alice", "deployer")
//	...
//	answer, err := client.Check(ctx, query)
//	fmt.Println(answer.GetDecision().GetAllowed())
//
// A deny is a decision, and not an error: an error means that the question could not be answered. Every error of a call is an [*Error],
// and errors.Is compares it with [ErrUnavailable], [ErrInvalidArgument] and their like.
//
// The messages of the contract are in the package rolecallv1 (rolecall/v1 of this module). The package guard protects the methods of
// a service with roles.
package rolecall

// Version is the version of this module.
const Version = "0.1.0"
