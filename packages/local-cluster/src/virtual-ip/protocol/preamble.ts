/**
 * What a client can open with, before any message with a type byte (PostgreSQL's documentation,
 * "Message Formats": SSLRequest, GSSENCRequest, CancelRequest, StartupMessage).
 */
export type Preamble =
  | 'ssl-request'
  | 'gss-request'
  /** TLS without asking for it first: `sslnegotiation=direct`, from PostgreSQL 17 on. */
  | 'direct-tls'
  | 'startup'
  /** CancelRequest and whatever is not PostgreSQL's: passed on unread. */
  | 'other';

export const REQUEST_BYTES = 8;

const TLS_HANDSHAKE = 0x16;
const SSL_REQUEST = 80_877_103;
const GSS_REQUEST = 80_877_104;
const MAJOR_VERSION = 3;

/** Undefined until enough of it is there. */
export function recognise(bytes: Buffer): Preamble | undefined {
  if (bytes[0] === TLS_HANDSHAKE) return 'direct-tls';
  if (bytes.length < REQUEST_BYTES) return undefined;
  const length = bytes.readUInt32BE(0);
  const code = bytes.readUInt32BE(4);
  if (length === REQUEST_BYTES && code === SSL_REQUEST) return 'ssl-request';
  if (length === REQUEST_BYTES && code === GSS_REQUEST) return 'gss-request';
  return code >>> 16 === MAJOR_VERSION ? 'startup' : 'other';
}
