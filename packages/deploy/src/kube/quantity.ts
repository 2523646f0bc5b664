/** Kubernetes' quantities as the API server writes them (Kubernetes API conventions, "Quantity"). */
const QUANTITY = /^([+-]?[0-9.]+)(?:e([+-]?[0-9]+)|([numkMGTPE]|[KMGTPE]i)?)$/i;

const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** `250m` is 0.25, `512Mi` is 536870912; what is no quantity counts as nothing. */
export function quantityOf(value: unknown): number {
  const match = QUANTITY.exec(
    typeof value === 'number' ? String(value) : typeof value === 'string' ? value : '',
  );
  if (match === null) return 0;
  const [, number = '', exponent, suffix = ''] = match;
  const factor =
    exponent === undefined ? (suffix === '' ? 1 : (FACTORS[suffix] ?? 0)) : 10 ** Number(exponent);
  return Number(number) * factor;
}
