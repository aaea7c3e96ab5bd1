/** Addresses of a service: `HOST:PORT`, where the port may be missing, or a target of gRPC. */

import { isIPv6 } from "node:net";

export const DEFAULT_PORT = 50051;

const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
const DNS = /^(dns:(?:\/\/[^/]*\/)?)(.*)$/s;
const HOST_AND_PORT = /^(\[[^[\]/]+\]|[^[\]:/?#@]+)(?::(.*))?$/s;
const PORT = /^[0-9]{1,5}$/;
const THIS_MACHINE = /^(?:(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::[0-9]+)?|unix:.*)$/;

/** Targets of gRPC that are used as they are. */
const VERBATIM = ["unix:", "unix-abstract:", "ipv4:", "ipv6:"];

/** Hosts that gRPC would read as the scheme of a target, before a port. */
const SCHEMES = ["dns", "ipv4", "ipv6", "unix", "unix-abstract", "vsock", "xds"];

/**
 * Return the gRPC target of an address: `HOST:PORT`, `HOST` (port 50051), `dns:///HOST:PORT` or `unix:PATH`.
 *
 * Throw a `TypeError` for a scheme such as `http://`, and for a text that is no address.
 */
export function targetOf(address: string): string {
  if (address === "" || /\s/.test(address)) throw new TypeError(`\`${address}\` is not an address; write HOST:PORT`);
  if (VERBATIM.some((prefix) => address.startsWith(prefix))) return address;
  const [, dns, name] = DNS.exec(address) ?? [];
  if (dns !== undefined && name !== undefined) return dns + withPort(name, address);
  const [scheme] = SCHEME.exec(address) ?? [];
  if (scheme !== undefined) {
    const [rest] = address.slice(scheme.length).split("/", 1);
    throw new TypeError(
      `an address has no scheme \`${scheme}\`; write \`${rest ?? ""}\`, and TLS is a setting of its own`,
    );
  }
  const target = withPort(address, address);
  const [host] = target.toLowerCase().split(":", 1);
  return host !== undefined && SCHEMES.includes(host) ? `dns:///${target}` : target;
}

/** Return whether nobody on the way to an address can read what is sent in plain text: it is on this machine. */
export function isThisMachine(address: string): boolean {
  return THIS_MACHINE.test(address);
}

function withPort(name: string, address: string): string {
  if (isIPv6(name)) return `[${name}]:${DEFAULT_PORT.toString()}`;
  const match = HOST_AND_PORT.exec(name);
  if (match === null) throw new TypeError(`\`${address}\` is not an address; write HOST:PORT`);
  const port = match[2];
  if (port === undefined) return `${name}:${DEFAULT_PORT.toString()}`;
  if (!PORT.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw new TypeError(`the port of \`${address}\` is not a number from 1 to 65535`);
  }
  return name;
}
