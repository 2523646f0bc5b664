/** For processes of ours: the user's environment without what would change how Node starts. */
export function nodeEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS: _options, ...rest } = process.env;
  return rest;
}

/**
 * For servers: nothing of the user's, since `PGDATA`, `PGOPTIONS`, `PGSSLMODE`, a `~/.pgpass` or a
 * client certificate in the home directory would silently change them.
 */
export function serverEnvironment(home: string): NodeJS.ProcessEnv {
  const timeZone = process.env['TZ'];
  return {
    PATH: '/usr/bin:/bin',
    HOME: home,
    LC_ALL: 'C',
    ...(timeZone === undefined ? {} : { TZ: timeZone }),
  };
}
