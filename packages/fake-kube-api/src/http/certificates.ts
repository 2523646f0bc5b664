// The polyfill that tsyringe, inside the X.509 library, demands before it is loaded.
import 'reflect-metadata';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
  type X509Certificate,
} from '@peculiar/x509';

export interface KeyPair {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
}

export interface ServerCertificates {
  /** PEM of the authority, which signed both. */
  readonly ca: string;
  readonly server: KeyPair;
  /** Of an administrator, as in a kubeconfig of K3s. */
  readonly client: KeyPair;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;

/** An authority of this server's own, whose key is forgotten at once. */
export async function makeCertificates(now = Date.now()): Promise<ServerCertificates> {
  const validity = { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + 30 * DAY_MS) };
  const keys = await newKeys();
  const ca = await X509CertificateGenerator.createSelfSigned({
    ...validity,
    serialNumber: '01',
    name: 'CN=fake-kube-api CA',
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const issue = (
    serialNumber: string,
    subject: string,
    usage: ExtendedKeyUsage,
    names: readonly SubjectAlternativeNameExtension[],
  ) =>
    issued(ca, keys.privateKey, {
      ...validity,
      serialNumber,
      subject,
      extensions: [new ExtendedKeyUsageExtension([usage]), ...names],
    });
  const names = new SubjectAlternativeNameExtension([
    { type: 'dns', value: 'localhost' },
    { type: 'dns', value: 'kubernetes.default.svc' },
    { type: 'ip', value: '127.0.0.1' },
  ]);
  return {
    ca: ca.toString('pem'),
    server: await issue('02', 'CN=kube-apiserver', ExtendedKeyUsage.serverAuth, [names]),
    client: await issue('03', 'CN=system:admin,O=system:masters', ExtendedKeyUsage.clientAuth, []),
  };
}

async function issued(
  ca: X509Certificate,
  signingKey: CryptoKey,
  what: {
    notBefore: Date;
    notAfter: Date;
    serialNumber: string;
    subject: string;
    extensions: (ExtendedKeyUsageExtension | SubjectAlternativeNameExtension)[];
  },
): Promise<KeyPair> {
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.create({
    ...what,
    extensions: [
      ...what.extensions,
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await AuthorityKeyIdentifierExtension.create(ca.publicKey),
    ],
    issuer: ca.subject,
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: ALGORITHM,
  });
  const key = Buffer.from(await crypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64');
  return {
    certificate: certificate.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${key.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`,
  };
}

function newKeys() {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}
