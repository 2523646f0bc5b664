import { describe, expect, it } from 'vitest';
import { answer } from '../../test/support/fake-client.ts';
import { FakeServer, result, sqlError } from '../../test/support/fake-server.ts';
import { VirtualClock, settle } from '../../test/support/virtual-clock.ts';
import { Topology } from '../policy/topology.ts';
import { ResponsiveClock } from '../runtime/responsive-clock.ts';
import { Connector, MAX_PROBES } from './connect.ts';

const ADDRESS = { host: 'db', port: 5432 };
const DEMAND = { isWanted: () => true, onFailed: () => {}, onRoom: () => {} };

function makeConnector(maxSockets: number, password: () => string | Promise<string> = () => '') {
  const clock = new VirtualClock();
  const server = new FakeServer();
  answer(server, () => result('SELECT'));
  const connector = new Connector(
    'master',
    [ADDRESS],
    maxSockets,
    {
      database: 'school',
      user: 'app',
      password,
      tls: false,
      applicationName: 'test',
      connectSilenceMs: 1_000,
      idleInTransactionMs: 60_000,
    },
    {
      clock,
      topology: new Topology(),
      openWire: () => server.open(),
      responsive: new ResponsiveClock(clock),
      onNews: () => {},
      onRival: () => {},
    },
  );
  return { clock, server, connector };
}

/** Behind each address a server in this role. */
function makeListConnector(roles: Record<string, 'primary' | 'standby'>) {
  const clock = new VirtualClock();
  const openAt: string[] = [];
  const servers = new Map(
    Object.entries(roles).map(([host, role]) => {
      const server = new FakeServer({ server: host, role, timeline: role === 'primary' ? 1 : null });
      answer(server, () => result('SELECT'));
      return [host, server];
    }),
  );
  const connector = new Connector(
    'master',
    Object.keys(roles).map((host) => ({ host, port: 5432 })),
    5,
    {
      database: 'school',
      user: 'app',
      password: () => '',
      tls: false,
      applicationName: 'test',
      connectSilenceMs: 1_000,
      idleInTransactionMs: 60_000,
    },
    {
      clock,
      topology: new Topology(),
      openWire: ({ host }) => {
        openAt.push(host);
        return servers.get(host)!.open();
      },
      responsive: new ResponsiveClock(clock),
      onNews: () => {},
      onRival: () => {},
    },
  );
  return { openAt, connector };
}

describe('Connector', () => {
  it('counts a socket from the moment in which it is asked for until it is gone', async () => {
    const { connector } = makeConnector(1);
    const connecting = connector.connect(DEMAND);
    expect(connector.hasRoom).toBe(false);
    const { wire } = await connecting;
    expect(connector.hasRoom).toBe(false);
    wire.destroy(new Error('enough'));
    expect(connector.hasRoom).toBe(true);
  });

  it('counts no socket that was refused', async () => {
    const { server, connector } = makeConnector(1);
    server.refusal = sqlError('ECONNREFUSED');
    await expect(connector.connect(DEMAND)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(connector.hasRoom).toBe(true);
  });

  it('hedges no further than there is room', async () => {
    const { clock, server, connector } = makeConnector(2);
    server.frozen = true;
    const connecting = connector.connect(DEMAND).catch(() => {});
    await clock.advance(900);
    expect(server.connects).toBe(2);
    void connector.close(new Error('enough'));
    await connecting;
  });

  it('has no more probes open than it may', async () => {
    const { connector } = makeConnector(1);
    const open = await Promise.all(Array.from({ length: MAX_PROBES }, () => connector.probe([ADDRESS])));
    await expect(connector.probe([ADDRESS])).rejects.toThrow('probes are open already');
    open[0]!.wire.destroy(new Error('enough'));
    await connector.probe([ADDRESS]);
  });

  it('closes what probes have open when it is closed, and waits for the end of it', async () => {
    const { connector } = makeConnector(1);
    const { wire } = await connector.probe([ADDRESS]);
    const goodbye = Promise.withResolvers<void>();
    wire.end = () => goodbye.promise;
    let isClosed = false;
    const closing = connector.close(new Error('the client was closed')).then(() => (isClosed = true));
    await settle();
    expect(isClosed).toBe(false);
    goodbye.resolve();
    await closing;
  });

  it('does not wait for a password when it is closed', async () => {
    const { connector } = makeConnector(1, () => new Promise(() => {}));
    const connecting = connector.connect(DEMAND);
    const reason = new Error('the client was closed');
    void connector.close(reason);
    await expect(connecting).rejects.toBe(reason);
  });

  it('gives up what is under way when it is closed, and begins nothing after that', async () => {
    const { server, connector } = makeConnector(5);
    server.frozen = true;
    const connecting = connector.connect(DEMAND);
    await settle();
    const reason = new Error('the client was closed');
    void connector.close(reason);
    await expect(connecting).rejects.toMatchObject({
      message: expect.stringContaining(reason.message) as string,
    });
    await expect(connector.connect(DEMAND)).rejects.toBe(reason);
    expect(server.connects).toBe(1);
  });
});

describe('an endpoint with several addresses', () => {
  it('finds the one that leads to the right server, and begins with it the next time', async () => {
    const { openAt, connector } = makeListConnector({ a: 'standby', b: 'primary' });
    await connector.connect(DEMAND);
    await connector.connect(DEMAND);
    expect(openAt).toEqual(['a', 'b', 'b']);
  });

  it('fails when all of them do', async () => {
    const { openAt, connector } = makeListConnector({ a: 'standby', b: 'standby' });
    await expect(connector.connect(DEMAND)).rejects.toMatchObject({ code: 'SCHOOLDB_UNSUITABLE_SERVER' });
    expect(openAt).toEqual(['a', 'b']);
  });
});
