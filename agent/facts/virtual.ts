/**
 * Whether this is a physical machine, a virtual one or a container, and of which make: from what the kernel, the
 * firmware and the container runtime leave lying about. Nothing is run and nothing needs root.
 */
import type { Collector } from './collector.ts';
import type { FactDocument } from './fact-value.ts';
import type { SystemFiles } from './system-files.ts';

export interface VirtualHints {
  /** /run/.containerenv, which podman writes. */
  readonly podman: boolean;
  /** /.dockerenv. */
  readonly docker: boolean;
  /** /run/systemd/container, where systemd notes what it found. */
  readonly systemd: string | undefined;
  readonly cgroup: string;
  /** `container=` in the environment of process 1; only root can read it. */
  readonly initEnvironment: string;
  /** Vendor, product and firmware as DMI names them. */
  readonly firmware: string;
  /** /sys/hypervisor/type. */
  readonly hypervisor: string | undefined;
  readonly kernelRelease: string;
  readonly cpuInfo: string;
}

const CONTAINER_CGROUPS: readonly (readonly [RegExp, string])[] = [
  [/kubepods/, 'kubernetes'],
  [/\bdocker[-/]/, 'docker'],
  [/\blibpod[-_]/, 'podman'],
  [/\bcontainerd\b|cri-containerd/, 'containerd'],
  [/\blxc[./]/, 'lxc'],
];

const FIRMWARES: readonly (readonly [RegExp, string])[] = [
  [/VMware/i, 'vmware'],
  [/VirtualBox|innotek/i, 'virtualbox'],
  [/Microsoft Corporation.*Virtual Machine|Hyper-V/is, 'hyperv'],
  [/Amazon EC2/i, 'aws'],
  [/Google/i, 'gce'],
  [/DigitalOcean|Hetzner|OpenStack|Alibaba Cloud|Scaleway|OVHcloud|Linode|Vultr/i, 'kvm'],
  [/Xen|HVM domU/i, 'xen'],
  [/Parallels/i, 'parallels'],
  [/bhyve/i, 'bhyve'],
  [/QEMU|KVM|Bochs|SeaBIOS|EDK II/i, 'kvm'],
];

export function describeVirtual(hints: VirtualHints): FactDocument {
  const container = containerType(hints);
  if (container !== undefined) return { kind: 'container', type: container };
  const vm = vmType(hints);
  return vm === undefined ? { kind: 'physical' } : { kind: 'vm', type: vm };
}

function containerType(hints: VirtualHints): string | undefined {
  const cgroup = CONTAINER_CGROUPS.find(([pattern]) => pattern.test(hints.cgroup))?.[1];
  // Kubernetes runs its containers on one of the other runtimes, whose marks are there too.
  if (cgroup === 'kubernetes') return cgroup;
  if (hints.podman) return 'podman';
  if (hints.docker) return 'docker';
  const declared = hints.systemd ?? /(?:^|\0)container=([^\0]+)/.exec(hints.initEnvironment)?.[1];
  return declared ?? cgroup;
}

function vmType(hints: VirtualHints): string | undefined {
  if (/microsoft/i.test(hints.kernelRelease)) return 'wsl';
  // A bare-metal server of a cloud carries the cloud's name too: the processor says whether a hypervisor is there.
  const flagged = /^flags\s*:.*\bhypervisor\b/m.test(hints.cpuInfo);
  const knowsFlags = /^flags\s*:/m.test(hints.cpuInfo);
  const firmware = FIRMWARES.find(([pattern]) => pattern.test(hints.firmware))?.[1];
  if (firmware !== undefined && (flagged || !knowsFlags)) return firmware;
  return hints.hypervisor ?? (flagged ? 'unknown' : undefined);
}

async function readHints(files: SystemFiles): Promise<VirtualHints> {
  const firmware = ['sys_vendor', 'product_name', 'bios_vendor', 'board_vendor'];
  const dmi = await Promise.all(firmware.map((name) => files.line(`/sys/class/dmi/id/${name}`)));
  return {
    podman: await files.exists('/run/.containerenv'),
    docker: await files.exists('/.dockerenv'),
    systemd: await files.line('/run/systemd/container'),
    cgroup: (await files.text('/proc/1/cgroup')) ?? '',
    initEnvironment: (await files.text('/proc/1/environ')) ?? '',
    firmware: dmi.filter((line) => line !== undefined).join('\n'),
    hypervisor: await files.line('/sys/hypervisor/type'),
    kernelRelease: (await files.line('/proc/sys/kernel/osrelease')) ?? '',
    cpuInfo: (await files.text('/proc/cpuinfo')) ?? '',
  };
}

export function virtualCollector(files: SystemFiles): Collector {
  return {
    name: 'virtual',
    owns: ['virtual'],
    volatile: [],
    refreshMs: 60 * 60_000,
    timeoutMs: 5_000,
    spawns: false,
    collect: async () => ({ virtual: describeVirtual(await readHints(files)) }),
  };
}
