import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import type { Address } from '@schooldb/local-cluster';

/** A way to a server that can break on the client's side alone. */
export interface CuttingProxy {
  readonly address: Address;
  /** Resets the connections that exist, and tells the server nothing. New ones pass. */
  cutClients(): void;
  /** Passes nothing any more on the connections that exist, and tells nobody. New ones pass. */
  forget(): void;
  close(): void;
}

export async function startCuttingProxy(target: Address): Promise<CuttingProxy> {
  const pairs = new Set<{ client: Socket; server: Socket; cut: boolean }>();
  const proxy = createServer((client) => {
    const server = connect(target);
    const pair = { client, server, cut: false };
    pairs.add(pair);
    const pass = (from: Socket, to: Socket) => {
      from.on('data', (bytes) => pair.cut || to.write(bytes));
      from.on('close', () => pair.cut || to.destroy());
      from.on('error', () => {});
    };
    pass(client, server);
    pass(server, client);
  });
  await once(proxy.listen(0, '127.0.0.1'), 'listening');
  return {
    address: { host: '127.0.0.1', port: (proxy.address() as AddressInfo).port },
    cutClients() {
      for (const pair of pairs) {
        pair.cut = true;
        pair.client.resetAndDestroy();
      }
    },
    forget() {
      for (const pair of pairs) pair.cut = true;
    },
    close() {
      for (const { client, server } of pairs) for (const socket of [client, server]) socket.destroy();
      proxy.close();
    },
  };
}
