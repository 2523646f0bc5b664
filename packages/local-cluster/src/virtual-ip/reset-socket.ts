import type { Socket } from 'node:net';

/**
 * Closes a connection with an RST, at once.
 *
 * While a FIN is under way libuv refuses to reset (EINVAL), and `socket.resetAndDestroy()` then leaves
 * the handle open for good: the process spins for ever when it should end (seen on Node 26.10). There
 * the connection is closed without a reset: its end is on the way already.
 */
export function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  const finUnderWay = socket.writableEnded && !socket.writableFinished;
  if (finUnderWay || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
