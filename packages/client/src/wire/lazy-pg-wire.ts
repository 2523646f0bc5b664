import type { OpenWire, PendingWire, WireTarget } from './wire.ts';

let loaded: OpenWire | undefined;

/**
 * The wire on top of `pg`, which is loaded with the first connection: it takes as long as all the rest of this
 * package, and an app that starts need not wait for it.
 */
export function openLazyPgWire(target: WireTarget): PendingWire {
  if (loaded !== undefined) return loaded(target);
  let pending: PendingWire | undefined;
  let abandoned: Error | undefined;
  const ready = import('./pg-wire.ts').then(({ openPgWire }) => {
    loaded = openPgWire;
    if (abandoned !== undefined) throw abandoned;
    pending = openPgWire(target);
    return pending.ready;
  });
  return {
    ready,
    get bytesRead() {
      return pending?.bytesRead ?? 0;
    },
    abandon(reason) {
      abandoned = reason;
      pending?.abandon(reason);
    },
  };
}
