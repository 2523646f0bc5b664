/** For those who run it: is the process alive, is it of use to anybody, and how is it doing. */
import type { SchoolDb } from '@schooldb/client';
import type { FastifyInstance } from 'fastify';
import type { Live } from './live.ts';
import { Metrics } from './metrics.ts';

export function addOperations(app: FastifyInstance, db: SchoolDb, live: Live): void {
  const open = { config: { access: 'everyone' }, logLevel: 'silent' } as const;
  const metrics = new Metrics(db, () => live.streams);
  app.addHook('onResponse', async (_request, reply) => metrics.answered(reply.statusCode));
  app.addHook('onClose', async () => metrics.close());

  app.get('/healthz', open, (_request, reply) => reply.type('text/plain').send('ok\n'));

  /**
   * Ready as long as anything can be read. Without a primary too: whoever took all processes out of service during
   * a failover would show everybody an error page, though reading goes on and saving only has to wait.
   */
  app.get('/readyz', open, async (_request, reply) => {
    // A process that has just begun knows nothing yet.
    if (db.health().state === 'unknown')
      await db.query('SELECT 1', [], { deadlineMs: 2_000 }).catch(() => {});
    const { state, endpoints } = db.health();
    const isReady = state !== 'closed' && (state === 'up' || endpoints.replica?.state === 'up');
    return reply.code(isReady ? 200 : 503).send({
      ready: isReady,
      primary: endpoints.master.state,
      replica: endpoints.replica?.state ?? 'none',
    });
  });

  app.get('/metrics', open, (_request, reply) =>
    reply.type('text/plain; version=0.0.4; charset=utf-8').send(metrics.text()),
  );
}
