import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { Events } from './events.ts';

describe('Events', () => {
  it('reaches every listener, also behind one that throws', async () => {
    const events = new Events<{ happened: number }>();
    const seen: number[] = [];
    events.on('happened', () => {
      throw new Error('listener bug');
    });
    const off = events.on('happened', (value) => seen.push(value));
    const warned = once(process, 'warning');
    events.emit('happened', 1);
    off();
    events.emit('happened', 2);
    expect(seen).toEqual([1]);
    expect(String((await warned)[0])).toContain('listener bug');
  });
});
