/** STUB for compiling until the parser branch is merged. */
export interface StatementTraits {
  readonly readOnly: boolean;
  readonly sessionState: boolean;
  readonly transactional: boolean;
}
export class StatementParser {
  constructor(_options?: { safeFunctions?: readonly string[] }) {}
  async traits(text: string): Promise<StatementTraits> {
    return { readOnly: /^select/i.test(text), sessionState: false, transactional: true };
  }
  learnWrite(_text: string): void {}
}
