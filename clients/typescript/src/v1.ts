/** The messages, enums and services of the contract `rolecall.v1`, generated from its protos. */

export * from "./gen/google/rpc/status_pb.js";
export * from "./gen/rolecall/v1/caller_pb.js";
export * from "./gen/rolecall/v1/decision_pb.js";
export * from "./gen/rolecall/v1/policy_pb.js";
export * from "./gen/rolecall/v1/role_pb.js";
export * from "./gen/rolecall/v1/watch_pb.js";
