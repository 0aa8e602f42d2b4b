/** Signing with a key that a real ssh-agent holds. */
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { VerifyKey } from '../../shared/signing.ts';
import { createSshAgentSigner, parseSshPublicKey } from '../../shared/ssh-agent.ts';
import { signKeysFrom } from '../support/keys.ts';
import { startSshAgent } from '../support/ssh-agent.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const bytes = Buffer.from('fleet/1/command/…');

describe('a key in an ssh-agent', () => {
  it('signs as one that is here would', async () => {
    await using agent = await startSshAgent(temporaryFolder());
    const publicKey = parseSshPublicKey(agent.publicKey);
    const signature = await createSshAgentSigner(agent.socket, publicKey).sign(bytes);
    expect(new VerifyKey(publicKey).verify(bytes, signature)).toBe(true);
    expect(new VerifyKey(publicKey).verify(Buffer.from('other'), signature)).toBe(false);
  });

  it('is missed when the agent has forgotten it, or has another', async () => {
    await using agent = await startSshAgent(temporaryFolder());
    const own = createSshAgentSigner(agent.socket, parseSshPublicKey(agent.publicKey));
    const other = createSshAgentSigner(agent.socket, signKeysFrom('another').signer.publicKey);
    await expect(other.sign(bytes)).rejects.toMatchObject({
      code: 'ssh-agent',
      hint: expect.stringContaining('ssh-add'),
    });
    await agent.forget();
    await expect(own.sign(bytes)).rejects.toMatchObject({ code: 'ssh-agent' });
  });

  it('is missed when there is no agent', async () => {
    const { publicKey } = signKeysFrom('a').signer;
    await expect(createSshAgentSigner(undefined, publicKey).sign(bytes)).rejects.toThrow(/SSH_AUTH_SOCK is not set/);
    await expect(createSshAgentSigner('/nowhere', publicKey).sign(bytes)).rejects.toThrow(/ENOENT/);
  });

  it.each([
    ['nothing', Buffer.alloc(0), /closed/],
    ['a failure', Buffer.from([0, 0, 0, 1, 5]), /does not sign/],
    ['an endless answer', Buffer.from([0xff, 0xff, 0xff, 0xff, 14]), /too long/],
    ['half a signature', Buffer.from([0, 0, 0, 6, 14, 0, 0, 0, 9, 1]), /no Ed25519 signature/],
  ])('gets no signature from an agent that says %s', async (_what, answer, reason) => {
    const socket = join(temporaryFolder(), 's');
    const server = createServer((connection) => connection.once('data', () => connection.end(answer))).listen(socket);
    onTestFinished(() => void server.close());
    const signer = createSshAgentSigner(socket, signKeysFrom('a').signer.publicKey);
    await expect(signer.sign(bytes)).rejects.toThrow(reason);
  });
});

describe('a public key of OpenSSH', () => {
  it.each([
    ['nothing', ''],
    ['a key of another kind', 'ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAA'],
    ['a key of a FIDO token', 'sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29t'],
    ['a damaged one', 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA'],
    ['one of small order', `ssh-ed25519 ${Buffer.concat([Buffer.from('0000000b7373682d6564323535313900000020', 'hex'), Buffer.alloc(32)]).toString('base64')}`],
  ])('is refused when it is %s', (_what, text) => {
    expect(() => parseSshPublicKey(text)).toThrow(/no public key to sign with|not a usable public key/);
  }); // prettier-ignore
});
