import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { examineLab } from '../../config/examine.ts';
import { withInstances } from './lab-edit.ts';

const SHIPPED = readFileSync(new URL('../../../lab.yaml', import.meta.url), 'utf8');

function edit(instances: number, text = SHIPPED) {
  const examined = examineLab(text);
  if (!examined.ok) throw new Error('the lab is wrong');
  return withInstances(text, examined.lab, instances);
}

describe('a lab.yaml with another number of instances', () => {
  it('has that number, what it needs of senders and slots, and is the same otherwise', () => {
    const { text, changes } = edit(20);
    expect(changes).toEqual([
      { path: 'cluster.instances', before: 3, after: 20 },
      { path: 'cluster.parameters.max_wal_senders', before: 16, after: 25 },
      { path: 'cluster.parameters.max_replication_slots', before: 16, after: 25 },
    ]);
    const back = text
      .replace('  instances: 20', '  instances: 3')
      .replace('max_wal_senders: 25', 'max_wal_senders: 16')
      .replace('max_replication_slots: 25', 'max_replication_slots: 16');
    expect(back).toBe(SHIPPED);
  });

  it('keeps its senders where there are fewer instances, or enough', () => {
    expect(edit(2).changes).toEqual([{ path: 'cluster.instances', before: 3, after: 2 }]);
    expect(edit(11).changes).toHaveLength(1);
    expect(edit(3)).toEqual({ text: SHIPPED, changes: [] });
  });

  it('may be written in any way', () => {
    const text = SHIPPED.replace('  instances: 3', '  "instances":   3   # three').replace(
      'max_wal_senders: 16',
      'max_wal_senders: 0x10',
    );
    expect(edit(12, text).text).toContain('  "instances":   12   # three');
    expect(edit(12, text).text).toContain('max_wal_senders: 17');
  });
});
