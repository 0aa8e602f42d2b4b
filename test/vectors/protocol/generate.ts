/**
 * Makes the vector files, always the same: keys and ids follow from labels, the clock stands still. What comes out is
 * compared with the files by test/unit/protocol/vectors.test.ts; run that with `-u` to write them.
 */
import { FleetMaterial } from '../../support/fleet-material.ts';
import { NOW } from '../../support/manual-clock.ts';
import { entryVectors, resultVectors } from './generate-answers.ts';
import { auditVectors } from './generate-audit.ts';
import { codecVectors, signatureVectors, subjectVectors } from './generate-bytes.ts';
import { joiningVectors } from './generate-joining.ts';
import { jobVectors } from './generate-jobs.ts';
import { commandVectors, credentialVectors, envelopeVectors } from './generate-messages.ts';
import { pairwiseVectors } from './generate-pairwise.ts';
import { policyVectors } from './generate-policies.ts';
import { revocationVectors } from './generate-revocations.ts';
import { sealedVectors } from './generate-sealed.ts';
import { eventVectors, serviceVectors } from './generate-service.ts';
import { jobMessageVectors, planVectors, queueVectors } from './generate-waiting.ts';
import { hex } from './vector.ts';

/** The fleet that all vectors are of. */
export const VECTOR_FLEET = new FleetMaterial();

/** File name to content. */
export async function generateVectors(): Promise<Record<string, unknown>> {
  const fleet = VECTOR_FLEET;
  const members = [
    await fleet.issuer(),
    await fleet.operator('alice'),
    await fleet.node('db1'),
    await fleet.node('db2'),
  ];
  return {
    'fleet.json': {
      name: fleet.fleet,
      id: fleet.fleetId,
      now: NOW,
      roots: [hex(fleet.root.publicKey)],
      members: members.map(({ credential, signSeed }) => ({
        name: credential.body.name,
        kind: credential.body.kind,
        signSeed: hex(signSeed),
        credential: hex(credential.bytes),
      })),
    },
    'signatures.json': await signatureVectors(),
    'codec.json': codecVectors(),
    'subjects.json': subjectVectors(),
    'credentials.json': await credentialVectors(fleet),
    'envelopes.json': await envelopeVectors(fleet),
    'commands.json': await commandVectors(fleet),
    'sealed.json': await sealedVectors(fleet),
    'results.json': await resultVectors(fleet),
    'entries.json': await entryVectors(fleet),
    'policies.json': await policyVectors(fleet),
    'revocations.json': await revocationVectors(fleet),
    'jobs.json': await jobVectors(fleet),
    'plans.json': await planVectors(fleet),
    'queues.json': await queueVectors(fleet),
    'job-messages.json': await jobMessageVectors(fleet),
    'events.json': await eventVectors(fleet),
    'service.json': await serviceVectors(fleet),
    'pairwise.json': await pairwiseVectors(fleet),
    'joining.json': await joiningVectors(fleet),
    'audit.json': await auditVectors(fleet),
  };
}
