/**
 * What policy and audit trail add to a command on a node, in CPU time of the whole process (the threads that write files
 * included): beside a node whose policy is one rule without conditions, and that writes no trail. Runs in a process of
 * its own, with variants in turns.
 */
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuditTrail } from '../../agent/audit/audit-trail.ts';
import { becomeFast, keepSmall } from '../../agent/heap.ts';
import { compilePolicy } from '../../shared/policy/compile.ts';
import type { Policies } from '../../shared/policy/decide-both.ts';
import { FleetMaterial, type Member } from '../support/fleet-material.ts';
import { NodePipeline } from '../support/node-pipeline.ts';
import { medianOf } from './statistics.ts';

const WARM_UP = 1_500;
const BLOCK = 200;
const BLOCKS = 6;
/** Signed together: what a busy node has within a second or so. */
const BUSY_BATCH = 50;

/** CPU time of one command, medians, in microseconds. */
export interface PolicyAndAuditTimes {
  /** A command that only reads. */
  readonly reads: VariantTimes;
  /** One that changes something: it's on the disk before it starts. */
  readonly changes: VariantTimes;
}

export interface VariantTimes {
  /** One rule without conditions, no trail. */
  readonly bare: number;
  /** Many rules with conditions, and a trail that signs fifty commands at once. */
  readonly both: number;
  /** The same, and a trail that signs and stores each command by itself: a node that has nothing else to do. */
  readonly alone: number;
}

const NO_TRAIL: AuditTrail = {
  started: () => Promise.resolve(),
  answered: () => undefined,
  recovered: () => undefined,
  dropped: () => undefined,
};

const SIMPLE: Policies = {
  fleet: compilePolicy({ version: 1, roles: { operator: { allow: [{ actions: ['*'] }] } } }),
  node: undefined,
};

/** As people write them: what decides comes last. */
const CONDITIONS: Policies = {
  fleet: compilePolicy({
    version: 1,
    roles: {
      '*': { allow: [{ actions: ['facts.get'] }], deny: [{ actions: ['*'], where: 'trusted.env=lab' }] },
      operator: {
        deny: [{ actions: ['exec'], where: 'role=db', args: 'shell' }],
        allow: [
          ...Array.from({ length: 20 }, (_, at) => ({ tasks: [`deploy-${at}`], where: `role=app${at}` })),
          { actions: ['*'], where: 'role=web', args: 'n=2' },
          { actions: ['*'], where: 'role=db', args: 'not has(force)', caller: 'name=ali*' },
        ],
      },
    },
  }),
  node: undefined,
};

export async function timePolicyAndAudit(): Promise<PolicyAndAuditTimes> {
  keepSmall();
  // As an agent does it that has as many commands as this.
  becomeFast();
  const fleet = new FleetMaterial();
  const operator = await fleet.operator('alice');
  return { reads: await timeAction('ping', fleet, operator), changes: await timeAction('touch', fleet, operator) };
}

async function timeAction(action: string, fleet: FleetMaterial, operator: Member): Promise<VariantTimes> {
  const folder = mkdtempSync(join(tmpdir(), 'fleet-bench-'));
  const make = async (name: string, options: { policies: Policies; trail?: AuditTrail }): Promise<NodePipeline> => {
    const own = mkdtempSync(join(folder, name));
    return NodePipeline.start({ fleet, folder: own, ...options });
  };
  const variants = {
    bare: { node: await make('bare', { policies: SIMPLE, trail: NO_TRAIL }), batch: Infinity },
    both: { node: await make('both', { policies: CONDITIONS }), batch: BUSY_BATCH },
    alone: { node: await make('alone', { policies: CONDITIONS }), batch: 1 },
  };
  const names = Object.keys(variants) as (keyof typeof variants)[];
  const run = async (name: keyof typeof variants, count: number): Promise<number> => {
    const { batch, node } = variants[name];
    const messages: Uint8Array[] = [];
    for (let at = 0; at < count; at++)
      messages.push(await fleet.sealCommand(fleet.command('', { id: randomBytes(16), action }), operator));
    const before = process.cpuUsage();
    for (const [at, message] of messages.entries()) {
      await node.deliver(message);
      if ((at + 1) % batch === 0) await node.auditLog.flush();
    }
    const { system, user } = process.cpuUsage(before);
    if (node.ran.length === 0) throw new Error('the commands did not run');
    node.bus.published.length = 0;
    node.auditBus.history.length = 0;
    node.log.events.length = 0;
    return (system + user) / count;
  };
  try {
    for (const name of names) await run(name, WARM_UP);
    const times = { bare: [], both: [], alone: [] } as Record<keyof typeof variants, number[]>;
    for (let block = 0; block < BLOCKS; block++) for (const name of names) times[name].push(await run(name, BLOCK));
    return { bare: medianOf(times.bare), both: medianOf(times.both), alone: medianOf(times.alone) };
  } finally {
    for (const { node } of Object.values(variants)) await node.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
