import { stringify } from 'yaml';
import type { KeyPair } from './certificates.ts';

/** A kubeconfig with one cluster, one user and one context. */
export function kubeconfig({
  server,
  ca,
  user,
  namespace,
}: {
  server: string;
  /** PEM. */
  ca: string;
  user: { readonly token: string } | KeyPair;
  namespace: string;
}): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'fake', cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: 'admin',
        user:
          'token' in user
            ? { token: user.token }
            : { 'client-certificate-data': base64(user.certificate), 'client-key-data': base64(user.key) },
      },
    ],
    contexts: [{ name: 'fake', context: { cluster: 'fake', user: 'admin', namespace } }],
    'current-context': 'fake',
  });
}
