/**
 * libpq's connection strings (PostgreSQL manual, "Connection Strings"), both forms, with several hosts. Neither the WHATWG
 * URL nor pg-connection-string reads those. No error shows a piece of the text from which a password could peep: where
 * its special characters are not encoded, it is anywhere.
 */
import { InvalidOptionsError } from '../errors/option-errors.ts';
import type { LibpqParameter } from './libpq-parameters.ts';
import { isLibpqKeyword, readLibpqParameters } from './libpq-parameters.ts';
import { checkText } from './option-checks.ts';
import type { Given, OptionSource } from './option-source.ts';

/** Keyword and value, in the order of the text. */
type Pair = readonly [keyword: string, value: string];

const URI = /^postgres(?:ql)?:\/\/(?<authority>[^/?#]*)(?:\/(?<database>[^?#]*))?(?:\?(?<query>[^#]*))?$/i;
const AUTHORITY = /^(?:(?<user>[^:@]*)(?::(?<password>[^@]*))?@)?(?<hosts>[^@]*)$/;
const HOST_AND_PORT = /^(?<host>\[[^\]]*\]|[^:]*)(?::(?<port>[^:]*))?$/;
/** One `keyword = value`; in the value a backslash takes the next character as it is. */
const SETTING =
  /\s*(?<keyword>\w+)\s*=\s*(?:'(?<quoted>(?:[^'\\]|\\.)*)'|(?<plain>(?!')(?:[^\s\\]|\\.)*))(?=\s|$)/sy;

const FORMS =
  "'postgres://user:password@host1:5432,host2:5432/database' or 'host=host1,host2 dbname=database'";

/**
 * @param given - the text; its name is what errors call it.
 * @throws InvalidOptionsError that says what is wrong, without showing the text.
 */
export function readConnectionString({ name, value }: Given): OptionSource {
  if (typeof value !== 'string') throw new InvalidOptionsError(`${name} must be a text of the form ${FORMS}`);
  const text = checkText(name, value.trim());
  const pairs = /^postgres(ql)?:\/\//i.test(text)
    ? pairsOfUri(name, text)
    : { fixed: [], listed: pairsOfSettings(name, text), isCertain: false };
  return readLibpqParameters(name, parametersOf(name, pairs));
}

interface Pairs {
  /** What has its place in the text. */
  readonly fixed: readonly Pair[];
  /** What is told by its keyword alone. */
  readonly listed: readonly Pair[];
  /** Whether the place of a password is known, so that no keyword can be a piece of it. */
  readonly isCertain: boolean;
}

function parametersOf(name: string, { fixed, listed, isCertain }: Pairs): LibpqParameter[] {
  // Nobody knows where a password that was badly quoted was meant to end.
  const password = listed.findIndex(([keyword]) => keyword === 'password');
  const firstHidden = password === -1 ? Infinity : fixed.length + password;
  const seen = new Set<string>();
  return [...fixed, ...listed].map(([keyword, value], index) => {
    const mayShow = index < firstHidden;
    const mayName = isLibpqKeyword(keyword) || (isCertain && mayShow);
    const called = mayName ? `'${keyword}' in ${name}` : `parameter ${index - fixed.length + 1} in ${name}`;
    if (seen.has(keyword)) throw new InvalidOptionsError(`${called} is given twice`);
    seen.add(keyword);
    return { keyword, value, mayShow, name: called };
  });
}

function pairsOfUri(name: string, text: string): Pairs {
  const { authority, database = '', query = '' } = URI.exec(text)?.groups ?? {};
  const { user = '', password = '', hosts } = AUTHORITY.exec(authority ?? '@@')?.groups ?? {};
  // What follows a password that ended too early holds the '@' that was meant to end it.
  if (hosts === undefined || `${database}?${query}`.includes('@')) {
    throw new InvalidOptionsError(
      `${name} can't be read: it must be of the form ${FORMS}, with special characters (such as @ / ? # % in a password) percent-encoded`,
    );
  }
  const decoded = (part: string) => decode(name, part);
  const fixed: Pair[] = [
    ['user', decoded(user)],
    ['password', decoded(password)],
    ...hostsOf(name, hosts),
    ['dbname', decoded(database)],
  ];
  const listed = query.split('&').map((each): Pair => {
    const [keyword = '', ...rest] = each.split('=');
    return [decoded(keyword), decoded(rest.join('='))];
  });
  return {
    fixed: fixed.filter(([, value]) => value !== ''),
    listed: listed.filter(([keyword]) => keyword !== ''),
    isCertain: authority?.includes('@') === true,
  };
}

function hostsOf(name: string, text: string): Pair[] {
  if (text === '') return [];
  const parts = text.split(',').map((each) => {
    const { host, port = '' } = HOST_AND_PORT.exec(each)?.groups ?? {};
    if (host !== undefined) return { host: decode(name, host), port };
    throw new InvalidOptionsError(
      `${name} can't be read: its hosts must be of the form host1:5432,[::1]:5432`,
    );
  });
  return [
    ['host', parts.map(({ host }) => host).join(',')],
    ['port', parts.map(({ port }) => port).join(',')],
  ];
}

/** As libpq does: a plus stays a plus. */
function decode(name: string, text: string): string {
  try {
    const decoded = decodeURIComponent(text);
    if (!decoded.includes('\0')) return decoded;
  } catch {
    // Said below, without the text.
  }
  throw new InvalidOptionsError(
    `${name} can't be read: each % must be followed by two hex digits, UTF-8 all together and not %00`,
  );
}

function pairsOfSettings(name: string, text: string): Pair[] {
  const pairs: Pair[] = [];
  SETTING.lastIndex = 0;
  while (SETTING.lastIndex < text.length) {
    const { keyword, quoted, plain } = SETTING.exec(text)?.groups ?? {};
    if (keyword === undefined) {
      throw new InvalidOptionsError(
        `${name} can't be read: it must be of the form ${FORMS}, with values that hold blanks in single quotes`,
      );
    }
    pairs.push([keyword, (quoted ?? plain ?? '').replace(/\\(.)/gs, '$1')]);
  }
  return pairs;
}
