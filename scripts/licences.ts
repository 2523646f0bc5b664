/** The licences that a runtime dependency may have: approved by the OSI, without duties for those who only use it. */
const ALLOWED = new Set([
  '0BSD',
  'Apache-2.0',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'BlueOak-1.0.0',
  'ISC',
  'MIT',
  'PostgreSQL',
  'Unlicense',
]);

/** What `pnpm licenses list --prod --json` prints: packages by the licence they name. */
export type LicenceList = Record<string, readonly { readonly name: string }[]>;

/** @returns one line for each package whose licence is not among the allowed. Of alternatives one must be allowed. */
export function licenceProblems(list: LicenceList): string[] {
  return Object.entries(list)
    .filter(
      ([licence]) =>
        !licence
          .replace(/[()]/g, '')
          .split(/ OR /i)
          .some((each) => ALLOWED.has(each.trim())),
    )
    .flatMap(([licence, packages]) =>
      packages.map(({ name }) => `${name}: ${licence} is not among the allowed licences`),
    );
}
