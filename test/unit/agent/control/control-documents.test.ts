import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ControlDocuments, type ControlDocumentTaker } from '../../../../agent/control/control-documents.ts';
import { ProtocolError, TransportError } from '../../../../shared/errors.ts';
import { Subjects, type ControlDocumentKind } from '../../../../shared/subjects.ts';
import { FakeBus } from '../../../support/fake-bus.ts';
import { recordingLog } from '../../../support/recording-log.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { waitFor } from '../../../support/wait-for.ts';

const subjects = new Subjects('main');
const gone = new TransportError('the bus is gone', { code: 'bus-unreachable' });

/** Documents of one byte, their revision; 0 is none. */
function taker(kind: ControlDocumentKind, taken: string[] = []): ControlDocumentTaker {
  let held = 0;
  return {
    kind,
    take: ([revision = 0]) => {
      if (revision === 0) throw new ProtocolError('not a document', { code: 'malformed' });
      if (revision > held) taken.push(`${kind} ${revision}`);
      return (held = Math.max(held, revision));
    },
  };
}

function create(options: { bus?: FakeBus; folder?: string; taken?: string[] } = {}) {
  const bus = options.bus ?? new FakeBus();
  const folder = options.folder ?? join(temporaryFolder(), 'control');
  const takers = [taker('policy', options.taken), taker('revoked', options.taken)];
  const control = new ControlDocuments({ fleet: 'main', folder, takers }, { bus, subjects, log: recordingLog() });
  return { bus, folder, control };
}

const put = (bus: FakeBus, kind: ControlDocumentKind, revision: number): void =>
  void bus.stored.set(subjects.controlDocument(kind), Uint8Array.of(revision));

describe('the documents of the fleet on a node', () => {
  it('cover nothing before they were fetched', async () => {
    const { control } = create();
    expect(control.covers(undefined)).toBe(false);
    await control.start();
    expect(control.covers(undefined)).toBe(true);
    expect(control.covers({ policy: 1 })).toBe(false);
    await control.stop();
  });

  it('are taken revocations first', async () => {
    const taken: string[] = [];
    const { bus, control } = create({ taken });
    put(bus, 'policy', 3);
    put(bus, 'revoked', 2);
    await control.start();
    expect(taken).toEqual(['revoked 2', 'policy 3']);
    expect(control.covers({ policy: 3, revoked: 2 })).toBe(true);
    await control.stop();
  });

  it('are taken live, and a wait for one ends with it', async () => {
    const { bus, control } = create();
    await control.start();
    const waited = control.waitFor({ policy: 5 });
    bus.publish(subjects.controlDocument('policy'), Uint8Array.of(5));
    expect(await waited).toBe(true);
    await control.stop();
  });

  it('are fetched when a caller knows more than was heard of', async () => {
    const { bus, control } = create();
    await control.start();
    put(bus, 'revoked', 7);
    expect(await control.waitFor({ revoked: 7 })).toBe(true);
    await control.stop();
  });

  it('are not waited for longer than a while', async () => {
    const { control } = create();
    await control.start();
    expect(await control.waitFor({ revoked: 9 })).toBe(false);
    await control.stop();
  });

  it('cover nothing on a new connection until they were fetched again', async () => {
    const { bus, control } = create();
    await control.start();
    bus.emit({ type: 'disconnected' });
    expect(control.covers(undefined)).toBe(false);
    bus.broken = gone;
    bus.emit({ type: 'reconnected' });
    expect(await control.waitFor(undefined)).toBe(false);
    bus.broken = undefined;
    await waitFor(() => control.covers(undefined) || undefined, { what: 'another try' });
    await control.stop();
  });

  it('do not count what was fetched on a connection that broke meanwhile', async () => {
    const { bus, control } = create();
    const load = bus.load.bind(bus);
    let calls = 0;
    bus.load = async (...args) => {
      if (calls++ === 0) {
        bus.emit({ type: 'disconnected' });
        put(bus, 'policy', 4);
        bus.emit({ type: 'reconnected' });
        return undefined;
      }
      return load(...args);
    };
    await control.start();
    expect(control.covers({ policy: 4 })).toBe(true);
    await control.stop();
  });

  it('are kept over a restart, and go back for nobody', async () => {
    const { bus, folder, control } = create();
    put(bus, 'policy', 4);
    await control.start();
    await control.stop();
    const again = create({ folder });
    await again.control.restore();
    expect(again.control.revision('policy')).toBe(4);
    put(again.bus, 'policy', 2);
    await again.control.start();
    expect(again.control.revision('policy')).toBe(4);
    expect([...readFileSync(join(folder, 'policy'))]).toEqual([4]);
    await again.control.stop();
  });

  it('leave out a damaged one, kept or sent', async () => {
    const { folder, bus, control } = create();
    put(bus, 'policy', 4);
    await control.start();
    bus.publish(subjects.controlDocument('policy'), Uint8Array.of(0));
    expect(control.revision('policy')).toBe(4);
    await control.stop();
    writeFileSync(join(folder, 'policy'), Uint8Array.of(0));
    const again = create({ folder });
    await again.control.restore();
    expect(again.control.revision('policy')).toBe(0);
  });
});
