// Package guard protects the methods of a service with roles: a call passes if its caller may assume the role of its method.
//
// A Guard decides, with a RoleMap for gRPC or a RouteMap for HTTP, and something that says who calls, such as SPIFFEPrincipals. Its
// interceptors and its middleware stand in front of a service. Guards fail closed: what is not allowed is refused.
//
//	guarded, err := guard.New(client, roles, callers)
//	...
//	server := grpc.NewServer(grpc.Creds(creds),
//		grpc.ChainUnaryInterceptor(guarded.UnaryServerInterceptor()),
//		grpc.ChainStreamInterceptor(guarded.StreamServerInterceptor()))
//
// A guard asks when a call starts: a stream that is open continues after a revocation. Messages are not looked at.
package guard
