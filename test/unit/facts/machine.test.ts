import { describe, expect, it } from 'vitest';
import { parseCpuInfo } from '../../../agent/facts/cpu.ts';
import { parseMountInfo } from '../../../agent/facts/disks.ts';
import { describeKernel } from '../../../agent/facts/kernel.ts';
import { parseMemInfo } from '../../../agent/facts/memory.ts';
import { describeVirtual, type VirtualHints } from '../../../agent/facts/virtual.ts';
import { LIMITS } from '../../../shared/limits.ts';

describe('the kernel', () => {
  it.each([
    ['6.1.0-18-amd64', { version: '6.1.0', major: 6, minor: 1 }],
    ['5.14.0-362.8.1.el9_3.x86_64', { version: '5.14.0', major: 5, minor: 14 }],
    ['5.15.146.1-microsoft-standard-WSL2', { version: '5.15.146.1', major: 5, minor: 15 }],
    ['unknown', {}],
  ])('%s', (release, parts) => {
    expect(describeKernel('Linux', release)).toEqual({ name: 'Linux', release, ...parts });
  });
});

describe('processors', () => {
  const thread = (id: number, socket: number, core: number): string =>
    `processor\t: ${id}\nvendor_id\t: GenuineIntel\nmodel name\t: Intel(R) Xeon(R)   Silver 4110\nphysical id\t: ${socket}\ncore id\t\t: ${core}\n`;

  it('counts threads, cores and sockets apart', () => {
    const text = [thread(0, 0, 0), thread(1, 0, 1), thread(2, 1, 0), thread(3, 1, 1), thread(4, 0, 0)].join('\n');
    expect(parseCpuInfo(text)).toEqual({
      cpus: 5,
      cpu: { model: 'Intel(R) Xeon(R) Silver 4110', vendor: 'GenuineIntel', cores: 4, sockets: 2 },
    });
  });

  it('leaves out what an ARM kernel does not say', () => {
    const text =
      'processor\t: 0\nBogoMIPS\t: 108.00\nCPU implementer\t: 0x41\n\nprocessor\t: 1\nBogoMIPS\t: 108.00\n\nHardware\t: BCM2835\n';
    expect(parseCpuInfo(text)).toEqual({ cpus: 2, cpu: {} });
  });

  it('finds none in nothing', () => {
    expect(parseCpuInfo('')).toEqual({ cpus: 0, cpu: {} });
  });
});

describe('memory', () => {
  it('is in bytes', () => {
    const text =
      'MemTotal:       2048000 kB\nMemFree:         102400 kB\nMemAvailable:   1024000 kB\nSwapCached:           0 kB\nSwapTotal:       524288 kB\nSwapFree:        524000 kB\n';
    expect(parseMemInfo(text)).toEqual({
      total: 2_097_152_000,
      free: 104_857_600,
      available: 1_048_576_000,
      swap: { total: 536_870_912, free: 536_576_000 },
    });
  });

  it('works out what is available on a kernel that does not say', () => {
    const text = 'MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 20 kB\nCached: 300 kB\nSwapCached: 9 kB\n';
    expect(parseMemInfo(text)?.['available']).toBe(420 * 1024);
  });

  it('is not known without a total', () => {
    expect(parseMemInfo('MemFree: 1 kB\n')).toBeUndefined();
  });
});

describe('disks', () => {
  it('lists real file systems, each once, and none that asks for a network as local', () => {
    const text = [
      '22 27 0:21 / /proc rw,relatime - proc proc rw',
      '27 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,discard',
      '30 27 8:1 /srv/data /mnt/bind rw - ext4 /dev/sda1 rw',
      '31 27 253:0 / /var/lib rw - xfs /dev/mapper/vg-var\\040lib rw',
      '32 27 0:44 / /run rw - tmpfs tmpfs rw,size=100k',
      '33 27 7:0 / /snap/core/1 ro - squashfs /dev/loop0 ro',
      '34 27 0:50 / /var/lib/docker/overlay2/x/merged rw - overlay overlay rw',
      '35 27 0:51 / /home rw - nfs4 files:/export/home rw',
      '36 27 0:52 / /tank rw - zfs tank rw',
      '37 27 0:53 / /mnt/with\\040blank rw - ext4 /dev/sdb1 rw',
      'not a line',
      '',
    ].join('\n');
    expect(parseMountInfo(text)).toEqual([
      { mount: '/', device: '/dev/sda1', type: 'ext4', remote: false },
      { mount: '/home', device: 'files:/export/home', type: 'nfs4', remote: true },
      { mount: '/mnt/with blank', device: '/dev/sdb1', type: 'ext4', remote: false },
      { mount: '/tank', device: 'tank', type: 'zfs', remote: false },
      { mount: '/var/lib', device: '/dev/mapper/vg-var lib', type: 'xfs', remote: false },
    ]);
  });

  it("takes a container's own root, and no other overlay", () => {
    const text =
      '1 0 0:60 / / rw - overlay overlay rw,lowerdir=/a\n2 1 0:61 / /var/lib/x rw - overlay overlay rw,lowerdir=/b';
    expect(parseMountInfo(text).map(({ mount }) => mount)).toEqual(['/']);
  });

  it('is bounded', () => {
    const text = Array.from({ length: 500 }, (_, at) => `${at} 1 9:${at} / /m${at} rw - ext4 /dev/x${at} rw`).join(
      '\n',
    );
    expect(parseMountInfo(text)).toHaveLength(LIMITS.factListItems);
  });
});

describe('virtualisation', () => {
  const PHYSICAL: VirtualHints = {
    podman: false,
    docker: false,
    systemd: undefined,
    cgroup: '0::/init.scope\n',
    initEnvironment: 'HOME=/\0TERM=linux\0',
    firmware: 'Dell Inc.\nPowerEdge R640\nDell Inc.',
    hypervisor: undefined,
    kernelRelease: '6.1.0-18-amd64',
    cpuInfo: 'processor\t: 0\nflags\t\t: fpu vme de\n',
  };
  const VIRTUAL = { ...PHYSICAL, cpuInfo: 'processor\t: 0\nflags\t\t: fpu vme hypervisor lahf_lm\n' };

  it.each<[string, VirtualHints, object]>([
    ['a server', PHYSICAL, { kind: 'physical' }],
    ['a bare-metal server of a cloud', { ...PHYSICAL, firmware: 'Amazon EC2\nm5.metal' }, { kind: 'physical' }],
    ['KVM', { ...VIRTUAL, firmware: 'QEMU\nStandard PC (i440FX + PIIX, 1996)\nSeaBIOS' }, { kind: 'vm', type: 'kvm' }],
    ['VMware', { ...VIRTUAL, firmware: 'VMware, Inc.\nVMware7,1' }, { kind: 'vm', type: 'vmware' }],
    ['VirtualBox', { ...VIRTUAL, firmware: 'innotek GmbH\nVirtualBox' }, { kind: 'vm', type: 'virtualbox' }],
    ['Hyper-V', { ...VIRTUAL, firmware: 'Microsoft Corporation\nVirtual Machine' }, { kind: 'vm', type: 'hyperv' }],
    ['EC2', { ...VIRTUAL, firmware: 'Amazon EC2\nt3.micro' }, { kind: 'vm', type: 'aws' }],
    [
      'EC2 on ARM',
      { ...PHYSICAL, cpuInfo: 'processor: 0\nFeatures: fp', firmware: 'Amazon EC2' },
      { kind: 'vm', type: 'aws' },
    ],
    ['Xen without firmware', { ...VIRTUAL, firmware: '', hypervisor: 'xen' }, { kind: 'vm', type: 'xen' }],
    ['a hypervisor without a name', { ...VIRTUAL, firmware: '' }, { kind: 'vm', type: 'unknown' }],
    ['WSL', { ...VIRTUAL, kernelRelease: '5.15.146.1-microsoft-standard-WSL2' }, { kind: 'vm', type: 'wsl' }],
    ['docker', { ...VIRTUAL, docker: true }, { kind: 'container', type: 'docker' }],
    ['podman', { ...PHYSICAL, podman: true }, { kind: 'container', type: 'podman' }],
    [
      'a pod',
      { ...VIRTUAL, docker: true, cgroup: '11:cpu:/kubepods/besteffort/pod1/abc\n' },
      { kind: 'container', type: 'kubernetes' },
    ],
    ['systemd-nspawn', { ...PHYSICAL, systemd: 'systemd-nspawn' }, { kind: 'container', type: 'systemd-nspawn' }],
    ['LXC', { ...PHYSICAL, initEnvironment: 'A=1\0container=lxc\0' }, { kind: 'container', type: 'lxc' }],
    ['docker by its cgroup', { ...PHYSICAL, cgroup: '4:memory:/docker/f00\n' }, { kind: 'container', type: 'docker' }],
  ])('%s', (_, hints, facts) => {
    expect(describeVirtual(hints)).toEqual(facts);
  });
});
