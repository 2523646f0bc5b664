import { describeError } from '../drivers/pg-failure.ts';
import { PlainConnection } from '../drivers/plain-connection.ts';
import type { Target } from '../drivers/target.ts';
import { observing } from './bed.ts';
import { TargetError } from './target-error.ts';

/** @throws TargetError naming the address and the reason. */
export async function openMaster(target: Target): Promise<PlainConnection> {
  try {
    return await PlainConnection.open(observing(target));
  } catch (error) {
    throw new TargetError(`cannot reach ${whereIs(target)} as ${target.user}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

export function whereIs({ master, database }: Target): string {
  return `${database} at ${master.host}:${master.port}`;
}

export function reasonOf(error: unknown): string {
  const { code, message } = describeError(error);
  return message.includes(code) || code === 'OTHER' ? message : `${message} (${code})`;
}
