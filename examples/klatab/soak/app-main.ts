/**
 * The app as a process of its own, so that its memory is nobody else's. Its parent sends where the cluster is and gets an
 * address; whatever it sends after that asks for a garbage collection. Without its parent it ends.
 */
import { once } from 'node:events';
import { addressOf, connect, listen } from '../crowd/serve.ts';
import type { ClusterAddress } from '../crowd/serve.ts';

// Ctrl-C in a terminal reaches both: the parent decides.
process.on('SIGINT', () => {});
const leftAlone = once(process, 'disconnect');
const [cluster] = (await once(process, 'message')) as [ClusterAddress];
const db = connect(cluster);
const app = await listen(db);
process.on('message', () => {
  globalThis.gc?.();
  process.send?.('collected');
});
process.send?.(addressOf(app));
await leftAlone;
await app.close();
await db.close();
