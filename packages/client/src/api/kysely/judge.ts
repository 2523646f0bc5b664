import type { CompiledQuery } from 'kysely';
import type { IsSafeFunction } from '../../router/safe-functions.ts';
import type { KnownStatement, KyselyAccess } from './access.ts';
import type { judgeTree } from './judge-tree.ts';

const PLAIN = { sessionState: false, atomic: true, statements: 1, transactionControl: undefined };

/** Tells what a compiled query does: by its tree where that is clear, else by its text, and then both must agree. */
export class Judge {
  readonly #access: Pick<KyselyAccess, 'safeFunctions' | 'traits' | 'wasRefused'>;
  #loading: Promise<void> | undefined;
  #judgeTree: typeof judgeTree | undefined;
  #isSafe: IsSafeFunction = () => false;

  constructor(access: Pick<KyselyAccess, 'safeFunctions' | 'traits' | 'wasRefused'>) {
    this.#access = access;
  }

  /** Loaded when the first query is run: the names of some thousand functions are among it. */
  load(): Promise<void> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  async #load(): Promise<void> {
    const [tree, functions] = await Promise.all([
      import('./judge-tree.ts'),
      import('../../router/safe-functions.ts'),
    ]);
    this.#isSafe = functions.safeFunctions(this.#access.safeFunctions);
    this.#judgeTree = tree.judgeTree;
  }

  async judge({ query, sql }: CompiledQuery): Promise<KnownStatement> {
    await this.load();
    const { hasEffect = false, isClear = false } = this.#judgeTree?.(query, this.#isSafe) ?? {};
    if (isClear) return { ...PLAIN, readOnly: !hasEffect && !this.#access.wasRefused(sql) };
    const traits = await this.#access.traits(sql);
    return { ...traits, readOnly: traits.readOnly && !hasEffect };
  }
}
