/**
 * The details of a `google.rpc.Status` that Rolecall uses: ErrorInfo, BadRequest, RetryInfo and PolicyViolation.
 *
 * The first three are of google/rpc/error_details.proto, which the contract does not import; their few fields are read and written here.
 */

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { AnySchema, DurationSchema, type Any, type Duration } from "@bufbuild/protobuf/wkt";

import { PolicyViolationSchema, type PolicyViolation } from "./gen/rolecall/v1/policy_pb.js";

const TYPE_PREFIX = "type.googleapis.com/";

/** `google.rpc.ErrorInfo`. */
export interface ErrorInfo {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** A field violation of `google.rpc.BadRequest`. */
export interface FieldViolation {
  readonly field: string;
  readonly description: string;
  readonly reason: string;
}

/** The details of one status. */
export interface StatusDetails {
  info?: ErrorInfo;
  fieldViolations: FieldViolation[];
  positions: PolicyViolation[];
  retryDelay?: Duration;
}

/** Return the known details; throw if one of them cannot be read. */
export function readDetails(details: readonly Any[]): StatusDetails {
  const found: StatusDetails = { fieldViolations: [], positions: [] };
  for (const { typeUrl, value } of details) {
    switch (typeUrl.slice(typeUrl.lastIndexOf("/") + 1)) {
      case "google.rpc.ErrorInfo":
        found.info = readErrorInfo(value);
        break;
      case "google.rpc.BadRequest":
        found.fieldViolations.push(...messages(value, 1).map(readFieldViolation));
        break;
      case "google.rpc.RetryInfo":
        for (const delay of messages(value, 1)) found.retryDelay = fromBinary(DurationSchema, delay);
        break;
      case PolicyViolationSchema.typeName:
        found.positions.push(fromBinary(PolicyViolationSchema, value));
        break;
    }
  }
  return found;
}

/** Return an ErrorInfo as a detail of a status. */
export function packErrorInfo(info: ErrorInfo): Any {
  const writer = new BinaryWriter();
  writeText(writer, 1, info.reason);
  writeText(writer, 2, info.domain);
  for (const [key, value] of Object.entries(info.metadata)) {
    writer.tag(3, WireType.LengthDelimited).fork();
    writeText(writer, 1, key);
    writeText(writer, 2, value);
    writer.join();
  }
  return packed("google.rpc.ErrorInfo", writer.finish());
}

/** Return a RetryInfo as a detail of a status. */
export function packRetryInfo(seconds: number): Any {
  const delay = toBinary(DurationSchema, create(DurationSchema, { seconds: BigInt(seconds) }));
  return packed("google.rpc.RetryInfo", new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(delay).finish());
}

function packed(name: string, value: Uint8Array): Any {
  return create(AnySchema, { typeUrl: TYPE_PREFIX + name, value: new Uint8Array(value) });
}

function writeText(writer: BinaryWriter, field: number, text: string): void {
  if (text) writer.tag(field, WireType.LengthDelimited).string(text);
}

function readErrorInfo(bytes: Uint8Array): ErrorInfo {
  const fields = textFields(bytes, [1, 2]);
  const entries = messages(bytes, 3).map((entry) => textFields(entry, [1, 2]));
  const metadata = Object.fromEntries(entries.map((entry) => [entry.get(1) ?? "", entry.get(2) ?? ""]));
  return { reason: fields.get(1) ?? "", domain: fields.get(2) ?? "", metadata };
}

function readFieldViolation(bytes: Uint8Array): FieldViolation {
  const fields = textFields(bytes, [1, 2, 3]);
  return { field: fields.get(1) ?? "", description: fields.get(2) ?? "", reason: fields.get(3) ?? "" };
}

function textFields(bytes: Uint8Array, wanted: readonly number[]): Map<number, string> {
  const decoder = new TextDecoder();
  return new Map(
    lengthDelimited(bytes)
      .filter(([field]) => wanted.includes(field))
      .map(([field, value]) => [field, decoder.decode(value)]),
  );
}

function messages(bytes: Uint8Array, wanted: number): Uint8Array[] {
  return lengthDelimited(bytes)
    .filter(([field]) => field === wanted)
    .map(([, value]) => value);
}

function lengthDelimited(bytes: Uint8Array): [field: number, value: Uint8Array][] {
  const reader = new BinaryReader(bytes);
  const found: [number, Uint8Array][] = [];
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    if (type === WireType.LengthDelimited) found.push([field, reader.bytes()]);
    else reader.skip(type, field);
  }
  return found;
}
