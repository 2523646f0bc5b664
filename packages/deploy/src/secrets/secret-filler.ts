import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Lab } from '../config/lab.ts';
import { DeployError } from '../errors/deploy-error.ts';
import { certificatePlan } from '../manifests/certificate-plan.ts';
import { tlsSecretName } from '../manifests/manifest.ts';
import type { Manifest, SecretSource } from '../manifests/manifest.ts';
import { authoritySecretName } from '../manifests/secrets.ts';
import type { KubeObject } from '../manifests/schema/kinds.ts';
import { certificatesFor } from './certificate.ts';
import { filledSecret, generatePassword } from './fill.ts';
import type { IssuedPair } from './issue.ts';

export interface SecretSources {
  /** What paths in the lab are seen from. */
  readonly directory: string;
  readonly environment: NodeJS.ProcessEnv;
  /** The values of a Secret in the cluster's namespace, decoded; undefined where there is none. */
  present(name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** In milliseconds since 1970. */
  now(): number;
}

/**
 * Gives Secrets their values. What was generated once is kept: the cluster's own value comes first, and within one
 * filler the same key always gets the same value, so that a repeated request sets nothing else.
 */
export class SecretFiller {
  readonly #lab: Lab;
  readonly #sources: SecretSources;
  readonly #generated = new Map<string, string>();
  #certificates: ReturnType<typeof certificatesFor> | undefined;

  constructor(lab: Lab, sources: SecretSources) {
    this.#lab = lab;
    this.#sources = sources;
  }

  /**
   * The object as it is sent.
   *
   * @throws DeployError that names the file or variable a value was to come from.
   */
  async filled(manifest: Manifest): Promise<KubeObject> {
    const { object, secretValues } = manifest;
    if (secretValues === undefined) return object;
    const { name } = object.metadata;
    const present = await this.#sources.present(name);
    const values: Record<string, string> = {};
    for (const [key, source] of Object.entries(secretValues)) {
      values[key] = await this.#value(`${name} ${key}`, source, present?.[key]);
      if (values[key] === '') throw missing(name, key, source);
    }
    return filledSecret(manifest, values);
  }

  async #value(id: string, source: SecretSource, present: string | undefined): Promise<string> {
    if (source.from === 'certificate') return this.#part(source.part);
    if (source.from === 'generated') {
      if (present !== undefined && present !== '') return present;
      const value = this.#generated.get(id) ?? generatePassword();
      this.#generated.set(id, value);
      return value;
    }
    const given =
      source.from === 'file' ? await this.#text(source.path) : this.#sources.environment[source.variable];
    // A source that is not at hand this time changes nothing about what is there.
    return given ?? present ?? '';
  }

  async #part(part: Extract<SecretSource, { from: 'certificate' }>['part']): Promise<string> {
    this.#certificates ??= this.#issue();
    const { authority, pair } = await this.#certificates;
    if (part === 'authority') return authority.certificate;
    if (part === 'authority-key') return authority.key;
    return part === 'certificate' ? pair.certificate : pair.key;
  }

  async #issue(): ReturnType<typeof certificatesFor> {
    const authority = await this.#authority();
    const pair = pairOf(await this.#sources.present(tlsSecretName(this.#lab)));
    return certificatesFor(certificatePlan(this.#lab), { authority, pair }, this.#sources.now());
  }

  async #authority(): Promise<IssuedPair | undefined> {
    const { authority } = this.#lab.tls;
    if (authority === 'generated') return pairOf(await this.#sources.present(authoritySecretName(this.#lab)));
    const [certificate, key] = await Promise.all(
      [authority.certificateFile, authority.keyFile].map(async (path) => {
        const whole = resolve(this.#sources.directory, path);
        return readFile(whole, 'utf8').catch((error: unknown) => {
          throw DeployError.of('cannot-read', whole, error);
        });
      }),
    );
    return { certificate: certificate ?? '', key: key ?? '' };
  }

  /** Without the line's end that editors leave. */
  async #text(path: string): Promise<string | undefined> {
    const whole = resolve(this.#sources.directory, path);
    try {
      return (await readFile(whole, 'utf8')).replace(/\r?\n$/, '');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw DeployError.of('cannot-read', whole, error);
    }
  }
}

function pairOf(values: Readonly<Record<string, string>> | undefined): IssuedPair | undefined {
  const { 'tls.crt': certificate = '', 'tls.key': key = '' } = values ?? {};
  return certificate === '' || key === '' ? undefined : { certificate, key };
}

function missing(secret: string, key: string, source: SecretSource): DeployError {
  const from =
    source.from === 'file' ? source.path : source.from === 'environment' ? source.variable : source.from;
  return new DeployError({ code: 'secret-missing', secret, key, from });
}
