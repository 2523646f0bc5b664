export { SchoolDbDialect } from '../api/kysely/school-db-dialect.ts';
export type { SchoolDbDialectConfig } from '../api/kysely/school-db-dialect.ts';
