package com.rolecall.client;

/**
 * One field of the request, or one element of a trust policy, that breaks a rule.
 *
 * <p>Of a trust policy's element, {@code pointer} is its JSON pointer, and {@code line} and {@code
 * column} count from 1 in the document that was sent; otherwise they are empty and 0.
 *
 * @param field the field of the request
 * @param reason the stable name of the rule; may be empty
 * @param message what is wrong
 * @param pointer the JSON pointer of the element
 * @param line its line
 * @param column its column, in characters
 */
public record Violation(
    String field, String reason, String message, String pointer, int line, int column) {}
