/**
 * A form is dealt with once, however often it arrives: a double click, the back button, a page that is sent again by
 * a browser which never saw the answer. Each form carries a key of its own. The key is written in the same transaction as what
 * the form asks for, so that both are there or neither; and the client sees to it that the transaction commits exactly
 * once, also when the primary dies in the middle of its COMMIT.
 */
import type { Session, Transaction } from '@schooldb/client';
import { sql } from 'kysely';
import { firstOf, query } from '../database/query.ts';
import type { Database } from '../database/query.ts';

export interface Submission {
  readonly accountId: number;
  /** A UUID, made with the form. */
  readonly key: string;
}

/**
 * @param work - does what the form asks for and returns the page that shows it. What it throws undoes everything, the
 * key included. It may be run again after a failover.
 * @returns that page, now or from the first time.
 */
export function submitOnce(
  session: Session,
  { accountId, key }: Submission,
  work: (transaction: Transaction) => Promise<string>,
): Promise<string> {
  return session.transaction(
    async (transaction) => {
      // The same form, under way at the same moment, waits here for the end of the first one.
      const claim = query
        .insertInto('submission')
        .values({ account_id: accountId, key, path: '' })
        .onConflict((conflict) => conflict.doNothing())
        .returning('key');
      const own = query.selectFrom('submission').where('account_id', '=', accountId).where('key', '=', key);
      if ((await firstOf(transaction, claim)) === undefined) {
        const earlier = await firstOf(transaction, own.select('path'));
        if (earlier === undefined) throw new Error('a submission was there and is gone');
        return earlier.path;
      }
      const path = await work(transaction);
      const keep = query
        .updateTable('submission')
        .set({ path })
        .where('account_id', '=', accountId)
        .where('key', '=', key);
      await firstOf(transaction, keep);
      return path;
    },
    { exactlyOnce: true, name: 'submission' },
  );
}

/** Nobody sends a form again after a week. */
export async function forgetOldSubmissions(database: Database): Promise<void> {
  const old = query.deleteFrom('submission').where('at', '<', sql<Date>`now() - interval '7 days'`);
  await firstOf(database, old);
}
