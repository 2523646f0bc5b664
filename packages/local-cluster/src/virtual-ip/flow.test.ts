import { describe, expect, it } from 'vitest';
import { waitFor } from '../process/wait.ts';
import { PairEnd } from './end.ts';
import { CLEAR, Flow, type Conditions } from './flow.ts';

/** A sender and a receiver with a flow between them; the receiver notes what arrives, and when. */
function makeFlow(conditions: Partial<Conditions> = {}) {
  const [sender, source] = PairEnd.connected();
  const [sink, receiver] = PairEnd.connected();
  const flow = new Flow(source, sink, { ...CLEAR, ...conditions });
  const arrived: { bytes: Buffer; at: number }[] = [];
  const state = { ended: false, senderEnded: false };
  receiver.on('data', (bytes: Buffer) => arrived.push({ bytes, at: performance.now() }));
  receiver.on('end', () => (state.ended = true));
  sender.on('end', () => (state.senderEnded = true)).resume();
  return {
    flow,
    sender,
    source,
    receiver,
    arrived,
    state,
    all: () => Buffer.concat(arrived.map(({ bytes }) => bytes)),
  };
}

async function until(condition: () => boolean): Promise<void> {
  expect(await waitFor(condition, { timeoutMs: 10_000, everyMs: 2 })).toBe(true);
}

const TEXT = Buffer.from('abcdefghijklmnopqrstuvwxyz');

describe('Flow', () => {
  it('passes bytes, and the end after them', async () => {
    const { sender, receiver, all, state } = makeFlow();
    sender.end(TEXT);
    await until(() => state.ended);
    expect(all()).toEqual(TEXT);
    expect(receiver.wasReset()).toBe(false);
  });

  it('passes a reset after what was written before', async () => {
    const { sender, receiver, all, state } = makeFlow();
    sender.write(TEXT, () => sender.reset());
    await until(() => state.ended);
    expect(all()).toEqual(TEXT);
    expect(receiver.wasReset()).toBe(true);
  });

  it('notices what ended before it began', async () => {
    const [sender, source] = PairEnd.connected();
    const [sink, receiver] = PairEnd.connected();
    sender.end();
    source.resume();
    await until(() => source.readableEnded);
    new Flow(source, sink, CLEAR).setConditions(CLEAR);
    receiver.resume();
    await until(() => receiver.readableEnded);
  });

  describe('with a bandwidth', () => {
    it('lets no more through than that, from the first byte on', async () => {
      const { sender, arrived, state, all } = makeFlow({ bytesPerSecond: 1_000 });
      const began = performance.now();
      sender.end(Buffer.alloc(300, 7));
      await until(() => state.ended);
      expect(all()).toHaveLength(300);
      let passed = 0;
      for (const { bytes, at } of arrived) {
        passed += bytes.length;
        // A timer may be early by its resolution.
        expect(passed).toBeLessThanOrEqual((at - began) * 1 + 2);
      }
    });

    it('lets what waits arrive at once when it is lifted', async () => {
      const { flow, sender, state, all } = makeFlow({ bytesPerSecond: 1 });
      sender.end(TEXT);
      await until(() => sender.writableFinished);
      expect(all().length).toBeLessThan(2);
      flow.setConditions(CLEAR);
      await until(() => state.ended);
      expect(all()).toEqual(TEXT);
    });

    it('does not make up for the time in a black hole', async () => {
      const { flow, sender, state, all } = makeFlow({ bytesPerSecond: 2_000, held: true });
      sender.end(Buffer.alloc(400));
      const held = performance.now();
      await until(() => performance.now() - held > 300);
      const released = performance.now();
      flow.setConditions({ ...CLEAR, bytesPerSecond: 2_000 });
      await until(() => state.ended);
      expect(all()).toHaveLength(400);
      expect(performance.now() - released).toBeGreaterThan(195);
    });

    it('waits with the reading once enough is under way', async () => {
      const { sender } = makeFlow({ bytesPerSecond: 1 });
      let written = 0;
      for (let count = 0; count < 200; count += 1) sender.write(Buffer.alloc(65_536), () => (written += 1));
      await until(() => written > 15);
      await new Promise((resolve) => setImmediate(resolve));
      expect(written).toBeLessThan(25);
    });
  });

  describe('in slices', () => {
    it('hands over pieces of that size, in order, with pauses between them', async () => {
      const { sender, arrived, state, all } = makeFlow({ sliceBytes: 10, pauseMs: 20 });
      sender.end(TEXT);
      await until(() => state.ended);
      expect(arrived.map(({ bytes }) => bytes.length)).toEqual([10, 10, 6]);
      expect(all()).toEqual(TEXT);
      expect((arrived[2]?.at ?? 0) - (arrived[0]?.at ?? 0)).toBeGreaterThan(35);
    });

    it('comes late and in slices with a latency as well', async () => {
      const { sender, arrived, state, all } = makeFlow({ sliceBytes: 13, latencyMs: 50 });
      const began = performance.now();
      sender.end(TEXT);
      await until(() => state.ended);
      expect(arrived.map(({ bytes }) => bytes.length)).toEqual([13, 13]);
      expect((arrived[0]?.at ?? 0) - began).toBeGreaterThan(48);
      expect(all()).toEqual(TEXT);
    });
  });

  describe('with a limit', () => {
    it('lets so many bytes pass and ends the connection in both directions, in order', async () => {
      const { sender, receiver, state, all } = makeFlow({ limitBytes: 10 });
      sender.write(TEXT.subarray(0, 4));
      sender.write(TEXT.subarray(4));
      await until(() => state.ended && state.senderEnded);
      expect(all()).toEqual(TEXT.subarray(0, 10));
      expect(receiver.wasReset()).toBe(false);
      expect(sender.wasReset()).toBe(false);
    });

    it('closes when exactly so many have passed', async () => {
      const { sender, state, all } = makeFlow({ limitBytes: TEXT.length });
      sender.write(TEXT);
      await until(() => state.ended && state.senderEnded);
      expect(all()).toEqual(TEXT);
    });

    it('lets nothing pass with 0', async () => {
      const { sender, state, all } = makeFlow({ limitBytes: 0 });
      sender.write('x');
      await until(() => state.ended);
      expect(all()).toHaveLength(0);
    });

    it('counts from the moment it begins', async () => {
      const { flow, sender, state, all } = makeFlow();
      sender.write(TEXT);
      await until(() => all().length === TEXT.length);
      flow.setConditions({ ...CLEAR, limitBytes: 5 });
      sender.write(TEXT);
      await until(() => state.ended);
      expect(all()).toHaveLength(TEXT.length + 5);
    });

    it('is not reached while a black hole holds', async () => {
      const { flow, sender, state, all } = makeFlow({ limitBytes: 5, held: true });
      sender.write(TEXT);
      await until(() => sender.writableLength === 0);
      expect(state.ended).toBe(false);
      flow.setConditions({ ...CLEAR, limitBytes: 5 });
      await until(() => state.ended);
      expect(all()).toHaveLength(5);
    });
  });

  describe('when it is finished', () => {
    it('hands over what came before and forgets what comes after', async () => {
      const { flow, sender, source, receiver, state, all } = makeFlow({ latencyMs: 20 });
      sender.write('before');
      await until(() => source.readableFlowing === true && source.readableLength === 0);
      flow.finish('reset');
      sender.write('after');
      await until(() => state.ended);
      expect(all().toString()).toBe('before');
      expect(receiver.wasReset()).toBe(true);
    });

    it('resets only when everything before is with the receiver', async () => {
      const { flow, sender, source, receiver } = makeFlow();
      receiver.pause();
      // More than the pair holds, so that some of it waits in the sink.
      for (let count = 0; count < 6; count += 1) sender.write(Buffer.alloc(16_384));
      await until(() => sender.writableLength === 0 && source.readableLength === 0);
      flow.finish('reset');
      let received = 0;
      receiver.removeAllListeners('data').on('data', (bytes: Buffer) => (received += bytes.length));
      receiver.resume();
      await until(() => receiver.readableEnded);
      expect(received).toBe(6 * 16_384);
      expect(receiver.wasReset()).toBe(true);
    });

    it('says nothing more with silence, and goes on reading', async () => {
      const { flow, sender, state, all } = makeFlow();
      flow.finish('silence');
      let written = 0;
      for (let count = 0; count < 50; count += 1) sender.write(Buffer.alloc(65_536), () => (written += 1));
      sender.end();
      await until(() => written === 50);
      expect(state.ended).toBe(false);
      expect(all()).toHaveLength(0);
    });
  });
});
