// The polyfill that tsyringe, inside the X.509 library, demands before it is loaded.
import 'reflect-metadata';
import { createPrivateKey, randomBytes, X509Certificate as NodeCertificate } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509';
import { DeployError } from '../errors/deploy-error.ts';
import type { CertificatePlan } from '../manifests/certificate-plan.ts';

/** Both PEM. */
export interface IssuedPair {
  readonly certificate: string;
  /** PKCS #8, without a passphrase. */
  readonly key: string;
}

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const;
const DAY_MS = 86_400_000;
/** Clients hold the authority; to replace it all of them have to be visited. */
const AUTHORITY_DAYS = 3_650;

/** A new certificate authority. @param now - in milliseconds since 1970. */
export async function issueAuthority(commonName: string, now: number): Promise<IssuedPair> {
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    ...validity(now, AUTHORITY_DAYS),
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/**
 * A new key with the certificate that is planned for it. An authority may be anybody's, with an RSA or an elliptic key.
 *
 * @throws DeployError where the authority cannot sign it.
 */
export async function issueCertificate(
  plan: CertificatePlan,
  authority: IssuedPair,
  now: number,
): Promise<IssuedPair> {
  const { issuer, key } = readAuthority(authority, now + plan.days * DAY_MS);
  const signingAlgorithm = algorithmOf(key);
  const keys = await crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
  const certificate = await X509CertificateGenerator.create({
    ...validity(now, plan.days),
    serialNumber: serialNumber(),
    subject: [{ CN: [plan.commonName] }],
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: key.toCryptoKey(signingAlgorithm, false, ['sign']),
    signingAlgorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension([
        ...plan.dnsNames.map((value) => ({ type: 'dns' as const, value })),
        ...plan.ipAddresses.map((value) => ({ type: 'ip' as const, value })),
      ]),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
      await keyIdentifierOf(issuer),
    ],
  });
  return { certificate: pem(certificate), key: await exportKey(keys.privateKey) };
}

/**
 * As the authority itself says, since there is more than one way to make it from a key: one that differs is not taken for
 * that of its issuer (RFC 5280, 4.2.1.1).
 */
async function keyIdentifierOf(issuer: X509Certificate): Promise<AuthorityKeyIdentifierExtension> {
  const own = issuer.getExtension(SubjectKeyIdentifierExtension);
  return own === null
    ? AuthorityKeyIdentifierExtension.create(issuer.publicKey)
    : new AuthorityKeyIdentifierExtension(own.keyId);
}

function readAuthority(
  { certificate, key: keyText }: IssuedPair,
  neededUntil: number,
): { issuer: X509Certificate; key: KeyObject } {
  let parsed: NodeCertificate;
  let key: KeyObject;
  try {
    parsed = new NodeCertificate(certificate);
    key = createPrivateKey(keyText);
  } catch (cause) {
    throw new DeployError({ code: 'authority-unusable', reason: 'unreadable' }, { cause });
  }
  if (!parsed.ca) throw new DeployError({ code: 'authority-unusable', reason: 'no-authority' });
  if (!parsed.checkPrivateKey(key))
    throw new DeployError({ code: 'authority-unusable', reason: 'other-key' });
  // A certificate that outlives its authority fails on a day that nobody has in the calendar.
  if (parsed.validToDate.getTime() < neededUntil)
    throw new DeployError({ code: 'authority-unusable', reason: 'expires-first' });
  return { issuer: new X509Certificate(parsed.raw), key };
}

function algorithmOf(key: KeyObject) {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' } as const;
  const curves: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384' };
  const namedCurve = curves[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (namedCurve === undefined) throw new DeployError({ code: 'authority-unusable', reason: 'kind-of-key' });
  return { name: 'ECDSA', namedCurve, hash: 'SHA-256' } as const;
}

/** From yesterday: a node whose clock is a little late must not refuse it. */
function validity(now: number, days: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(now - DAY_MS), notAfter: new Date(now + days * DAY_MS) };
}

/** Positive, as X.509 demands, and never the same twice. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40;
  return bytes.toString('hex');
}

async function exportKey(key: CryptoKey): Promise<string> {
  const base64 = Buffer.from(await crypto.subtle.exportKey('pkcs8', key)).toString('base64');
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/(.{64})/g, '$1\n').trimEnd()}\n-----END PRIVATE KEY-----\n`;
}

function pem(certificate: X509Certificate): string {
  return `${certificate.toString('pem').trimEnd()}\n`;
}
