import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Address } from '@schooldb/local-cluster';

/** A way to a server that counts how often its clients have waited for an answer. */
export interface CountingProxy {
  readonly address: Address;
  /** Round trips so far, on all connections: whatever is sent without waiting in between counts once. */
  readonly roundTrips: number;
  close(): void;
}

export async function startCountingProxy(target: Address): Promise<CountingProxy> {
  const sockets = new Set<Socket>();
  let roundTrips = 0;
  const proxy = createServer((client) => {
    const server = connect(target);
    let isClientsTurn = true;
    for (const socket of [client, server]) {
      sockets.add(socket.setNoDelay(true));
      socket.on('error', () => {});
    }
    client.on('data', (bytes) => {
      if (isClientsTurn) roundTrips += 1;
      isClientsTurn = false;
      server.write(bytes);
    });
    server.on('data', (bytes) => {
      isClientsTurn = true;
      client.write(bytes);
    });
    client.on('close', () => server.destroy());
    server.on('close', () => client.destroy());
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    address: { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port },
    get roundTrips() {
      return roundTrips;
    },
    close() {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    },
  };
}
