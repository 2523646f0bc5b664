import { RecentTexts } from './recent-texts.ts';
import type { IsSafeFunction } from './safe-functions.ts';
import { safeFunctions } from './safe-functions.ts';
import type { ParseSql } from './sql-parser.ts';
import { loadSqlParser, MAX_PARSED_LENGTH, SqlNotParsedError } from './sql-parser.ts';
import type { StatementTraits } from './statement-traits.ts';
import { pessimisticTraits, traitsOf } from './statement-traits.ts';

export type { StatementTraits } from './statement-traits.ts';

export interface StatementParserOptions {
  /** Functions (lower case, optionally schema-qualified, as they are called) that the app vouches for. @defaultValue [] */
  readonly safeFunctions?: readonly string[];
  /** Texts remembered, at most; all together no more than 4 million characters. Integer, 0 or more. @defaultValue 1000 */
  readonly cacheSize?: number;
}

export const STATEMENT_PARSER_DEFAULTS = {
  safeFunctions: [],
  cacheSize: 1_000,
} satisfies Required<StatementParserOptions>;

/**
 * Tells the traits of texts, and remembers them. PostgreSQL's parser is loaded with the first text; where that fails
 * every text has pessimistic traits, which is slower (all of it goes to the master) and never wrong.
 */
export class StatementParser {
  readonly #isSafe: IsSafeFunction;
  readonly #traits: RecentTexts<StatementTraits>;
  readonly #writes: RecentTexts<true>;
  readonly #load: () => Promise<ParseSql>;
  #parse: Promise<ParseSql> | undefined;

  /** `load` is there for tests. */
  constructor(options: StatementParserOptions = {}, load: () => Promise<ParseSql> = loadSqlParser) {
    const { safeFunctions: vouchedFor, cacheSize } = { ...STATEMENT_PARSER_DEFAULTS, ...options };
    this.#isSafe = safeFunctions(vouchedFor);
    this.#traits = new RecentTexts(cacheSize);
    this.#writes = new RecentTexts(cacheSize);
    this.#load = load;
  }

  /**
   * Never rejects: a text that the parser refuses has pessimistic traits (not readOnly), with the reason; so has one
   * that is longer than {@link MAX_PARSED_LENGTH}, and every text when the parser cannot be loaded.
   */
  async traits(text: string): Promise<StatementTraits> {
    const known = this.known(text);
    if (known !== undefined) return known;
    // Not worth the memory, and known to be too long before anything is loaded.
    if (text.length > MAX_PARSED_LENGTH)
      return pessimisticTraits(text, `has more than ${MAX_PARSED_LENGTH} characters`);
    const traits = await this.#understand(text);
    const settled = this.#writes.get(text) === undefined ? traits : refused(traits);
    this.#traits.set(text, settled);
    return settled;
  }

  /** The traits if they are known already (no waiting): for hot paths. */
  known(text: string): StatementTraits | undefined {
    return this.#traits.get(text);
  }

  /** A standby refused the text with 25006: from now on it is not readOnly. */
  learnWrite(text: string): void {
    this.#writes.set(text, true);
    const traits = this.#traits.get(text);
    if (traits !== undefined) this.#traits.set(text, refused(traits));
  }

  /** Whether {@link learnWrite} was told of the text. */
  wasRefused(text: string): boolean {
    return this.#writes.get(text) === true;
  }

  async #understand(text: string): Promise<StatementTraits> {
    try {
      this.#parse ??= this.#load();
      const parse = await this.#parse;
      return traitsOf(parse(text), this.#isSafe);
    } catch (error) {
      return pessimisticTraits(text, reasonOf(error));
    }
  }
}

function refused(traits: StatementTraits): StatementTraits {
  return { ...traits, readOnly: false, reason: traits.reason ?? 'was refused by a standby (25006)' };
}

function reasonOf(error: unknown): string {
  if (error instanceof SqlNotParsedError) return error.message;
  return `is not parsed, since the parser cannot be used: ${error instanceof Error ? error.message : String(error)}`;
}
