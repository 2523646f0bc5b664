import type { Transaction } from '@schooldb/client';
import type { z } from 'zod';
import type { Database } from '../database/query.ts';
import type { Role } from '../database/schema.ts';
import type { Account } from '../school/accounts.ts';
import type { Values } from '../school/merge.ts';
import type { FormState, Option } from './form.ts';
import type { Html } from './html.ts';

/** What is entered, changed and deleted by forms: `editing.ts` does that for all of them alike. */
export interface Resource<Item extends Versioned, Parsed> {
  /** Where its list is; single ones are below. */
  readonly path: string;
  readonly editors: readonly Role[];
  readonly words: {
    /** `Termin eintragen` */
    readonly add: string;
    readonly change: string;
    readonly remove: string;
    /** `Der Termin` */
    readonly it: string;
  };
  /** The fields of its form, with what they are called. */
  readonly labels: Values;
  readonly schema: z.ZodType<Parsed>;

  /** @throws NotFoundError, also where it is not for the account to see. */
  find(database: Database, account: Account, id: number): Promise<Item>;
  /** Whether an account of one of the roles that edit may change this one. */
  mayEdit(account: Account, item: Item): boolean;
  /** @throws FieldError */
  add(transaction: Transaction, account: Account, values: Parsed): Promise<number>;
  /** @throws FieldError, VersionConflictError */
  change(transaction: Transaction, account: Account, base: Versioned, values: Parsed): Promise<void>;
  /** @throws VersionConflictError */
  remove(transaction: Transaction, base: Versioned): Promise<void>;

  /** What its form shows for one. */
  valuesOf(item: Item): Values;
  /** @param values - what the form shows. */
  choices(database: Database, account: Account, values: Values): Promise<Choices>;
  fields(state: FormState, choices: Choices): Html;
}

export interface Versioned {
  readonly id: number;
  readonly version: number;
}

/** What the choice fields of a form offer, by field. */
export type Choices = Readonly<Record<string, readonly Option[]>>;

/** What people read for the value of a field. */
export function spoken(field: string, value: string, choices: Choices): string {
  return choices[field]?.find((option) => option.value === value)?.name ?? value;
}
