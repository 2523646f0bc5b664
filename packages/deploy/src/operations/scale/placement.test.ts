import { describe, expect, it } from 'vitest';
import type { Member } from '../members.ts';
import type { NodeCapacity } from '../node-capacity.ts';
import { shortageFor } from './placement.ts';

const GIB = 1024 ** 3;
const EACH = { cpu: 0.25, memory: GIB };

function node(name: string, cpu: number, memoryGib: number, isOpen = true): NodeCapacity {
  const free = { cpu, memory: memoryGib * GIB };
  return {
    node: name,
    isReady: true,
    isOpen,
    allocatable: free,
    requested: { cpu: 0, memory: 0 },
    free,
    pods: 0,
  };
}

const on = (...nodes: string[]) => nodes.map((name) => ({ node: name }) as Member);

describe('room for more instances', () => {
  it('is there while each finds a place on one of the emptiest nodes', () => {
    const nodes = [node('a', 4, 4), node('b', 4, 4), node('c', 4, 4)];
    expect(shortageFor(12, EACH, nodes, on('a', 'b', 'c'))).toBeUndefined();
    expect(shortageFor(13, EACH, nodes, on('a', 'b', 'c'))).toEqual({
      what: 'memory',
      node: 'a',
      needed: GIB,
      free: 0,
      placed: 12,
    });
  });

  it('ends at the node that is full first, whatever the others have', () => {
    const nodes = [node('a', 4, 1), node('b', 4, 100)];
    expect(shortageFor(5, EACH, nodes, on('a', 'b'))).toMatchObject({ node: 'a', placed: 3, free: 0 });
  });

  it('may lack CPUs, or nodes at all', () => {
    expect(shortageFor(2, EACH, [node('a', 0.3, 9)], [])).toMatchObject({ what: 'cpu', placed: 1 });
    expect(shortageFor(1, EACH, [node('a', 9, 9, false)], [])).toMatchObject({ what: 'nodes' });
  });
});
