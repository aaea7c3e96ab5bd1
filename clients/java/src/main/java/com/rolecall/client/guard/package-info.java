/**
 * Guards of services: before a method starts, Rolecall is asked whether the caller may assume the
 * role of the method. A call passes for one reason only, a decision that allows it.
 *
 * <p>{@link com.rolecall.client.guard.RoleMap} has the role of each method, a {@link
 * com.rolecall.client.guard.CallerRule} finds who calls, {@link com.rolecall.client.guard.Guard}
 * decides, and {@link com.rolecall.client.guard.GuardInterceptor} guards a server of gRPC.
 */
package com.rolecall.client.guard;
