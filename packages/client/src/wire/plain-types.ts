import type { CustomTypesConfig } from 'pg';

const BOOL = 16;
/** int2, int4, oid, float4, float8. */
const NUMBERS: ReadonlySet<number> = new Set([21, 23, 26, 700, 701]);

/**
 * How answers to questions of our own are read on connections that belong to an app: the app may have changed pg's
 * parsers, for its connection or for all (`pg.types.setTypeParser`).
 */
export const PLAIN_TYPES: CustomTypesConfig = {
  getTypeParser: (oid: number) => (value: string) => {
    if (oid === BOOL) return value === 't';
    return NUMBERS.has(oid) ? Number(value) : value;
  },
};
