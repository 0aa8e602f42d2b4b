/** The default routes as /proc/net tells them, and the full name of a host from its own files. Pure. */

export interface DefaultRoute {
  readonly interface: string;
  /** Absent where the route goes straight to the link. */
  readonly gateway?: string;
}

/** /proc/net/route: addresses are hexadecimal, in the byte order of the machine (little-endian wherever Node runs). */
export function defaultRoute4(text: string): DefaultRoute | undefined {
  const routes = rows(text).flatMap(([name, destination, gateway, flags, , , metric, mask]) =>
    name !== undefined && destination === '00000000' && mask === '00000000' && isUsable(flags)
      ? [{ interface: name, gateway: address4(gateway ?? ''), metric: Number(metric) }]
      : [],
  );
  return best(routes);
}

/** /proc/net/ipv6_route; the kernel's own unreachable default on `lo` is not one. */
export function defaultRoute6(text: string): DefaultRoute | undefined {
  const nowhere = '0'.repeat(32);
  const routes = rows(text).flatMap(([destination, prefix, , , next, metric, , , flags, name]) =>
    name !== undefined && name !== 'lo' && destination === nowhere && prefix === '00' && isUsable(flags)
      ? [
          {
            interface: name,
            gateway: next === undefined || next === nowhere ? undefined : address6(next),
            metric: Number.parseInt(metric ?? '0', 16),
          },
        ]
      : [],
  );
  return best(routes);
}

function rows(text: string): string[][] {
  return text.split('\n').map((line) => line.trim().split(/\s+/));
}

const FLAG_UP = 0x1;
const FLAG_REJECT = 0x200;

function isUsable(flags: string | undefined): boolean {
  const bits = Number.parseInt(flags ?? '0', 16);
  return (bits & FLAG_UP) !== 0 && (bits & FLAG_REJECT) === 0;
}

function best(routes: { interface: string; gateway: string | undefined; metric: number }[]): DefaultRoute | undefined {
  const route = routes.toSorted((left, right) => left.metric - right.metric)[0];
  if (route === undefined) return undefined;
  return { interface: route.interface, ...(route.gateway === undefined ? {} : { gateway: route.gateway }) };
}

function address4(hex: string): string | undefined {
  const octets = hex.match(/../g)?.map((pair) => Number.parseInt(pair, 16));
  return hex === '00000000' ? undefined : octets?.toReversed().join('.');
}

/** Written as RFC 5952 wants it; a URL parser knows how. */
function address6(hex: string): string {
  return new URL(`http://[${hex.match(/..../g)?.join(':')}]`).hostname.slice(1, -1);
}

/**
 * The full name without asking DNS: the name itself if it has a dot, else what /etc/hosts calls it, else with the domain
 * of resolv.conf. A search list of several domains says nothing about which one the host is in.
 */
export function fullName(hostname: string, hosts: string, resolver: string): string | undefined {
  if (hostname.includes('.')) return hostname;
  for (const line of hosts.split('\n')) {
    const [, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    const full = names.includes(hostname) ? names.find((name) => name.startsWith(`${hostname}.`)) : undefined;
    if (full !== undefined) return full;
  }
  const domain = /^\s*domain\s+(\S+)\s*$/m.exec(resolver)?.[1] ?? /^\s*search\s+(\S+)\s*$/m.exec(resolver)?.[1];
  return domain === undefined ? undefined : `${hostname}.${domain.replace(/\.$/, '')}`;
}
