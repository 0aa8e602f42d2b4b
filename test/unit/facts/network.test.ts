import type { NetworkInterfaceInfo } from 'node:os';
import { describe, expect, it } from 'vitest';
import { describeNetwork } from '../../../agent/facts/network.ts';
import { defaultRoute4, defaultRoute6, fullName } from '../../../agent/facts/routes.ts';

const HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n';

describe('the default route', () => {
  it('is the one with the lowest metric', () => {
    const text =
      `${HEAD}wlan0\t00000000\t0100A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n` +
      'eth0\t00000000\tFE01000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n' +
      'eth0\t0001000A\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\t0\t0\n';
    expect(defaultRoute4(text)).toEqual({ interface: 'eth0', gateway: '10.0.1.254' });
  });

  it('may have no gateway', () => {
    expect(defaultRoute4(`${HEAD}wg0\t00000000\t00000000\t0001\t0\t0\t0\t00000000\t0\t0\t0\n`)).toEqual({
      interface: 'wg0',
    });
  });

  it.each([
    ['nothing', ''],
    ['the heading alone', HEAD],
    ['a network that begins with zero', `${HEAD}eth0\t00000000\t0100A8C0\t0003\t0\t0\t0\t00000080\t0\t0\t0\n`],
    ['a route that is down', `${HEAD}eth0\t00000000\t0100A8C0\t0002\t0\t0\t0\t00000000\t0\t0\t0\n`],
  ])('is not found in %s', (_, text) => {
    expect(defaultRoute4(text)).toBeUndefined();
  });

  const ZERO = '0'.repeat(32);
  it("is read for IPv6, without the kernel's unreachable one", () => {
    const text =
      `${ZERO} 00 ${ZERO} 00 ${ZERO} ffffffff 00000001 00000000 00200200       lo\n` +
      `${ZERO} 00 ${ZERO} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n`;
    expect(defaultRoute6(text)).toEqual({ interface: 'eth0', gateway: 'fe80::1' });
  });
});

describe('the full name', () => {
  it.each([
    ['has a dot itself', 'db1.example.com', '10.0.0.1 db1.other.org db1', '', 'db1.example.com'],
    [
      'stands in hosts',
      'db1',
      '127.0.0.1 localhost\n127.0.1.1 db1.example.com db1 # me\n',
      'search x.org',
      'db1.example.com',
    ],
    ['stands in hosts behind the short one', 'db1', '127.0.1.1 db1 db1.example.com', '', 'db1.example.com'],
    ['ends with the domain of the resolver', 'db1', '', 'domain example.com.\nsearch a.org b.org\n', 'db1.example.com'],
    ['ends with the only domain searched', 'db1', '', 'nameserver 1.1.1.1\nsearch example.com\n', 'db1.example.com'],
    ['is unknown when several are searched', 'db1', '', 'search a.svc.local svc.local\n', undefined],
    ['is unknown when only others stand in hosts', 'db1', '10.0.0.2 db10.example.com db10', '', undefined],
  ])('%s', (_, hostname, hosts, resolver, name) => {
    expect(fullName(hostname, hosts, resolver)).toBe(name);
  });
});

describe('network facts', () => {
  const address = (family: 'IPv4' | 'IPv6', text: string, internal = false): NetworkInterfaceInfo => {
    const common = { address: text, netmask: 'mask', mac: '02:00:00:00:00:01', internal, cidr: null };
    return family === 'IPv4' ? { ...common, family } : { ...common, family, scopeid: 0 };
  };
  const interfaces = {
    lo: [address('IPv4', '127.0.0.1', true)],
    docker0: [address('IPv4', '172.17.0.1')],
    eth1: [address('IPv4', '10.0.0.5'), address('IPv6', 'fe80::1'), address('IPv6', 'fd00::5')],
    veth12ab: [address('IPv6', 'fe80::2')],
  };

  it('take the addresses of the interface that packets leave by', () => {
    const facts = describeNetwork({
      hostname: 'db1',
      fqdn: 'db1.example.com',
      interfaces,
      route4: { interface: 'eth1', gateway: '10.0.0.1' },
      route6: { interface: 'eth1' },
    });
    expect(facts).toMatchObject({
      hostname: 'db1',
      fqdn: 'db1.example.com',
      domain: 'example.com',
      ip: '10.0.0.5',
      ip6: 'fd00::5',
      network: { default: 'eth1', gateway: '10.0.0.1', addresses: ['172.17.0.1', '10.0.0.5', 'fd00::5'] },
    });
    expect(Object.keys((facts['network'] as { interfaces: object }).interfaces)).toEqual(['docker0', 'eth1', 'lo']);
  });

  it('take the first address that others can reach, where no route says which', () => {
    const facts = describeNetwork({
      hostname: 'db1.x',
      fqdn: 'db1.x',
      interfaces,
      route4: undefined,
      route6: undefined,
    });
    expect(facts).toMatchObject({ hostname: 'db1', ip: '172.17.0.1' });
  });

  it('have no ip on a machine with the loopback alone', () => {
    const { lo } = interfaces;
    const facts = describeNetwork({
      hostname: 'x',
      fqdn: undefined,
      interfaces: { lo },
      route4: undefined,
      route6: undefined,
    });
    expect(facts).not.toHaveProperty('ip');
    expect(facts).not.toHaveProperty('fqdn');
  });
});
