/**
 * The client of Rolecall, which decides whether a principal may assume a role.
 *
 * <p>{@link com.rolecall.client.RolecallClient} has a method for each method of the contract,
 * {@link com.rolecall.client.Query} makes queries, and {@link
 * com.rolecall.client.RolecallException} is the error of each call that was not answered. A deny is
 * an answer. The messages are those of {@code com.rolecall.v1}, which is generated from the
 * contract.
 */
package com.rolecall.client;
