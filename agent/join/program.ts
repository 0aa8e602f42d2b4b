/** `fleet-agent join`: arguments, the token from where it's kept, and what the person reads. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { Clock } from '../../shared/clock.ts';
import { DURATION_EXPECTED, readDuration } from '../../shared/duration.ts';
import { UsageError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { isNodeName } from '../../shared/names/node-name.ts';
import { toServerUrl } from '../../shared/server-url.ts';
import { parseJoinToken, type JoinToken } from '../../shared/wire/join-token.ts';
import { joinFleet } from './join.ts';
import { defaultName, describeHost } from './this-host.ts';

const JOIN_USAGE = `Usage: fleet-agent join URL TOKEN [--name NAME] [--dir DIR] [--token-file FILE]

Makes this server a node of the fleet that the token is of. Its keys are made here and never leave; run again, it goes on
where it was interrupted.

  URL    the bus: HOST[:PORT] or tls://HOST:PORT; nats://HOST:PORT is one without TLS
  TOKEN  as \`fleet enroll token\` printed it; - reads it from standard input, @FILE from a file: others can't see it then

Options:
  --name NAME        what it's called (default: the short name of this host)
  --dir DIR          where identity and settings go (default: /etc/fleet)
  --token-file FILE  the token, instead of TOKEN; - for standard input
  --timeout TIME     how long to ask: 90s, 10m (default: as long as the token is good)
  --help             print this

Exits with 0 when it has joined, 2 when it can't ask, 4 when nobody approved it in time, 5 without bus or service,
7 when it's refused, 130 when it's interrupted.

Examples:
  fleet-agent join 10.20.0.5 - < token
  fleet-agent join bus.example.org --token-file /run/token --name web1
`;

export interface JoinSurroundings {
  readonly stdout: (text: string) => void;
  readonly stderr: (text: string) => void;
  readonly clock: Clock;
  readonly bootId: string;
  readonly signal: AbortSignal;
}

/** @throws FleetError */
export async function runJoin(args: readonly string[], surroundings: JoinSurroundings): Promise<void> {
  const { values, positionals } = readArguments(args);
  const { stdout, stderr, clock } = surroundings;
  if (values.help === true) return stdout(JOIN_USAGE);
  const [address = '', word, ...others] = positionals;
  const source =
    values['token-file'] === undefined ? word : values['token-file'] === '-' ? '-' : `@${values['token-file']}`;
  if (others.length > 0 || (word !== undefined && values['token-file'] !== undefined))
    throw badUsage('that is too much');
  const url = toServerUrl(address);
  if (url === undefined)
    throw badUsage(address === '' ? 'where is the bus?' : `"${address}" is not the address of a bus`);
  if (source === undefined) throw badUsage('where is the token?');
  const token = readToken(source);
  const name = readName(values.name);
  const folder = resolve(values.dir ?? '/etc/fleet');
  const patienceMs = readPatience(values.timeout, token, clock);
  const { kept, trusted } = await joinFleet(
    { url, token, name, folder, patienceMs, bootId: surroundings.bootId, host: describeHost() },
    { clock, signal: surroundings.signal, random: Math.random, say: (line) => stderr(`fleet-agent: ${line}\n`) },
  );
  for (const file of kept.filter((path) => path !== 'state/fresh'))
    stderr(`fleet-agent: ${folder}/${file} was there, and stays as it was: look whether it fits\n`);
  const facts = Object.entries(trusted).map(([key, value]) => `trusted.${key}=${String(value)}`);
  const config = folder === '/etc/fleet' ? '' : ` --config ${folder}/agent.yaml`;
  stdout(`${name} is a node of the fleet ${token.fleet}${facts.length === 0 ? '' : `, with ${facts.join(', ')}`}. Its keys are in ${folder}.

Next, start its agent, and have it started with the system:
  fleet-agent${config}
  systemctl enable --now fleet-agent     (deploy/systemd/fleet-agent.service)
`);
}

function readArguments(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        name: { type: 'string' },
        dir: { type: 'string' },
        'token-file': { type: 'string' },
        timeout: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    throw badUsage(error instanceof Error ? (error.message.split('\n')[0] ?? '') : '');
  }
}

/** Without its own text in any error. */
function readToken(source: string): JoinToken {
  const path = source === '-' ? 0 : source.startsWith('@') ? source.slice(1) : undefined;
  if (path === undefined) return parseJoinToken(source);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const where = path === 0 ? 'standard input' : path;
    throw new UsageError(
      `the token can't be read from ${where} (${(cause as NodeJS.ErrnoException).code ?? 'error'})`,
      {
        code: 'bad-token',
        cause,
      },
    );
  }
  return parseJoinToken(text);
}

function readName(given: string | undefined): string {
  const name = given ?? defaultName();
  if (name !== undefined && isNodeName(name)) return name;
  if (name !== undefined)
    throw new UsageError(`${JSON.stringify(name)} can't be the name of a node`, {
      code: 'bad-name',
      hint: 'Names are lower-case letters, digits, ".", "-" and "_", a letter or digit first.',
    });
  throw new UsageError('the name of this host is none that a node can have', {
    code: 'bad-name',
    hint: 'Say what it is called: --name NAME',
  });
}

function readPatience(given: string | undefined, token: JoinToken, clock: Clock): number {
  const ms = given === undefined ? token.expires - clock.now() : readDuration(given);
  if (ms === undefined)
    throw new UsageError(`--timeout can't be "${given}"`, {
      code: 'bad-value',
      hint: `Expected ${DURATION_EXPECTED}.`,
    });
  return Math.min(ms, LIMITS.joinTokenLifeMs);
}

function badUsage(why: string): UsageError {
  return new UsageError(why, { code: 'usage', hint: '`fleet-agent join --help` shows what there is.' });
}
