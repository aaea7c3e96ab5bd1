package connection

import (
	"encoding/json"

	"google.golang.org/grpc"
	_ "google.golang.org/grpc/health" // without it gRPC does not check the health of servers

	rolecallv1 "github.com/rolecall/rolecall/clients/go/rolecall/v1"
)

// ServiceConfig is the service config of every connection to a service: round robin over all addresses, the health of each, and up to
// four attempts of the calls that are safe to repeat.
var ServiceConfig = serviceConfig(
	&rolecallv1.CallerService_ServiceDesc,
	&rolecallv1.DecisionService_ServiceDesc,
	&rolecallv1.PolicyService_ServiceDesc,
	&rolecallv1.RoleService_ServiceDesc,
	&rolecallv1.WatchService_ServiceDesc,
)

type object = map[string]any

func serviceConfig(services ...*grpc.ServiceDesc) string {
	config := object{
		"loadBalancingConfig": []object{{"round_robin": object{}}},
		"healthCheckConfig":   object{"serviceName": ""},
		"methodConfig": []object{{
			"name": retried(services),
			"retryPolicy": object{
				"maxAttempts":          4,
				"initialBackoff":       "0.05s",
				"maxBackoff":           "1s",
				"backoffMultiplier":    3,
				"retryableStatusCodes": []string{"UNAVAILABLE"},
			},
		}},
	}
	text, err := json.Marshal(config)
	if err != nil {
		panic(err) // it has only texts and numbers
	}
	return string(text)
}

// retried returns the methods that gRPC repeats. Writes are among them because each has a request id. Streams of answers are
// continued by the client itself, which knows where to continue.
func retried(services []*grpc.ServiceDesc) []object {
	var names []object
	for _, service := range services {
		for _, method := range service.Methods {
			names = append(names, object{"service": service.ServiceName, "method": method.MethodName})
		}
		for _, stream := range service.Streams {
			if !stream.ServerStreams {
				names = append(names, object{"service": service.ServiceName, "method": stream.StreamName})
			}
		}
	}
	return names
}
