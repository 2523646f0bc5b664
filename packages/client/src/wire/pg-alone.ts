/**
 * What keeps a connection for itself: a cursor (`pg-cursor`) and COPY (`pg-copy-streams`). Both are answered in the
 * middle of what they do, so nothing of anybody else may be under way on the connection.
 */
import type { Connection, QueryResultRow } from 'pg';
import { from, to } from 'pg-copy-streams';
import type { CopyStreamQuery, CopyToStreamQuery } from 'pg-copy-streams';
import Cursor from 'pg-cursor';
import type { WireCopyIn, WireCopyOut, WireCursor } from './wire.ts';

/** What pg is handed instead of a statement. */
export interface Submittable {
  submit(connection: Connection): void;
}

/** The connection, as far as those that are alone on it know it. */
export interface Alone {
  /** Hands over, and resolves when the server is ready for something else: never, if the connection is lost. */
  submit(submittable: Submittable): Promise<void>;
  /** Counts what was asked as unanswered until it is answered; rejects it when the connection is lost. */
  owe<T>(ask: () => Promise<T>): Promise<T>;
  /** Whether nothing follows upon an error, because the connection ends with it. */
  endsWith(error: unknown): boolean;
}

/** @param values - already as they go over the wire. */
export function openCursor(text: string, values: unknown[], alone: Alone): WireCursor {
  const cursor = new Cursor<QueryResultRow>(text, values);
  let ready: Promise<void> | undefined;
  let isOpen = false;
  const open = async () => {
    isOpen = true;
    await alone.submit(cursor);
    isOpen = false;
  };
  return {
    read: (maxRows) =>
      alone.owe(async () => {
        // Opened with the first portion, so that a failure to open it is that portion's.
        ready ??= open();
        try {
          const rows = await cursor.read(maxRows);
          if (rows.length < maxRows) await ready;
          return rows;
        } catch (error) {
          // After an error the server skips to the Sync, which pg-cursor has sent.
          if (!alone.endsWith(error)) await ready;
          throw error;
        }
      }),
    async close() {
      if (!isOpen || ready === undefined) return;
      const opened = ready;
      await alone.owe(() => {
        // What it returns waits for an event that a lost connection does not have.
        void cursor.close();
        return opened;
      });
    },
  };
}

export function openCopyIn(text: string, alone: Alone): WireCopyIn {
  const stream = from(text);
  return { stream, rowCount: copied(stream, alone) };
}

export function openCopyOut(text: string, alone: Alone): WireCopyOut {
  const stream = to(text);
  return { stream, rowCount: copied(stream, alone) };
}

/** @returns the number of rows. */
async function copied(stream: CopyStreamQuery | CopyToStreamQuery, alone: Alone): Promise<number> {
  const failed = new Promise<never>((_, reject) => stream.on('error', reject));
  failed.catch(() => {});
  return alone.owe(async () => {
    const ready = alone.submit(stream);
    try {
      await Promise.race([ready, failed]);
    } catch (error) {
      if (!alone.endsWith(error)) await ready;
      throw error;
    }
    return stream.rowCount;
  });
}
