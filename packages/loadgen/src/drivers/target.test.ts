import type { PeerCertificate } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { pgSsl } from './target.ts';

/** As far as its names go. */
const CERTIFICATE = { subject: { CN: 'x' }, subjectaltname: 'IP Address:10.0.145.135' } as PeerCertificate;

describe('what pg is told of TLS', () => {
  it('is whom to trust, and nothing of names where the address is one', () => {
    expect(pgSsl(null)).toBe(false);
    expect(pgSsl({ ca: null, verify: false })).toEqual({ rejectUnauthorized: false });
    expect(pgSsl({ ca: 'PEM', verify: true })).toEqual({ rejectUnauthorized: true, ca: 'PEM' });
  });

  it('is which name to look for in the certificate, whatever the address', () => {
    const judged = (serverName: string) => {
      const ssl = pgSsl({ ca: 'PEM', verify: true, serverName });
      return ssl === false ? ssl : ssl.checkServerIdentity?.('127.0.0.1', CERTIFICATE);
    };
    expect(judged('10.0.145.135')).toBeUndefined();
    expect(judged('127.0.0.1')).toMatchObject({ code: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});
