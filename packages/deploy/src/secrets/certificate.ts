import { X509Certificate } from 'node:crypto';
import type { CertificatePlan } from '../manifests/certificate-plan.ts';
import { issueAuthority, issueCertificate } from './issue.ts';
import type { IssuedPair } from './issue.ts';

const DAY_MS = 86_400_000;

/** What a cluster has already. */
export interface PresentCertificates {
  readonly authority: IssuedPair | undefined;
  readonly pair: IssuedPair | undefined;
}

/**
 * The cluster's certificates: those it has, as long as they are good, otherwise new ones. The authority is only made
 * where there is none, for all clients hold it.
 *
 * @throws DeployError where the authority cannot sign.
 */
export async function certificatesFor(
  plan: CertificatePlan,
  present: PresentCertificates,
  now: number,
): Promise<{ authority: IssuedPair; pair: IssuedPair }> {
  const authority = present.authority ?? (await issueAuthority(`${plan.commonName} authority`, now));
  const { pair } = present;
  if (pair !== undefined && isGood(pair, plan, authority, now)) return { authority, pair };
  return { authority, pair: await issueCertificate(plan, authority, now) };
}

/** Signed by this authority, for all names and addresses, and not about to end. */
function isGood(pair: IssuedPair, plan: CertificatePlan, authority: IssuedPair, now: number): boolean {
  try {
    const certificate = new X509Certificate(pair.certificate);
    const remainingMs = certificate.validToDate.getTime() - now;
    return (
      certificate.verify(new X509Certificate(authority.certificate).publicKey) &&
      remainingMs > Math.min(30, plan.days / 3) * DAY_MS &&
      plan.dnsNames.every((name) => certificate.checkHost(name) !== undefined) &&
      plan.ipAddresses.every((address) => certificate.checkIP(address) !== undefined)
    );
  } catch {
    // What somebody else has put there is no certificate.
    return false;
  }
}
