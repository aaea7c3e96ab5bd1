/** The names in a client certificate, from the text in which Node gives them: `URI:spiffe://a/b, DNS:"a, b", IP Address:1.2.3.4`. */

const MAX_CHARACTERS = 16_384;

/** One name: its kind, and its value, which is a string of JSON if it has an unusual character. */
const NAME = /([A-Za-z][A-Za-z0-9 ]*):("(?:[^"\\]|\\.)*"|[^",]*)(?:, |$)/y;

/** The SPIFFE ids, valid or not, and the DNS names. */
export interface CertificateNames {
  readonly spiffeIds: readonly string[];
  readonly dnsNames: readonly string[];
}

/** Return the names in the text of the alternative names of a certificate; throw if it cannot be read. */
export function namesIn(text: string | undefined): CertificateNames {
  const names = text ? readNames(text) : [];
  const ofKind = (kind: string): string[] => names.filter(([found]) => found === kind).map(([, value]) => value);
  // A malformed SPIFFE id must be seen: with it the certificate names nobody, and its DNS name does not count.
  return { spiffeIds: ofKind("URI").filter((uri) => /^spiffe:/i.test(uri)), dnsNames: ofKind("DNS") };
}

function readNames(text: string): [kind: string, value: string][] {
  if (text.length > MAX_CHARACTERS)
    throw new TypeError(`the names have ${text.length} characters; the limit is ${MAX_CHARACTERS}`);
  const names: [string, string][] = [];
  NAME.lastIndex = 0;
  while (NAME.lastIndex < text.length) {
    const at = NAME.lastIndex;
    const [, kind, value] = NAME.exec(text) ?? [];
    if (kind === undefined || value === undefined) throw new TypeError(`the names cannot be read at character ${at}`);
    names.push([kind, value.startsWith('"') ? (JSON.parse(value) as string) : value]);
  }
  return names;
}
