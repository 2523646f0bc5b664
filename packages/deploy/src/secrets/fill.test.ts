import { describe, expect, it } from 'vitest';
import { filledSecret, generatePassword } from './fill.ts';
import type { Manifest } from '../manifests/manifest.ts';

const MANIFEST: Manifest = {
  object: {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: 'credentials', namespace: 'default', labels: {} },
    type: 'Opaque',
    data: { username: 'YmF1ZXI=' },
  },
  secretValues: { password: { from: 'generated' } },
};

describe('a Secret', () => {
  it('is filled beside what it holds already, and the manifest stays without', () => {
    expect(filledSecret(MANIFEST, { password: 'hunter2' }).data).toEqual({
      username: 'YmF1ZXI=',
      password: Buffer.from('hunter2').toString('base64'),
    });
    expect(JSON.stringify(MANIFEST)).not.toContain('password":"');
  });

  it('is not sent half filled, nor with what it has no place for; the value is not told', () => {
    expect(() => filledSecret(MANIFEST, {})).toThrow('Secret credentials has no value for password');
    expect(() => filledSecret(MANIFEST, { password: '' })).toThrow('has no value for password');
    expect(() => filledSecret(MANIFEST, { password: 'a', token: 'hunter2' })).toThrow(
      /^Secret credentials has no place for token$/,
    );
  });
});

describe('a generated password', () => {
  it('is long, different each time, and needs no quoting', () => {
    const passwords = Array.from({ length: 100 }, generatePassword);
    expect(new Set(passwords).size).toBe(100);
    for (const each of passwords) expect(each).toMatch(/^[-_A-Za-z0-9]{32}$/);
  });
});
