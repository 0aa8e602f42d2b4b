import { describe, expect, it } from 'vitest';
import { describeOs, parseOsRelease } from '../../../agent/facts/os.ts';

/** Of /etc/os-release, as installed, and of the distribution's own release file where there is one. */
const SYSTEMS = [
  {
    system: 'Debian 12',
    text: 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nNAME="Debian GNU/Linux"\nVERSION_ID="12"\nVERSION="12 (bookworm)"\nVERSION_CODENAME=bookworm\nID=debian\n',
    point: '12.11',
    facts: {
      family: 'debian',
      name: 'debian',
      title: 'Debian GNU/Linux 12 (bookworm)',
      version: '12',
      release: { full: '12.11', major: 12, minor: 11 },
      codename: 'bookworm',
    },
  },
  {
    system: 'Debian testing, which has no version',
    text: 'PRETTY_NAME="Debian GNU/Linux trixie/sid"\nNAME="Debian GNU/Linux"\nVERSION_CODENAME=trixie\nID=debian\n',
    point: 'trixie/sid',
    facts: { family: 'debian', name: 'debian', title: 'Debian GNU/Linux trixie/sid', codename: 'trixie' },
  },
  {
    system: 'Ubuntu 22.04, whose debian_version is another system’s',
    text: 'PRETTY_NAME="Ubuntu 22.04.4 LTS"\nNAME="Ubuntu"\nVERSION_ID="22.04"\nVERSION="22.04.4 LTS (Jammy Jellyfish)"\nVERSION_CODENAME=jammy\nID=ubuntu\nID_LIKE=debian\n',
    point: 'bookworm/sid',
    facts: {
      family: 'debian',
      name: 'ubuntu',
      title: 'Ubuntu 22.04.4 LTS',
      version: '22.04',
      release: { full: '22.04', major: 22, minor: 4 },
      codename: 'jammy',
    },
  },
  {
    system: 'Red Hat Enterprise Linux 9',
    text: 'NAME="Red Hat Enterprise Linux"\nVERSION="9.3 (Plow)"\nID="rhel"\nID_LIKE="fedora"\nVERSION_ID="9.3"\nPRETTY_NAME="Red Hat Enterprise Linux 9.3 (Plow)"\n',
    point: 'Red Hat Enterprise Linux release 9.3 (Plow)',
    facts: {
      family: 'redhat',
      name: 'rhel',
      title: 'Red Hat Enterprise Linux 9.3 (Plow)',
      version: '9.3',
      release: { full: '9.3', major: 9, minor: 3 },
      codename: 'Plow',
    },
  },
  {
    system: 'CentOS 7',
    text: 'NAME="CentOS Linux"\nVERSION="7 (Core)"\nID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\nPRETTY_NAME="CentOS Linux 7 (Core)"\n',
    point: 'CentOS Linux release 7.9.2009 (Core)',
    facts: {
      family: 'redhat',
      name: 'centos',
      title: 'CentOS Linux 7 (Core)',
      version: '7',
      release: { full: '7.9.2009', major: 7, minor: 9 },
      codename: 'Core',
    },
  },
  {
    system: 'Rocky Linux 9, by what it is like',
    text: 'NAME="Rocky Linux"\nVERSION="9.4 (Blue Onyx)"\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\nPRETTY_NAME="Rocky Linux 9.4 (Blue Onyx)"\n',
    point: 'Rocky Linux release 9.4 (Blue Onyx)',
    facts: {
      family: 'redhat',
      name: 'rocky',
      title: 'Rocky Linux 9.4 (Blue Onyx)',
      version: '9.4',
      release: { full: '9.4', major: 9, minor: 4 },
      codename: 'Blue Onyx',
    },
  },
  {
    system: 'Alpine',
    text: 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.19.1\nPRETTY_NAME="Alpine Linux v3.19"\n',
    facts: {
      family: 'alpine',
      name: 'alpine',
      title: 'Alpine Linux v3.19',
      version: '3.19.1',
      release: { full: '3.19.1', major: 3, minor: 19 },
    },
  },
  {
    system: 'Arch, which rolls',
    text: 'NAME="Arch Linux"\nPRETTY_NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n',
    facts: { family: 'arch', name: 'arch', title: 'Arch Linux' },
  },
  {
    system: 'openSUSE Leap',
    text: 'NAME="openSUSE Leap"\nVERSION="15.5"\nID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.5"\nPRETTY_NAME="openSUSE Leap 15.5"\n',
    facts: {
      family: 'suse',
      name: 'opensuse-leap',
      title: 'openSUSE Leap 15.5',
      version: '15.5',
      release: { full: '15.5', major: 15, minor: 5 },
    },
  },
  {
    system: 'SUSE Linux Enterprise',
    text: 'NAME="SLES"\nVERSION="15-SP5"\nVERSION_ID="15.5"\nPRETTY_NAME="SUSE Linux Enterprise Server 15 SP5"\nID="sles"\nID_LIKE="suse"\n',
    facts: {
      family: 'suse',
      name: 'sles',
      title: 'SUSE Linux Enterprise Server 15 SP5',
      version: '15.5',
      release: { full: '15.5', major: 15, minor: 5 },
    },
  },
  {
    system: 'one that nobody knows',
    text: 'ID=homemade\nPRETTY_NAME=\'It is "mine"\'\nVERSION_ID=one\n',
    facts: { family: 'homemade', name: 'homemade', title: 'It is "mine"', version: 'one', release: { full: 'one' } },
  },
];

describe('the operating system', () => {
  it.each(SYSTEMS)('is $system', ({ text, point, facts }) => {
    expect(describeOs(parseOsRelease(text), point)).toEqual(facts);
  });

  it('reads quotes and backslashes as a shell does', () => {
    const fields = parseOsRelease('# a comment\nA="one \\"two\\" \\$three"\nB=\'x\'\nC=plain\n\nnot a field\nD=""\n');
    expect([...fields]).toEqual([
      ['A', 'one "two" $three'],
      ['B', 'x'],
      ['C', 'plain'],
      ['D', ''],
    ]);
  });
});
