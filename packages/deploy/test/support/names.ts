/** Of the shipped lab. */
export const NAME = 'wichtige-daten-3';
export const ACCOUNT = `bauer.${NAME}.credentials.postgresql.acid.zalan.do`;
export const TLS = `${NAME}-tls`;
