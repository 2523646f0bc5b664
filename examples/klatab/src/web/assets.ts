/** The style sheet and the script, under names that change with their content: browsers may keep them for ever. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';

interface Asset {
  readonly path: string;
  readonly type: string;
  readonly content: Buffer;
}

export const assets = {
  css: load('klatab.css', 'text/css; charset=utf-8'),
  js: load('klatab.js', 'text/javascript; charset=utf-8'),
};

function load(name: string, type: string): Asset {
  const content = readFileSync(new URL(`../../public/${name}`, import.meta.url));
  const hash = createHash('sha256').update(content).digest('hex').slice(0, 12);
  return { path: `/assets/${hash}/${name}`, type, content };
}

export function addAssetRoutes(app: FastifyInstance): void {
  for (const { path, type, content } of Object.values(assets)) {
    app.get(path, { config: { access: 'everyone' } }, (_request, reply) =>
      reply.type(type).header('cache-control', 'public, max-age=31536000, immutable').send(content),
    );
  }
}
