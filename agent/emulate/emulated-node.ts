/**
 * One emulated node: joins the fleet with a token as any server does, then lives as any agent does, in a folder of its
 * own. States: out → joined → up ⇄ away (flapping) → stopped.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../shared/clock.ts';
import type { Logger } from '../../shared/logger.ts';
import { IDENTITY_FILE } from '../../shared/node-folder.ts';
import type { JoinToken } from '../../shared/wire/join-token.ts';
import { Agent } from '../agent.ts';
import { joinFleet } from '../join/join.ts';
import { readAgentSettings } from '../settings.ts';
import { createEmulation, isFlapping, type EmulationOptions } from './emulation.ts';
import { between } from './share.ts';

export interface EmulatedNodeOptions extends EmulationOptions {
  /** Identity, settings and state of this node. */
  readonly folder: string;
  /** Where to join. @default it has joined */
  readonly url?: string | undefined;
  readonly token?: JoinToken | undefined;
  readonly bootId: string;
  /** What its processes have in their environment, and no others: it sees those. */
  readonly processes: { readonly variable: string; readonly value: string };
}

export interface EmulatedNodeDependencies {
  readonly log: Logger;
  /** Aborts when nothing more is to be begun. */
  readonly signal: AbortSignal;
}

/** How long joining may take: the service answers thousands one after another. */
const JOIN_PATIENCE_MS = 10 * 60_000;
/** How long a flapping node is up, and away: long enough to be noticed, and often enough to see it happen. */
const FLAP_MS = [10_000, 60_000] as const;

export class EmulatedNode {
  readonly #options: EmulatedNodeOptions;
  readonly #deps: EmulatedNodeDependencies;
  #agent: Agent | undefined;
  #flapping: Promise<void> | undefined;

  constructor(options: EmulatedNodeOptions, dependencies: EmulatedNodeDependencies) {
    this.#options = options;
    this.#deps = dependencies;
  }

  get hasJoined(): boolean {
    return existsSync(join(this.#options.folder, IDENTITY_FILE));
  }

  /** @throws FleetError what joining throws */
  async join(): Promise<void> {
    const { bootId, folder, node, token, url } = this.#options;
    if (token === undefined || url === undefined || this.hasJoined) return;
    const { log, signal } = this.#deps;
    await joinFleet(
      {
        url,
        token,
        name: node,
        folder,
        bootId,
        patienceMs: JOIN_PATIENCE_MS,
        host: { hostname: node, os: 'emulated', addresses: [] },
      },
      { clock: systemClock, signal, random: Math.random, say: (line) => log.info({ node }, line) },
    );
  }

  /** Resolves when it is ready. @throws SettingsError */
  async start(): Promise<void> {
    await this.#up();
    if (isFlapping(this.#options)) this.#flapping = this.#flap();
  }

  async stop(): Promise<void> {
    await this.#flapping;
    await this.#agent?.stop();
  }

  async #up(): Promise<void> {
    const { bootId, folder, processes } = this.#options;
    const settings = await readAgentSettings(join(folder, 'agent.yaml'));
    const agent = new Agent(
      { ...settings, processScope: processes },
      { clock: systemClock, log: this.#deps.log, bootId, path: '', emulation: createEmulation(this.#options) },
    );
    await agent.start();
    this.#agent = agent;
  }

  async #flap(): Promise<void> {
    const { signal } = this.#deps;
    const wait = (): Promise<unknown> =>
      delay(between(...FLAP_MS, Math.random()), undefined, { signal }).catch(() => undefined);
    for (;;) {
      await wait();
      if (signal.aborted) return;
      await this.#agent?.stop();
      this.#agent = undefined;
      await wait();
      if (signal.aborted) return;
      await this.#up();
    }
  }
}
