import type { Socket } from 'node:net';
import type { Writable } from 'node:stream';

/**
 * Closes a connection with an RST, at once. `writer` is the stream that ends the socket where that is not
 * the socket itself: TLS shuts the connection down past it.
 *
 * While a FIN is under way libuv refuses to reset (EINVAL), and `socket.resetAndDestroy()` then leaves
 * the handle open for good: the process spins for ever when it should end (seen on Node 26.10). There
 * the connection is closed without a reset: its end is on the way already.
 */
export function resetSocket(socket: Socket, writer: Writable = socket): void {
  if (socket.destroyed) return;
  const finUnderWay = writer.writableEnded && !writer.writableFinished;
  if (finUnderWay || socket.connecting) socket.destroy();
  else socket.resetAndDestroy();
}
