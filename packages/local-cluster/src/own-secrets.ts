import { createPrivateKey, X509Certificate } from 'node:crypto';
import { ClusterError } from './errors.ts';

/** All of them PEM. */
export interface ServerCertificates {
  /** The authority that clients trust. */
  ca: string;
  /** What it has signed for the servers. */
  certificate: string;
  /** The key of that, without a passphrase. */
  key: string;
}

const PARTS = ['ca', 'certificate', 'key'] as const;

/** PgBouncer's list of users and connection strings take these without quoting. */
export function requirePassword(option: string, value: unknown): void {
  if (value === undefined) return;
  if (typeof value === 'string' && /^[!-~]{1,100}$/.test(value) && !/["'\\]/.test(value)) return;
  throw unfit(option, '1 to 100 printable ASCII characters but blanks, quotes and backslashes');
}

export function requireCertificates(value: unknown): void {
  if (value === undefined) return;
  const given = typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  const isWhole =
    Object.keys(given).length === PARTS.length && PARTS.every((part) => typeof given[part] === 'string');
  if (!isWhole) throw unfit('certificates', '{ ca, certificate, key }, each a PEM text');
  const [ca, certificate] = [given['ca'], given['certificate']].map((pem) => readCertificate(pem as string));
  if (ca?.ca !== true) throw unfit('certificates.ca', 'the certificate of an authority, in PEM');
  if (certificate === undefined) throw unfit('certificates.certificate', 'a certificate in PEM');
  if (!certificate.verify(ca.publicKey))
    throw unfit('certificates.certificate', 'one that certificates.ca has signed');
  if (!isKeyOf(certificate, given['key'] as string))
    throw unfit('certificates.key', 'the key of certificates.certificate, in PEM, without a passphrase');
}

function readCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function isKeyOf(certificate: X509Certificate, key: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(key));
  } catch {
    return false;
  }
}

/** What was given is a secret, or stands beside one. */
function unfit(option: string, allowed: string): ClusterError {
  return new ClusterError(
    'bad-option',
    `option ${option}: does not fit and is not shown (allowed: ${allowed})`,
  );
}
