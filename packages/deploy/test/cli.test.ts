import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { COMMANDS } from '../src/cli/commands/table.ts';
import { EXIT } from '../src/cli/exit-codes.ts';
import { runCli } from '../src/cli/run-cli.ts';
import { shippedText } from '../scripts/crds/shipped.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'schooldb-deploy-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  return runWith({}, ...args);
}

async function runWith(environment: NodeJS.ProcessEnv, ...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const { signal } = new AbortController();
  const code = await runCli(
    args,
    { environment: { XDG_STATE_HOME: directory, ...environment }, signal },
    { out: (line) => out.push(line), err: (line) => err.push(line) },
  );
  return { code, out: out.join('\n'), err: err.join('\n') };
}

async function labFile(edit: (text: string) => string, name = 'lab.yaml'): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, edit(shippedText('lab.yaml')));
  return path;
}

describe('deploy:lab check', () => {
  it('passes the shipped lab, and warns of what it may do', async () => {
    const { code, out, err } = await run('check');
    expect(code).toBe(EXIT.ok);
    expect(out).toContain(
      'is right: cluster wichtige-daten-3, 3 instances on 3 nodes, profile external-postgres.',
    );
    expect(err).toMatch(/^Warning: when gl8 dies/);
  });

  it('names all mistakes with file, line and remedy, in the language that is asked for', async () => {
    const lab = await labFile((text) =>
      text.replace('10.0.145.135', '10.0.145.150').replace('longhorn: false', 'longhorn: true'),
    );
    const english = await runWith({ LANG: 'C' }, 'check', '--lab', lab);
    expect(english.code).toBe(EXIT.invalidLab);
    expect(english.err).toMatch(/lab\.yaml:\d+: network\.addresses\.master: 10\.0\.145\.150 lies outside/);
    expect(english.err).toContain('Longhorn cannot run on LXC (gl2, gl3, gl6)');
    expect(english.err).toContain('2 mistakes in');
    for (const german of [
      await runWith({ LANG: 'de_DE.UTF-8' }, 'check', '--lab', lab),
      await run('check', '--lab', lab, '--lang', 'de'),
      await run('--lang=de', 'check', '--lab', lab),
    ]) {
      expect(german.code).toBe(EXIT.invalidLab);
      expect(german.err).toContain('liegt außerhalb von network.addressPool');
      expect(german.err).toContain('2 Fehler in');
    }
    expect((await runWith({ LANG: 'de_DE.UTF-8' }, 'check', '--lab', lab, '--lang', 'en')).err).toBe(
      english.err,
    );
  });

  it('says which file cannot be read', async () => {
    const { code, err } = await run('check', '--lab', join(directory, 'none.yaml'));
    expect(code).toBe(EXIT.failed);
    expect(err).toMatch(/^deploy:lab: .*none\.yaml cannot be read \(ENOENT\)/);
  });
});

describe('deploy:lab render', () => {
  it('writes the same files each time, and takes away those that are no longer part of it', async () => {
    const target = join(directory, 'deep', 'out');
    expect((await run('render', target)).code).toBe(EXIT.ok);
    const first = await contents(target);
    expect(Object.keys(first)).toHaveLength(12);
    const { code, out } = await run('render', target);
    expect({ code, out }).toEqual({ code: EXIT.ok, out: `32 objects in 12 files are in ${target}.` });
    expect(await contents(target)).toEqual(first);
    // Those of the lab's own charts, and no others.
    expect(first['images.txt']).toContain('\nghcr.io/zalando/spilo-18:4.1-p2\n');
    expect(first['images.txt']).toContain('\nquay.io/metallb/speaker:v0.16.1\n');
    expect(first['images.txt']).not.toContain('longhorn');

    const lab = await labFile((text) => text.replace(/ {2}smb:\n(?: {4}.*\n)+/, ''));
    await writeFile(join(target, '01-namespaces.yaml.01234567-89ab-cdef-0123-456789abcdef.partial'), 'half');
    expect((await run('render', target, '--lab', lab)).code).toBe(EXIT.ok);
    expect(await readdir(target)).not.toContain('08-backup-share.yaml');
    expect(await readdir(target)).toHaveLength(11);
  });

  it('leaves a directory alone that holds anything else', async () => {
    await writeFile(join(directory, '01-namespaces.yaml'), 'not ours');
    const { code, err } = await run('render', directory);
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('holds something else (01-namespaces.yaml)');
    expect(await contents(directory)).toEqual({ '01-namespaces.yaml': 'not ours' });
  });

  it('writes nothing where the lab has mistakes', async () => {
    const lab = await labFile((text) => text.replace('instances: 3', 'instances: 20'));
    const target = join(directory, 'out');
    expect((await run('render', target, '--lab', lab)).code).toBe(EXIT.invalidLab);
    expect(await readdir(directory)).toEqual(['lab.yaml']);
  });

  it('brings the charts along from a directory beside the lab, and names all that are missing', async () => {
    const lab = await labFile((text) =>
      text.replace('source: repository', 'source: directory\n  directory: charts'),
    );
    const target = join(directory, 'out');
    const without = await run('render', target, '--lab', lab);
    expect(without.code).toBe(EXIT.failed);
    for (const file of [
      'metallb-0.16.1',
      'postgres-operator-2.0.1',
      'postgres-operator-ui-2.0.1',
      'csi-driver-smb-1.20.3',
    ])
      expect(without.err).toContain(`${file}.tgz`);

    await mkdir(join(directory, 'charts'));
    for (const file of without.err.match(/[-a-z0-9.]+\.tgz/g) ?? [])
      await writeFile(join(directory, 'charts', file), `the chart ${file}`);
    expect((await run('render', target, '--lab', lab)).code).toBe(EXIT.ok);
    const charts = await readFile(join(target, '03-charts.yaml'), 'utf8');
    expect(charts).toContain(
      `chartContent: ${Buffer.from('the chart metallb-0.16.1.tgz').toString('base64')}`,
    );
    expect(charts).not.toContain('https:');
  });

  it('says which path it cannot write to', async () => {
    const file = await labFile((text) => text, 'file');
    const { code, err } = await run('render', join(file, 'out'));
    expect(code).toBe(EXIT.failed);
    expect(err).toContain('cannot be written (ENOTDIR)');
  });
});

describe('the command line', () => {
  it.each(['en', 'de'] as const)('has help in %s for the program and each command', async (language) => {
    for (const command of [[], ...COMMANDS.map(({ name }) => [name])]) {
      const { code, out, err } = await run(...command, '--help', '--lang', language);
      expect({ code, err }).toEqual({ code: EXIT.ok, err: '' });
      expect(out).toMatch(language === 'de' ? /^Aufruf: / : /^Usage: /);
      expect(out).not.toMatch(language === 'de' ? /Options:|display help|Commands:/ : /Optionen|Hilfe/);
    }
  });

  it.each([
    [[], 'there is no terminal to ask at; look at plan first, then add --yes'],
    [['--lab'], 'the option --lab <file> needs a value'],
    [['rendr', 'x'], "there is no command 'rendr'; allowed: deploy, check, render"],
    [['deploy', 'extra'], "there is no command 'extra'"],
    [['render'], 'the argument <dir> is missing'],
    [['check', 'extra'], 'too many arguments'],
    [['check', '--labb', 'x'], 'there is no option --labb'],
    [['check', '--lab'], 'the option --lab <file> needs a value'],
    [['apply'], 'there is no terminal to ask at; look at plan first, then add --yes'],
    [['check', '--lang', 'fr'], "'fr' is not a language of this program; allowed: de, en"],
  ])('explains %j', async (args, message) => {
    const english = await run(...args);
    expect(english.code).toBe(EXIT.usage);
    expect(english.err).toContain(message);
    expect(english.err.split('\n')).toHaveLength(1);
    const german = await runWith({ LANG: 'de_DE' }, ...args);
    expect(german.code).toBe(EXIT.usage);
    expect(german.err).not.toBe(english.err);
  });
});

async function contents(of: string): Promise<Record<string, string>> {
  const files = (await readdir(of)).toSorted();
  const entries = await Promise.all(
    files.map(async (name) => [name, await readFile(join(of, name), 'utf8')] as const),
  );
  return Object.fromEntries(entries);
}
