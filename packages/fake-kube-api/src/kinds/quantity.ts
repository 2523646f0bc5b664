/** Suffixes with their value in billionths, the smallest part that a quantity can hold. */
const DECIMAL: readonly (readonly [string, bigint])[] = [
  ['E', 10n ** 27n],
  ['P', 10n ** 24n],
  ['T', 10n ** 21n],
  ['G', 10n ** 18n],
  ['M', 10n ** 15n],
  ['k', 10n ** 12n],
  ['', 10n ** 9n],
  ['m', 10n ** 6n],
  ['u', 10n ** 3n],
  ['n', 1n],
];
const BINARY: readonly (readonly [string, bigint])[] = ['Ei', 'Pi', 'Ti', 'Gi', 'Mi', 'Ki'].map(
  (suffix, index) => [suffix, 1024n ** BigInt(6 - index) * 10n ** 9n],
);
const FORM = /^([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d+)|([KMGTPE]i|[numkMGTPE])?)$/;

/**
 * The form in which the server stores a quantity: the largest suffix that needs no fraction (`1000m` is `1`,
 * `1024Mi` is `1Gi`, `0.5` is `500m`); undefined if it is none.
 */
export function canonicalQuantity(value: string | number): string | undefined {
  const match = FORM.exec(String(value));
  const [, sign = '', whole = '', fraction = '', exponent, suffix = ''] = match ?? [];
  if (match === null || whole + fraction === '') return undefined;
  const unit = [...DECIMAL, ...BINARY].find(([name]) => name === suffix)?.[1] ?? 10n ** 9n;
  const power = Number(exponent ?? 0) - fraction.length;
  const digits = BigInt(whole + fraction) * unit;
  const billionths = power >= 0 ? digits * 10n ** BigInt(power) : divideUp(digits, 10n ** BigInt(-power));
  if (billionths === 0n) return '0';
  const units =
    suffix.endsWith('i') && billionths >= 1024n * 10n ** 9n && billionths % 10n ** 9n === 0n
      ? [...BINARY, ['', 10n ** 9n] as const]
      : DECIMAL;
  const [name, size] = units.find(([, size]) => billionths % size === 0n) ?? ['n', 1n];
  return `${sign === '-' ? '-' : ''}${billionths / size}${name}`;
}

function divideUp(value: bigint, by: bigint): bigint {
  return (value + by - 1n) / by;
}
