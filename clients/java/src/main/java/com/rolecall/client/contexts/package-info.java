/**
 * Contexts: named servers and how to connect to them, in one file that the command line and every
 * client share ({@code ~/.config/rolecall/config.yaml}).
 */
package com.rolecall.client.contexts;
