/** Names, interfaces and addresses. The default `ip` is the one that packets leave with. */
import { hostname, networkInterfaces, type NetworkInterfaceInfo } from 'node:os';
import { LIMITS } from '../../shared/limits.ts';
import type { Collector } from './collector.ts';
import { setFact, type FactDocument, type FactValue } from './fact-value.ts';
import { defaultRoute4, defaultRoute6, fullName, type DefaultRoute } from './routes.ts';
import type { SystemFiles } from './system-files.ts';

/** Ends of cables into containers and virtual machines: they come and go with those, and say nothing of the host. */
const OTHERS_ENDS = /^(veth|cali|cilium|lxc|tap|vnet|fwln|fwpr|fwbr|ifb|docker_gwbridge)/;

export interface NetworkSources {
  readonly hostname: string;
  readonly fqdn: string | undefined;
  readonly interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>;
  readonly route4: DefaultRoute | undefined;
  readonly route6: DefaultRoute | undefined;
}

export function describeNetwork(sources: NetworkSources): FactDocument {
  const own = Object.entries(sources.interfaces)
    .flatMap(([name, infos]) => (infos === undefined || OTHERS_ENDS.test(name) ? [] : [{ name, infos }]))
    .toSorted((left, right) => (left.name < right.name ? -1 : 1))
    .slice(0, LIMITS.factListItems);
  const interfaces: Record<string, FactValue> = {};
  for (const { name, infos } of own) setFact(interfaces, name, describeInterface(infos));
  const reachable = own.flatMap(({ infos }) => infos.filter((info) => !info.internal && !isLinkLocal(info)));
  const ip = outgoing(sources.interfaces, sources.route4, reachable, 'IPv4');
  const ip6 = outgoing(sources.interfaces, sources.route6, reachable, 'IPv6');
  const gateway = sources.route4?.gateway ?? sources.route6?.gateway;
  const domain = sources.fqdn?.slice(sources.fqdn.indexOf('.') + 1);
  const preferred = sources.route4?.interface ?? sources.route6?.interface;
  return {
    hostname: sources.hostname.split('.', 1)[0] ?? sources.hostname,
    ...(sources.fqdn === undefined ? {} : { fqdn: sources.fqdn }),
    ...(domain === undefined ? {} : { domain }),
    ...(ip === undefined ? {} : { ip }),
    ...(ip6 === undefined ? {} : { ip6 }),
    network: {
      interfaces,
      addresses: reachable.map((info) => info.address),
      ...(preferred === undefined ? {} : { default: preferred }),
      ...(gateway === undefined ? {} : { gateway }),
    },
  };
}

function describeInterface(infos: readonly NetworkInterfaceInfo[]): FactDocument {
  const ip = infos.find((info) => info.family === 'IPv4');
  const ip6 = infos.find((info) => info.family === 'IPv6' && !isLinkLocal(info));
  return {
    mac: infos[0]?.mac ?? '',
    addresses: infos.map((info) => info.address),
    ...(ip === undefined ? {} : { ip: ip.address, netmask: ip.netmask }),
    ...(ip6 === undefined ? {} : { ip6: ip6.address }),
  };
}

/** The address on the interface of the default route, or the first that others can reach. */
function outgoing(
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>,
  route: DefaultRoute | undefined,
  reachable: readonly NetworkInterfaceInfo[],
  family: 'IPv4' | 'IPv6',
): string | undefined {
  const onRoute = route === undefined ? [] : (interfaces[route.interface] ?? []);
  return [...onRoute, ...reachable].find((info) => info.family === family && !isLinkLocal(info))?.address;
}

function isLinkLocal(info: NetworkInterfaceInfo): boolean {
  return info.address.startsWith('169.254.') || /^fe[89ab]/i.test(info.address);
}

export function networkCollector(files: SystemFiles): Collector {
  return {
    name: 'network',
    owns: ['hostname', 'fqdn', 'domain', 'ip', 'ip6', 'network'],
    volatile: [],
    refreshMs: 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async () => {
      const read = async (path: string): Promise<string> => (await files.text(path)) ?? '';
      const name = hostname();
      return describeNetwork({
        hostname: name,
        fqdn: fullName(name, await read('/etc/hosts'), await read('/etc/resolv.conf')),
        interfaces: networkInterfaces(),
        route4: defaultRoute4(await read('/proc/net/route')),
        route6: defaultRoute6(await read('/proc/net/ipv6_route')),
      });
    },
  };
}
