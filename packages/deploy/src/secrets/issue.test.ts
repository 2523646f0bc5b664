// As issue.ts has it: needed before the X.509 library.
import 'reflect-metadata';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:tls';
import { describe, expect, it } from 'vitest';
import {
  BasicConstraintsExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from '@peculiar/x509';
import type { Extension } from '@peculiar/x509';
import { DeployError } from '../errors/deploy-error.ts';
import type { CertificatePlan } from '../manifests/certificate-plan.ts';
import { issueAuthority, issueCertificate } from './issue.ts';
import type { IssuedPair } from './issue.ts';

const DAY_MS = 86_400_000;
const PLAN: CertificatePlan = {
  commonName: 'wichtige-daten-3',
  dnsNames: ['wichtige-daten-3', 'wichtige-daten-3.default.svc'],
  ipAddresses: ['10.0.145.135', '127.0.0.1'],
  days: 30,
};

describe('the certificate', () => {
  it('covers the names and addresses of its plan, and nothing else', async () => {
    const authority = await issueAuthority('the authority', Date.now());
    const issued = await issueCertificate(PLAN, authority, Date.now());
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
    expect(certificate.checkIssued(new X509Certificate(authority.certificate))).toBe(true);
    expect(certificate.checkHost('wichtige-daten-3.default.svc')).toBeDefined();
    expect(certificate.checkHost('wichtige-daten-4')).toBeUndefined();
    expect(certificate.checkIP('10.0.145.135')).toBe('10.0.145.135');
    expect(certificate.checkIP('10.0.145.136')).toBeUndefined();
    expect(certificate.ca).toBe(false);
    const days = (certificate.validToDate.getTime() - Date.now()) / DAY_MS;
    expect(Math.round(days)).toBe(30);
  });

  it('passes a full verification by TLS with the authority alone', async () => {
    const authority = await issueAuthority('the authority', Date.now());
    const { certificate, key } = await issueCertificate(PLAN, authority, Date.now());
    const server = createServer({ cert: certificate, key }, (socket) => socket.end());
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const socket = connect({ host: '127.0.0.1', port, ca: authority.certificate });
    await once(socket, 'secureConnect');
    expect(socket.authorized).toBe(true);
    socket.destroy();
    server.close();
    await once(server, 'close');
  });

  it('is signed by an authority of somebody else, with an RSA key in another encoding', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const authority = await foreignAuthority(privateKey);
    const issued = await issueCertificate(PLAN, authority, Date.now());
    const certificate = new X509Certificate(issued.certificate);
    expect(certificate.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  });

  it('names an authority of somebody else as that calls itself, or nobody takes it for its issuer', async () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const authority = await foreignAuthority(privateKey, [
      new SubjectKeyIdentifierExtension('5c6001d5'.repeat(5)),
    ]);
    const { certificate } = await issueCertificate(PLAN, authority, Date.now());
    const issued = new X509Certificate(certificate).checkIssued(new X509Certificate(authority.certificate));
    expect(issued).toBe(true);
  });
});

describe('an authority', () => {
  it.each([
    ['unreadable', async () => ({ certificate: 'no PEM', key: 'no PEM' })],
    [
      'other-key',
      async (own: IssuedPair) => ({ ...own, key: (await issueAuthority('another', Date.now())).key }),
    ],
    ['no-authority', async (own: IssuedPair) => issueCertificate(PLAN, own, Date.now())],
  ] as const)('that is %s is refused', async (reason, spoil) => {
    const authority = await spoil(await issueAuthority('the authority', Date.now()));
    await expect(issueCertificate(PLAN, authority, Date.now())).rejects.toMatchObject({
      failure: { code: 'authority-unusable', reason },
    });
  });

  it('does not sign what would outlive it', async () => {
    const authority = await issueAuthority('the authority', Date.now() - 3_630 * DAY_MS);
    const refused = issueCertificate(PLAN, authority, Date.now());
    await expect(refused).rejects.toThrow(DeployError);
    await expect(refused).rejects.toMatchObject({ failure: { reason: 'expires-first' } });
  });
});

const RSA = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;

async function foreignAuthority(
  privateKey: KeyObject,
  extensions: readonly Extension[] = [],
): Promise<IssuedPair> {
  const certificate = await X509CertificateGenerator.create({
    subject: 'CN=Schule',
    issuer: 'CN=Schule',
    notAfter: new Date(Date.now() + 400 * DAY_MS),
    publicKey: createPublicKey(privateKey).toCryptoKey(RSA, true, ['verify']),
    signingKey: privateKey.toCryptoKey(RSA, true, ['sign']),
    signingAlgorithm: RSA,
    extensions: [new BasicConstraintsExtension(true, 0, true), ...extensions],
  });
  const key = privateKey.export({ type: 'pkcs1', format: 'pem' });
  return { certificate: certificate.toString('pem'), key };
}
