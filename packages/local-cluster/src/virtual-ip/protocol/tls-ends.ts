import { readFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect, createSecureContext, TLSSocket, type SecureContext } from 'node:tls';

export interface TlsFiles {
  certificateFile: string;
  keyFile: string;
  caFile: string;
}

/** PostgreSQL 17 and its clients agree on it, and insist on it when TLS begins without being asked for. */
const ALPN = ['postgresql'];

/**
 * Both ends of TLS, for a forwarder that reads what it forwards. Clients are shown the certificate of the
 * servers themselves, so that they may verify it to the full, and so that SCRAM's channel binding, which
 * covers the certificate, goes on working.
 */
export class TlsEnds {
  readonly #files: TlsFiles;
  #contexts: { client: SecureContext; ca: Buffer } | undefined;

  /** The files are read when they are needed first: a cluster makes its addresses before its certificates. */
  constructor(files: TlsFiles) {
    this.#files = files;
  }

  /** Resolves when the client has shaken hands. @throws what is wrong with it */
  async facingClient(stream: Duplex): Promise<TLSSocket> {
    const { client: secureContext } = this.#load();
    const secured = new TLSSocket(stream, { isServer: true, secureContext, ALPNProtocols: ALPN });
    return shaken(secured, 'secure');
  }

  /** Resolves when the server's certificate is verified. @throws what is wrong with it */
  facingServer(socket: Socket): Promise<TLSSocket> {
    const { ca } = this.#load();
    // A certificate that was given holds the names of its giver; the authority tells that it is one of ours.
    const checkServerIdentity = () => undefined;
    return shaken(connect({ socket, ca, checkServerIdentity, ALPNProtocols: ALPN }), 'secureConnect');
  }

  #load(): { client: SecureContext; ca: Buffer } {
    this.#contexts ??= {
      client: createSecureContext({
        cert: readFileSync(this.#files.certificateFile),
        key: readFileSync(this.#files.keyFile),
      }),
      ca: readFileSync(this.#files.caFile),
    };
    return this.#contexts;
  }
}

function shaken(secured: TLSSocket, event: 'secure' | 'secureConnect'): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    // For life: what breaks later is told to whoever reads from it as well.
    secured.on('error', reject);
    secured.once('close', () => reject(new Error('closed before TLS was agreed on')));
    secured.once('end', () => reject(new Error('ended before TLS was agreed on')));
    secured.once(event, () => resolve(secured));
  });
}
