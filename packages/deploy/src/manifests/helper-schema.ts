import { createHash } from 'node:crypto';
import type { Lab } from '../config/lab.ts';
import { CLIENT_LABEL, ownLabels, serviceNames, tlsSecretName } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { SPILO_IMAGE } from './pins.ts';
import { credentialsName } from './secrets.ts';

/** Spilo's `postgres`. */
const USER = 101;
const GROUP = 103;

/**
 * Runs the SQL once in the cluster's database, as superuser. A Job cannot be changed, so both bear a hash of all they
 * do: the same SQL is the same Job, which has run already, and another one is another Job.
 */
export function helperSchema(lab: Lab, sql: string): Manifest[] {
  const { namespace, database, name: cluster, postgres } = lab.cluster;
  const host = `${serviceNames(lab).master}.${namespace}.svc`;
  const psql = `/usr/lib/postgresql/${postgres}/bin/psql`;
  const facts = JSON.stringify([cluster, database, postgres, SPILO_IMAGE, sql]);
  const name = `schooldb-schema-${createHash('sha256').update(facts).digest('hex').slice(0, 12)}`;
  const metadata = { name, namespace, labels: ownLabels(lab) };
  return [
    {
      object: {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata,
        immutable: true,
        data: { 'schooldb.sql': sql },
      },
    },
    {
      object: {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata,
        spec: {
          backoffLimit: 6,
          activeDeadlineSeconds: 600,
          template: {
            metadata: { labels: { ...ownLabels(lab), ...CLIENT_LABEL } },
            spec: {
              restartPolicy: 'Never',
              automountServiceAccountToken: false,
              securityContext: {
                runAsNonRoot: true,
                runAsUser: USER,
                runAsGroup: GROUP,
                seccompProfile: { type: 'RuntimeDefault' },
              },
              containers: [
                {
                  name: 'psql',
                  image: SPILO_IMAGE,
                  command: [
                    psql,
                    '--no-psqlrc',
                    '--quiet',
                    '--single-transaction',
                    '--set=ON_ERROR_STOP=1',
                    '--file=/sql/schooldb.sql',
                  ],
                  env: [
                    // Never a pooler: roles and functions are made here.
                    { name: 'PGHOST', value: host },
                    { name: 'PGDATABASE', value: database },
                    { name: 'PGUSER', value: 'postgres' },
                    {
                      name: 'PGPASSWORD',
                      valueFrom: {
                        secretKeyRef: { name: credentialsName(lab, 'postgres'), key: 'password' },
                      },
                    },
                    { name: 'PGSSLMODE', value: 'verify-full' },
                    { name: 'PGSSLROOTCERT', value: '/tls/ca.crt' },
                    { name: 'PGCONNECT_TIMEOUT', value: '10' },
                  ],
                  resources: {
                    requests: { cpu: '10m', memory: '32Mi' },
                    limits: { cpu: '200m', memory: '128Mi' },
                  },
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                  volumeMounts: [
                    { name: 'sql', mountPath: '/sql', readOnly: true },
                    { name: 'tls', mountPath: '/tls', readOnly: true },
                  ],
                },
              ],
              volumes: [
                { name: 'sql', configMap: { name } },
                // The authority only: the key is none of this pod's business.
                {
                  name: 'tls',
                  secret: { secretName: tlsSecretName(lab), items: [{ key: 'ca.crt', path: 'ca.crt' }] },
                },
              ],
            },
          },
        },
      },
    },
  ];
}
