/** What identifies a client to the server beside its certificate: its token and its metadata. */

import { Metadata } from "@grpc/grpc-js";

import { TokenError, type RolecallError } from "../errors.js";
import type { CallMetadata } from "../options.js";
import { isToken, type RenewedToken, type TokenSource } from "./tokens.js";

/** Gives the metadata of the next call. */
export class Credential {
  readonly #fixed: CallMetadata;
  readonly #token: (() => string | Promise<string>) | undefined;
  readonly #renewed: RenewedToken | undefined;

  constructor(token: string | TokenSource | undefined, metadata: CallMetadata) {
    this.#fixed = metadata;
    this.#renewed = typeof token === "object" ? token : undefined;
    if (typeof token === "string") this.#token = () => token;
    else if (typeof token === "function") this.#token = token;
    else if (token !== undefined) this.#token = () => token.token();
  }

  /** Return the metadata of the next call, with those of the call itself; reject with a `TokenError`. */
  async metadata(ofCall: CallMetadata = {}): Promise<Metadata> {
    const metadata = new Metadata();
    for (const [key, value] of Object.entries({ ...this.#fixed, ...ofCall })) metadata.set(key, value);
    if (this.#token !== undefined) metadata.set("authorization", `Bearer ${required(await this.#token())}`);
    return metadata;
  }

  /** Return the error of a call, after noting whether the server refused the token. */
  seen(error: RolecallError): RolecallError {
    if (error.code === "UNAUTHENTICATED" && !(error instanceof TokenError)) this.#renewed?.refused();
    return error;
  }
}

function required(token: string): string {
  // gRPC would refuse it with a message that shows it.
  if (!isToken(token)) throw new TokenError("the token of the client is not one word of printable ASCII");
  return token;
}
