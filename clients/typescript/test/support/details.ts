/** Details of google.rpc, as a server of another language writes them. */

/** Return a field with a text or a message of less than 128 bytes. */
function field(number: number, value: string | Uint8Array): number[] {
  const bytes = typeof value === "string" ? new TextEncoder().encode(value) : value;
  return [(number << 3) | 2, bytes.length, ...bytes];
}

export function errorInfo(reason: string, metadata: Record<string, string> = {}): Uint8Array {
  const entries = Object.entries(metadata).map(([key, value]) =>
    Uint8Array.from([...field(1, key), ...field(2, value)]),
  );
  return Uint8Array.from([
    ...field(1, reason),
    ...field(2, "rolecall"),
    ...entries.flatMap((entry) => field(3, entry)),
  ]);
}

export function badRequest(
  ...violations: readonly (readonly [field: string, description: string, reason: string])[]
): Uint8Array {
  const messages = violations.map(([name, description, reason]) =>
    Uint8Array.from([...field(1, name), ...field(2, description), ...field(3, reason)]),
  );
  return Uint8Array.from(messages.flatMap((message) => field(1, message)));
}

export function retryInfo(seconds: number): Uint8Array {
  return Uint8Array.from(field(1, Uint8Array.from([1 << 3, seconds])));
}
