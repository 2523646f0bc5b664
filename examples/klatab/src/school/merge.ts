/** What two people have made of the same thing, field by field. */

export type Values = Readonly<Record<string, string>>;

export interface FieldChange {
  readonly field: string;
  readonly before: string;
  readonly theirs: string;
  readonly mine: string;
  /** Both have changed it, and not to the same: somebody has to decide. */
  readonly isConflict: boolean;
}

/**
 * @param before - as it was when the form was opened.
 * @param theirs - as somebody else has saved it since.
 * @param mine - as the form says.
 * @returns what either has changed, and a proposal: my changes on top of theirs.
 */
export function merge(
  before: Values,
  theirs: Values,
  mine: Values,
): { readonly changes: FieldChange[]; readonly proposal: Values } {
  const changes: FieldChange[] = [];
  const proposal: Record<string, string> = {};
  for (const [field, now] of Object.entries(theirs)) {
    const old = before[field] ?? '';
    const own = mine[field] ?? '';
    const theyDid = now !== old;
    const iDid = own !== old;
    proposal[field] = iDid ? own : now;
    if (theyDid || iDid)
      changes.push({
        field,
        before: old,
        theirs: now,
        mine: own,
        isConflict: theyDid && iDid && own !== now,
      });
  }
  return { changes, proposal };
}
