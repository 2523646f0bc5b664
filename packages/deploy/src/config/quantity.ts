/** Kubernetes quantities, as far as the operator's own schema accepts them. */

const MEMORY = /^([0-9]+)([KMGTPE]i?)?$/;
const CPU = /^(?:([0-9]+)m|([0-9]+(?:\.[0-9]{1,3})?))$/;
const LETTERS = 'KMGTPE';

/** `512Mi` in bytes. */
export function parseMemory(text: string): number | undefined {
  const match = MEMORY.exec(text);
  if (match === null) return undefined;
  const [, digits = '', unit = ''] = match;
  const power = LETTERS.indexOf(unit.charAt(0)) + 1;
  return Number(digits) * (unit.endsWith('i') ? 1024 : 1000) ** (unit === '' ? 0 : power);
}

/** `250m` or `1.5` in thousandths of a CPU. */
export function parseCpu(text: string): number | undefined {
  const match = CPU.exec(text);
  if (match === null) return undefined;
  const [, thousandths, whole] = match;
  return thousandths === undefined ? Math.round(Number(whole) * 1000) : Number(thousandths);
}

/** For reading: `1.5 GiB`, `512 MiB`. */
export function memoryText(bytes: number): string {
  const mebibytes = bytes / 1024 ** 2;
  return mebibytes >= 1024 ? `${trim(mebibytes / 1024)} GiB` : `${trim(mebibytes)} MiB`;
}

function trim(value: number): string {
  return String(Math.round(value * 10) / 10);
}
