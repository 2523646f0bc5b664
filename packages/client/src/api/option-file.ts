import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { InvalidOptionsError } from '../errors/option-errors.ts';
import { codeOf } from '../policy/classify.ts';
import { checkText } from './option-checks.ts';
import type { Given } from './option-source.ts';

/**
 * A file that an option names. Errors tell neither its path nor what holds that: the text may be a secret, in the
 * wrong variable.
 */
export class OptionFile {
  readonly name: string;
  readonly #path: string;

  constructor({ name, value }: Given) {
    this.name = name;
    this.#path = checkText(name, value);
  }

  /** @throws InvalidOptionsError */
  readNow(): string {
    try {
      return readFileSync(this.#path, 'utf8');
    } catch (error) {
      throw this.refuse(`can't be read (${codeOf(error)})`);
    }
  }

  /** As it is by now; empty where it can't be read. */
  readAgain(): Promise<string> {
    return readFile(this.#path, 'utf8').catch(() => '');
  }

  refuse(what: string): InvalidOptionsError {
    return new InvalidOptionsError(`${this.name} names a file that ${what}`);
  }
}
