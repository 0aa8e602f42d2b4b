/**
 * The way of a command through an agent, from the bytes of the message to the call of its action, beside the one thing
 * that can't be left out: verifying the signature. Runs in a process of its own, with the agent's own memory settings.
 */
import { createPublicKey, randomBytes, verify, type KeyObject } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { pingAction } from '../../agent/actions/ping.ts';
import type { AuditTrail } from '../../agent/audit/audit-trail.ts';
import { NodeAudit } from '../../agent/audit/node-audit.ts';
import { Counters } from '../../agent/counters.ts';
import { createFactStore } from '../../agent/facts/create-fact-store.ts';
import { becomeFast, keepSmall } from '../../agent/heap.ts';
import { RunningCommands } from '../../agent/jobs/running-commands.ts';
import { OutputSenders } from '../../agent/output/output-senders.ts';
import { Pipeline } from '../../agent/pipeline.ts';
import { FRESH_MARKER, ReplayMemory } from '../../agent/replay/replay-memory.ts';
import { AuditLog } from '../../shared/audit/audit-log.ts';
import { systemClock as clock } from '../../shared/clock.ts';
import { compilePolicy } from '../../shared/policy/compile.ts';
import { SealOpener } from '../../shared/sealing.ts';
import { auditStream } from '../../shared/streams.ts';
import { encodeCommand } from '../../shared/wire/command.ts';
import { signedBytes } from '../../shared/wire/signed-bytes.ts';
import { FakeBus } from '../support/fake-bus.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { medianOf } from './statistics.ts';

/** The first ones are for V8, which compiles what is hot. */
const WARM_UP = 6_000;
const COMMANDS = 4_000;
const NODE = 'db1';
const WHERE = 'os.family=* and role=db';
const policy = compilePolicy({ version: 1, roles: { operator: { allow: [{ actions: ['*'] }] } } });
const SPKI_HEADER = Buffer.from('302a300506032b6570032100', 'hex');

/** Where what is written down isn't part of what is measured. */
const NO_AUDIT: AuditTrail = {
  started: () => Promise.resolve(),
  answered: () => undefined,
  recovered: () => undefined,
  dropped: () => undefined,
};

/** Medians, in microseconds. */
export interface DispatchTimes {
  /** node:crypto alone, on a prepared key and the same bytes. */
  readonly verify: number;
  /** Until the action is called. */
  readonly dispatch: number;
  /** Until the answer is signed and sent. */
  readonly answer: number;
}

/** @param writes whether the agent's line in its log (to /dev/null) and in its journal are part of it */
export async function timeDispatch(writes: boolean, path: string): Promise<DispatchTimes> {
  keepSmall();
  // As an agent does it that has as many commands as this.
  becomeFast();
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-'));
  try {
    const fleet = new FleetMaterial({ now: clock.now() });
    const operator = await fleet.operator('alice');
    const agent = await startPipeline(fleet, folder, writes, path);
    const key = createPublicKey({
      key: Buffer.concat([SPKI_HEADER, operator.credential.body.sign]),
      format: 'der',
      type: 'spki',
    });
    // All of them first: a node doesn't sign the commands that it gets.
    const commands: SignedCommand[] = [];
    for (let index = 0; index < WARM_UP + COMMANDS; index++) commands.push(await signCommand(fleet, operator));
    const times = { verify: [] as number[], dispatch: [] as number[], answer: [] as number[] };
    for (const [index, signed] of commands.entries()) {
      // In turns first: what comes second finds the caches as the first one left them.
      const first = index % 2 === 0 ? timeVerify(signed, key) : undefined;
      const { dispatch, answer } = await agent.time(signed.message);
      const alone = first ?? timeVerify(signed, key);
      if (index < WARM_UP) continue;
      times.verify.push(alone);
      times.dispatch.push(dispatch);
      times.answer.push(answer);
    }
    await agent.stop();
    return {
      verify: medianOf(times.verify) * 1_000,
      dispatch: medianOf(times.dispatch) * 1_000,
      answer: medianOf(times.answer) * 1_000,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface SignedCommand {
  readonly message: Uint8Array;
  readonly bytes: Uint8Array;
  readonly signature: Uint8Array;
}

async function signCommand(fleet: FleetMaterial, by: Member): Promise<SignedCommand> {
  const now = clock.now();
  const command = fleet.command('', {
    id: randomBytes(16),
    issued: now,
    expires: now + 120_000,
    startBy: now + 120_000,
    target: { nodes: [NODE, 'db2'], where: WHERE },
  });
  const bytes = signedBytes('command', fleet.fleetId, 'ed25519', by.credential.hash, encodeCommand(command));
  return { message: await fleet.sealCommand(command, by), bytes, signature: await by.signer.sign(bytes) };
}

function timeVerify({ bytes, signature }: SignedCommand, key: KeyObject): number {
  const started = performance.now();
  if (!verify(null, bytes, key, signature)) throw new Error('the signature does not hold');
  return performance.now() - started;
}

async function startPipeline(fleet: FleetMaterial, folder: string, writes: boolean, path: string) {
  const stateDir = join(folder, 'state');
  mkdirSync(stateDir);
  writeFileSync(join(stateDir, FRESH_MARKER), '');
  const log = pino({ level: writes ? 'info' : 'error', base: undefined }, pino.destination('/dev/null'));
  const memory = await ReplayMemory.open({ stateDir, bootId: 'bench' }, { clock, log });
  if (!writes) memory.record = () => Promise.resolve();
  const facts = createFactStore({ name: NODE, settings: { role: 'db' }, path }, { clock, log });
  facts.start();
  await facts.refresh();
  const trust = fleet.trust(clock);
  const member = await fleet.node(NODE);
  const bus = new FakeBus();
  const auditLog = await AuditLog.open(
    {
      folder: join(stateDir, 'audit'),
      who: NODE,
      fleetId: fleet.fleetId,
      stream: auditStream(fleet.fleet),
      subject: fleet.subjects.nodeAudit(NODE),
      isTimed: true,
    },
    { bus: new FakeBus(), clock, log, identity: member },
  );
  const audit = writes ? new NodeAudit(auditLog, () => new Set()) : NO_AUDIT;
  const ping = pingAction({ clock, epochs: () => ({ policy: 1, revoked: 1 }) });
  let onCall = (): void => undefined;
  const pipeline = new Pipeline({
    outputs: new OutputSenders({ bus, log }),
    node: NODE,
    identity: member,
    opener: new SealOpener(member.boxSecret),
    bus,
    clock,
    log,
    subjects: fleet.subjects,
    trust,
    control: { covers: () => true, waitFor: () => Promise.resolve(true) },
    memory,
    facts,
    actions: new Map([
      [
        'ping',
        {
          definition: ping.definition,
          run: (input, context) => {
            onCall();
            return ping.run(input, context);
          },
        },
      ],
    ]),
    counters: new Counters(),
    audit,
    // What is measured only reads, and isn't recorded.
    outbox: { put: () => Promise.resolve() },
    holdsQueued: () => Promise.resolve(false),
    policies: () => ({ fleet: policy, node: undefined }),
    running: new RunningCommands(),
    stop: new AbortController().signal,
  });
  const subject = fleet.subjects.commandNode(NODE);
  return {
    time: async (data: Uint8Array): Promise<{ dispatch: number; answer: number }> => {
      let called = NaN;
      onCall = () => (called = performance.now());
      const started = performance.now();
      pipeline.accept({ subject, data });
      await pipeline.idle();
      const answered = performance.now();
      if (bus.published.length !== 1 || Number.isNaN(called)) throw new Error('the command did not run');
      bus.published.length = 0;
      // Whatever the agent left to do is not the next command's.
      await new Promise((resolve) => setImmediate(resolve));
      return { dispatch: called - started, answer: answered - started };
    },
    stop: async () => {
      await facts.stop();
      await memory.close();
      await auditLog.close();
    },
  };
}
