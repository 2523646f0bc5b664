import { describe, expect, it } from 'vitest';
import { ServerLog, connectsOf } from './server-log.ts';

const APP = 'schooldb-loadgen';

function log(...lines: string[]): ServerLog {
  const log = new ServerLog();
  log.add(`${lines.join('\n')}\n`);
  return log;
}

const received = (at: string, pid: number) =>
  `${at}|${pid}|00000||LOG:  connection received: host=127.0.0.1 port=5`;
const authorized = (at: string, pid: number, app = APP) =>
  `${at}|${pid}|00000|[unknown]|LOG:  connection authorized: user=bauer database=firmendaten application_name=${app} SSL enabled (protocol=TLSv1.3, cipher=X, bits=256)`;
const ended = (at: string, pid: number) =>
  `${at}|${pid}|00000|${APP}|LOG:  disconnection: session time: 0:00:01 user=bauer`;

describe('ServerLog', () => {
  it('reads when a connection came, was let in and ended, and whose it was', () => {
    const { connections } = log(received('10.000', 7), authorized('10.020', 7), ended('11.500', 7));
    expect(connections).toEqual([
      { application: APP, receivedAt: 10_000, authorizedAt: 10_020, endedAt: 11_500 },
    ]);
  });

  it('reads on where a line was cut', () => {
    const whole = `${received('10.000', 7)}\n${authorized('10.020', 7)}\n`;
    const pieces = new ServerLog();
    for (const character of whole) pieces.add(character);
    expect(pieces.connections).toHaveLength(1);
  });

  it('ends what a dead server left open when it starts again', () => {
    const { connections } = log(
      received('10.000', 7),
      authorized('10.020', 7),
      '20.000|9|00000||LOG:  starting PostgreSQL 16.14',
    );
    expect(connections[0]?.endedAt).toBe(20_000);
  });

  it('finds refusals by their SQLSTATE and statements by their application', () => {
    const { refusals, statements } = log(
      '10.000|7|53300||FATAL:  sorry, too many clients already',
      `10.100|8|00000|${APP}|LOG:  statement: select 1`,
      'select 2 in a second line',
      `10.200|8|00000|${APP}|LOG:  execute q1: select $1`,
      `10.300|8|00000|${APP}|LOG:  duration: 3 ms`,
    );
    expect(refusals).toEqual([10_000]);
    expect(statements.map(({ at }) => at)).toEqual([10_100, 10_200]);
  });
});

describe('connectsOf', () => {
  const { connections } = log(
    received('10.000', 1),
    received('10.010', 2),
    authorized('10.020', 1),
    received('10.025', 4),
    authorized('10.030', 2),
    authorized('10.035', 4, 'somebody else'),
    ended('10.500', 1),
    received('10.999', 3),
    authorized('11.030', 3),
  );

  it('counts one application within a window', () => {
    expect(connectsOf(connections, APP, 10_000, 12_000)).toEqual({
      total: 3,
      mostAtATime: 2,
      mostPerSecond: 2,
      mostOpen: 2,
    });
  });

  it('counts as open what was opened before the window, and nothing that came after it', () => {
    expect(connectsOf(connections, APP, 10_100, 10_200)).toMatchObject({ total: 0, mostOpen: 2 });
    expect(connectsOf(connections, APP, 10_600, 10_700)).toMatchObject({ total: 0, mostOpen: 1 });
  });
});
