import type { Workload } from './workload.ts';

/**
 * The query of the original script, word for word. It sorts the whole table for one row: it loads the processor, and
 * that is what made 300 clients visible.
 */
const QUERY = { text: 'SELECT id, name, num_col FROM testdaten ORDER BY RANDOM() LIMIT 1', values: [] };

export const randomRow: Workload = {
  pulse: 'read',
  script: (_client, session) => ({ next: () => ({ kind: 'read', answer: session.read(QUERY) }) }),
};
