/** Certificates of the bus: what is in those that are made, and what is refused of those that come from elsewhere. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  certificateHosts,
  makeCertificates,
  renewCertificate,
  takeCertificates,
} from '../../../controller/setup/bus-certificates.ts';
import { FleetHome } from '../../../controller/setup/fleet-home.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const NOW = Date.UTC(2026, 10, 21);
const YEAR_MS = 365 * 24 * 60 * 60_000;
const HOSTS = ['bus.example.org', '10.0.0.5', 'localhost', '127.0.0.1', '::1'];

async function made(hosts = HOSTS, now = NOW): Promise<FleetHome> {
  const home = new FleetHome(temporaryFolder());
  await makeCertificates(home, { fleet: 'main', hosts, now });
  return home;
}
const read = (path: string): X509Certificate => new X509Certificate(readFileSync(path, 'utf8'));

describe('certificates that are made', () => {
  it('are an authority for ten years, and a server for two, for each name and address', async () => {
    const home = await made();
    const [ca, server] = [read(home.caFile), read(home.serverCertificate)];
    expect([ca.ca, server.ca]).toEqual([true, false]);
    expect(server.checkIssued(ca) && server.verify(ca.publicKey)).toBe(true);
    expect((Date.parse(ca.validTo) - NOW) / YEAR_MS).toBe(10);
    expect((Date.parse(server.validTo) - NOW) / YEAR_MS).toBe(2);
    expect(HOSTS.filter((host) => (server.checkHost(host) ?? server.checkIP(host)) === undefined)).toEqual([]);
    expect([server.checkHost('other.example.org'), server.checkIP('10.0.0.6')]).toEqual([undefined, undefined]);
    // The servers of a cluster show it to each other, too.
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2']);
    expect(new Set([ca.serialNumber, server.serialNumber]).size).toBe(2);
  });

  it('are renewed under the same authority, and not beyond its end', async () => {
    const home = await made();
    const before = read(home.serverCertificate);
    const later = NOW + 9 * YEAR_MS;
    const until = await renewCertificate(home, { hosts: ['bus2.example.org'], now: later });
    const [ca, after] = [read(home.caFile), read(home.serverCertificate)];
    expect(after.verify(ca.publicKey)).toBe(true);
    expect(after.checkHost('bus2.example.org')).toBeDefined();
    expect([until, after.validTo]).toEqual([Date.parse(ca.validTo), ca.validTo]);
    expect(after.publicKey.equals(before.publicKey)).toBe(false);
    await expect(renewCertificate(home, { hosts: HOSTS, now: NOW + 11 * YEAR_MS })).rejects.toMatchObject({
      code: 'ca-ended',
    });
  });

  it('can not be renewed without the key of the authority, or with another one', async () => {
    const [home, other] = [await made(), await made()];
    writeFileSync(home.caKey, readFileSync(other.caKey));
    await expect(renewCertificate(home, { hosts: HOSTS, now: NOW })).rejects.toMatchObject({ code: 'ca-broken' });
    rmSync(home.caKey);
    await expect(renewCertificate(home, { hosts: HOSTS, now: NOW })).rejects.toMatchObject({ code: 'no-ca-key' });
  });

  it('are for where the bus is reached, where it listens, and its own machine', () => {
    const own = ['localhost', '127.0.0.1', '::1'];
    expect(certificateHosts(['tls://a.example.org:4222', 'tls://[fd00::1]:4222'], '0.0.0.0:4222')).toEqual([
      'a.example.org',
      'fd00::1',
      ...own,
    ]);
    expect(certificateHosts(['tls://a.example.org.:4222'], '10.0.0.5:4222')).toEqual([
      'a.example.org',
      '10.0.0.5',
      ...own,
    ]);
    expect(certificateHosts(['tls://127.0.0.1:1'], '[::]:4222')).toEqual(['127.0.0.1', 'localhost', '::1']);
  });
});

describe('certificates from elsewhere', () => {
  const taking = { hosts: ['bus.example.org'], now: NOW };
  const given = (home: FleetHome) => ({
    certificateFile: home.serverCertificate,
    keyFile: home.serverKey,
    caFile: home.caFile,
  });

  it('are copied, with the certificate of their authority and without its key', async () => {
    const [from, home] = [await made(), new FleetHome(temporaryFolder())];
    const until = await takeCertificates(home, given(from), taking);
    expect((until - NOW) / YEAR_MS).toBe(2);
    for (const file of ['caFile', 'serverCertificate', 'serverKey'] as const)
      expect(readFileSync(home[file], 'utf8')).toBe(readFileSync(from[file], 'utf8'));
    await expect(renewCertificate(home, taking)).rejects.toMatchObject({ code: 'no-ca-key' });
  });

  it('are refused when they are not right, before anything is copied', async () => {
    const [from, other] = [await made(), await made()];
    const notPem = join(from.folder, 'text');
    writeFileSync(notPem, 'text');
    const cases: [object, Partial<typeof taking>, RegExp][] = [
      [{ certificateFile: '/nowhere' }, {}, /can't be read \(ENOENT\)/],
      [{ certificateFile: notPem }, {}, /not a certificate in PEM/],
      [{ keyFile: notPem }, {}, /not a private key/],
      [{ keyFile: other.serverKey }, {}, /is not the key of/],
      [{ caFile: other.caFile }, {}, /not signed by the authority/],
      [{ caFile: notPem }, {}, /not a certificate in PEM/],
      [{}, { now: NOW + 3 * YEAR_MS }, /ended on/],
      [{}, { hosts: ['bus.example.com'] }, /is not for bus\.example\.com/],
      [{}, { hosts: ['10.0.0.6'] }, /is not for 10\.0\.0\.6/],
    ];
    for (const [files, how, says] of cases) {
      const home = new FleetHome(temporaryFolder());
      const work = takeCertificates(home, { ...given(from), ...files }, { ...taking, ...how });
      await expect(work).rejects.toMatchObject({ code: 'bad-certificate', exit: 2, message: expect.stringMatching(says) as string }); // prettier-ignore
      expect(() => read(home.serverCertificate)).toThrow('ENOENT');
    }
  });
});
