import { describe, expect, it } from 'vitest';
import { Dice } from '../dice.ts';
import type { Request, Response } from '../protocol.ts';
import { rowsOf } from '../protocol.ts';
import { SimTime } from '../time.ts';
import { Link } from './link.ts';

function makeLink() {
  const time = new SimTime();
  const dice = new Dice(3);
  const received: Response[] = [];
  const closed: Error[] = [];
  const atServer: string[] = [];
  const client = {
    receive: (each: Response) => received.push(each),
    closed: (error: Error) => closed.push(error),
  };
  const link = new Link(
    time,
    dice,
    client,
    () => dice.between(1, 5),
    () => {},
  );
  link.open(() => ({
    receive: (request: Request) => atServer.push(request.kind === 'script' ? request.text : ''),
    hangUp: (how) => atServer.push(how),
  }));
  const send = (text: string) =>
    link.request([{ kind: 'script', text, from: { endpoint: 'master', toldTimeline: 0 } }]);
  const pass = (ms: number) => time.run(() => false, ms);
  return { link, send, pass, received, closed, atServer };
}

describe('a simulated connection', () => {
  it('never reorders, and delivers what it has swallowed before what comes later', async () => {
    const { link, send, pass, atServer } = makeLink();
    await pass(10);
    link.swallow('toServer');
    for (let each = 0; each < 5; each += 1) send(String(each));
    await pass(20);
    expect(atServer).toEqual([]);
    send('5');
    link.giveBack();
    send('6');
    link.closeByClient();
    await pass(20);
    expect(atServer.slice(0, 7)).toEqual(['0', '1', '2', '3', '4', '5', '6']);
    expect(atServer[7]).toMatch(/fin|reset/);
  });

  it('delivers what was sent before it is cut, and no answer to it', async () => {
    const { link, send, pass, atServer, received, closed } = makeLink();
    await pass(10);
    send('COMMIT');
    link.cut();
    link.send({ kind: 'answer', results: [rowsOf('COMMIT')], error: undefined, status: 'idle' });
    await pass(20);
    expect([atServer, received]).toEqual([['COMMIT', 'fin'], []]);
    expect(closed).toMatchObject([{ code: 'ECONNRESET' }]);
  });

  it('may deliver what was sent long after its client has lost it, and nothing else', async () => {
    const { link, send, pass, atServer, closed } = makeLink();
    await pass(10);
    link.requestLate(
      [{ kind: 'script', text: 'COMMIT', from: { endpoint: 'master', toldTimeline: 0 } }],
      500,
    );
    send('anything');
    link.closeByClient();
    await pass(400);
    expect([atServer, closed]).toEqual([[], []]);
    await pass(200);
    expect(atServer).toEqual(['COMMIT', 'fin']);
  });

  it('is forgotten by a server whose answers nobody acknowledges', async () => {
    const { link, send, pass, atServer, closed } = makeLink();
    await pass(10);
    link.swallow('toClient');
    link.send({ kind: 'answer', results: [], error: undefined, status: 'idle' });
    await pass(11_000);
    expect(atServer).toEqual(['reset']);
    link.giveBack();
    expect(closed).toEqual([]);
    send('anything');
    await pass(20);
    expect(closed).toMatchObject([{ code: 'ECONNRESET' }]);
  });
});
