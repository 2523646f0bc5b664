declare module 'pg/lib/utils.js' {
  const utils: {
    /** Turns a value of JavaScript into what is sent for it. Throws what the value's own conversion throws. */
    prepareValue(value: unknown): string | Buffer | null;
  };
  export default utils;
}
