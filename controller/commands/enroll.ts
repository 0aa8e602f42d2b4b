/** `fleet enroll`: servers join by a token, and operators decide about it. Each branch is a file of its own. */
import type { Command } from 'commander';
import type { App } from '../app.ts';
import { registerEnrollRequests } from './enroll-requests.ts';
import { registerEnrollServe } from './enroll-serve.ts';
import { registerEnrollToken } from './enroll-token.ts';

export function registerEnroll(program: Command, app: App): void {
  const enroll = program
    .command('enroll')
    .description('Servers join by a token: makes tokens, and decides who gets in.');
  registerEnrollToken(enroll, app);
  registerEnrollRequests(enroll, app);
  registerEnrollServe(enroll, app);
}
