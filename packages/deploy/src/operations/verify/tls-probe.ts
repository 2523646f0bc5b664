/**
 * How a connection to PostgreSQL or PgBouncer begins: the request for TLS, its answer, the handshake with the certificate
 * verified in full (PostgreSQL manual, "Message Flow", SSL Session Encryption). The client does the same; this tells the
 * reasons apart of an address that it can only call down.
 */
import { once } from 'node:events';
import { connect as connectTcp, isIP } from 'node:net';
import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { TLSSocket } from 'node:tls';
import type { Reached } from '../reach.ts';

export type TlsProbe =
  | { readonly is: 'verified'; readonly protocol: string; readonly validTo: number }
  | { readonly is: 'unreachable'; readonly reason: string }
  | { readonly is: 'no-tls' }
  | { readonly is: 'certificate'; readonly reason: string };

/** Length, and the code that stands where a protocol's version would. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);
const YES = 'S';

/**
 * @param ca - PEM of the only authority that is trusted.
 * @throws what the signal was aborted with.
 */
export async function probeTls(
  { host, port, serverName = host }: Reached,
  ca: string,
  { timeoutMs, signal }: { readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<TlsProbe> {
  const limit = AbortSignal.timeout(timeoutMs);
  const until = AbortSignal.any([signal, limit]);
  const socket = connectTcp({ host, port });
  // Kept for life: it may fail at any moment, also after it was given up.
  socket.on('error', () => {});
  let secure: TLSSocket | undefined;
  try {
    const answer = await askForTls(socket, until);
    if (answer === undefined) return { is: 'unreachable', reason: 'it closes the connection' };
    if (answer !== YES) return { is: 'no-tls' };
    secure = connectTls({
      socket,
      ca,
      ...(isIP(serverName) === 0 ? { servername: serverName } : { host: serverName }),
    });
    secure.on('error', () => {});
    await once(secure, 'secureConnect', { signal: until });
    const validTo = Date.parse(secure.getPeerCertificate().valid_to);
    return { is: 'verified', protocol: secure.getProtocol() ?? '', validTo };
  } catch (error) {
    signal.throwIfAborted();
    if (limit.aborted) return { is: 'unreachable', reason: `no answer within ${timeoutMs} ms` };
    const { code = '', message } = error as NodeJS.ErrnoException;
    const reason = code === '' || message.includes(code) ? message : `${message} (${code})`;
    return secure === undefined || code === 'ECONNRESET'
      ? { is: 'unreachable', reason: code === '' ? message : code }
      : { is: 'certificate', reason };
  } finally {
    secure?.destroy();
    socket.destroy();
  }
}

/** @returns the one byte of the answer; undefined where there is none. */
async function askForTls(socket: Socket, signal: AbortSignal): Promise<string | undefined> {
  await once(socket, 'connect', { signal });
  socket.write(SSL_REQUEST);
  const ended = once(socket, 'close', { signal }).then(() => undefined);
  const answered = once(socket, 'readable', { signal }).then(() => {
    const byte = socket.read(1) as Buffer | null;
    return byte?.toString('latin1');
  });
  return Promise.race([answered, ended]);
}
