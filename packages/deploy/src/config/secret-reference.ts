/** Where a secret comes from. A lab never holds the value itself. */
export type SecretReference = 'generated' | { readonly file: string } | { readonly environment: string };

/** The authority of the cluster's certificate: made by us, or the operator's own. */
export type AuthorityReference = 'generated' | { readonly certificateFile: string; readonly keyFile: string };

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;

export function isSecretReference(value: unknown): value is SecretReference {
  if (value === 'generated') return true;
  return (
    hasExactly(value, ['file']) || (hasExactly(value, ['environment']) && VARIABLE.test(value.environment))
  );
}

export function isAuthorityReference(value: unknown): value is AuthorityReference {
  return value === 'generated' || hasExactly(value, ['certificateFile', 'keyFile']);
}

/** Whether it is a map of just these keys, each a text of one line: a pasted key is not a path. */
function hasExactly<Key extends string>(value: unknown, keys: readonly Key[]): value is Record<Key, string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const entries = Object.entries(value);
  return (
    entries.length === keys.length &&
    entries.every(
      ([key, text]) =>
        keys.some((known) => known === key) && typeof text === 'string' && /^[^\n]{1,4096}$/.test(text),
    )
  );
}
