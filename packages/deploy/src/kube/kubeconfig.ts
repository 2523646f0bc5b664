import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { DeployError } from '../errors/deploy-error.ts';
import { KubeConfigConnection } from './connection.ts';
import type { KubeConnection } from './connection.ts';

/**
 * The API server that a kubeconfig names: the file that is given, otherwise those of `KUBECONFIG`, otherwise
 * `~/.kube/config`. Never the library's own last resort, which is http://localhost:8080.
 *
 * @throws DeployError that names the file and what is wrong with it.
 */
export function connect(given: string | undefined, environment: NodeJS.ProcessEnv): KubeConnection {
  return new KubeConfigConnection(loadKubeconfig(given, environment));
}

/** The same, as the client library has it. */
export function loadKubeconfig(given: string | undefined, environment: NodeJS.ProcessEnv): KubeConfig {
  const files = kubeconfigFiles(given, environment);
  const present = files.filter((file) => existsSync(file));
  const [first] = present;
  // As kubectl has it, files of a list may be missing, but not all of them.
  if (first === undefined) throw new DeployError({ code: 'kubeconfig-missing', tried: files });
  const config = new KubeConfig();
  for (const file of present) load(config, file, file === first);
  const unusable = (reason: 'no-context' | 'no-cluster' | 'no-user' | 'no-https') =>
    new DeployError({ code: 'kubeconfig-unusable', path: present.join(delimiter), reason });
  if (config.getContextObject(config.getCurrentContext()) === null) throw unusable('no-context');
  if (config.getCurrentUser() === null) throw unusable('no-user');
  const cluster = config.getCurrentCluster();
  if (cluster === null) throw unusable('no-cluster');
  // Secrets are sent.
  if (!URL.canParse(cluster.server) || new URL(cluster.server).protocol !== 'https:')
    throw unusable('no-https');
  return config;
}

function kubeconfigFiles(given: string | undefined, environment: NodeJS.ProcessEnv): string[] {
  if (given !== undefined) return [given];
  const listed = (environment['KUBECONFIG'] ?? '').split(delimiter).filter((file) => file !== '');
  return listed.length > 0 ? listed : [join(environment['HOME'] ?? homedir(), '.kube', 'config')];
}

function load(config: KubeConfig, file: string, isFirst: boolean): void {
  try {
    if (isFirst) return config.loadFromFile(file);
    const more = new KubeConfig();
    more.loadFromFile(file);
    config.mergeConfig(more, true);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== undefined) throw DeployError.of('cannot-read', file, cause);
    // Not the parser's message, which may quote a token.
    throw new DeployError({ code: 'kubeconfig-unusable', path: file, reason: 'unreadable' }, { cause });
  }
}
