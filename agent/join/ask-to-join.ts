/**
 * Asks until there is an answer: in, or refused with a reason. While a person decides, or nobody answers, it asks again
 * with growing waits, each time on a connection of its own: what waits for hours shouldn't hold one.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock } from '../../shared/clock.ts';
import { ActionError, FleetError, RefusedError, TransportError } from '../../shared/errors.ts';
import { LIMITS } from '../../shared/limits.ts';
import { connectBus } from '../../shared/nats-bus.ts';
import { joinInboxPrefix, Subjects } from '../../shared/subjects.ts';
import type { Credential } from '../../shared/wire/credential.ts';
import type { JoinAnswer, JoinGrant } from '../../shared/wire/join-answer.ts';
import { fingerprintOf, sealJoinRequest, type JoiningHost } from '../../shared/wire/join-request.ts';
import type { JoinToken } from '../../shared/wire/join-token.ts';
import { hintFor } from './refusals.ts';
import { checkAnswer, checkGrant } from './check-answer.ts';
import type { PendingKeys } from './pending-keys.ts';

export interface AskOptions {
  readonly url: string;
  readonly token: JoinToken;
  readonly keys: PendingKeys;
  readonly name: string;
  readonly host: JoiningHost;
  /** Certificates that the bus's own has to come from. @default those that the system trusts */
  readonly caFile?: string | undefined;
  /** How long to ask, in milliseconds. */
  readonly patienceMs: number;
}

export interface AskDependencies {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A line for the person. */
  readonly say: (line: string) => void;
  /** 0 to 1: spreads the questions of servers that start together. */
  readonly random: () => number;
}

export interface Joined {
  readonly grant: JoinGrant;
  readonly credential: Credential;
}

/** @throws RefusedError with the service's code; TransportError; ActionError `not-approved` in time; the signal's reason */
export async function askToJoin(options: AskOptions, dependencies: AskDependencies): Promise<Joined> {
  const { clock, random, say, signal } = dependencies;
  const until = clock.monotonic() + options.patienceMs;
  let heard: JoinAnswer['outcome'] | undefined;
  let waitMs = 0;
  for (;;) {
    const answer = await askOnce(options, dependencies, heard !== undefined);
    if (answer?.outcome === 'joined') {
      const { keys, name, token } = options;
      const wanted = { name, boxSecret: keys.boxSecret, keys: keys.publicKeys };
      return orUntrusted(() => checkGrant(answer, wanted, token, clock));
    }
    if (answer?.outcome === 'refused' && answer.code !== 'busy')
      throw new RefusedError(`the fleet ${options.token.fleet} refuses: ${answer.reason ?? answer.code}`, {
        code: answer.code ?? 'refused',
        ...hintFor(answer.code),
      });
    const isPending = answer?.outcome === 'pending';
    if (answer === undefined && waitMs === 0) say('no answer yet; is `fleet enroll serve` running? Asking again.');
    if (isPending && heard !== 'pending') {
      say(`${options.name} waits to be approved, as request ${fingerprintOf(options.keys.publicKeys)}.`);
      say(
        `An operator looks with \`fleet enroll list\` whether that is the same there, and lets it in: fleet enroll approve ${options.name}`,
      );
      waitMs = 0;
    }
    heard = answer?.outcome ?? heard;
    const [least, most] = isPending
      ? [LIMITS.joinPendingMs, LIMITS.joinPendingMaxMs]
      : [LIMITS.joinRetryMs, LIMITS.joinRetryMaxMs];
    waitMs = waitMs === 0 ? least : Math.min(2 * waitMs, most);
    const rest = until - clock.monotonic();
    if (rest <= 0) throw outOfTime(isPending, options);
    // Half of it is chance.
    await delay(Math.min(rest, waitMs * (0.5 + random() / 2)), undefined, { signal }).catch(() => {
      throw signal.reason as Error;
    });
  }
}

/** Undefined where nobody answered; where the bus isn't there it's an error only as long as it never was. */
async function askOnce(
  options: AskOptions,
  { clock, signal }: AskDependencies,
  wasThere: boolean,
): Promise<JoinAnswer | undefined> {
  const { token, keys, url, caFile } = options;
  const { fleetId } = token;
  const now = clock.now();
  const request = await sealJoinRequest(
    fleetId,
    { token: token.signer, node: keys.signer },
    {
      ...keys.publicKeys,
      id: randomBytes(16),
      token: token.id,
      name: options.name,
      issued: now,
      expires: now + LIMITS.joinRequestLifeMs,
      host: options.host,
    },
  );
  signal.throwIfAborted();
  let answered: Uint8Array;
  try {
    const bus = await connectBus({
      servers: [url],
      name: `join ${token.id}`,
      inboxPrefix: joinInboxPrefix(token.id),
      loginSeed: token.loginSeed,
      loginJwt: token.loginJwt,
      tls: caFile === undefined ? undefined : { caFile },
      patient: false,
    });
    try {
      answered = await bus.request(new Subjects(token.fleet).enroll(), request, {
        timeoutMs: LIMITS.joinAnswerMs,
        signal,
      });
    } finally {
      await bus.close();
    }
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof TransportError)) throw error;
    if (error.code === 'no-answer' || error.code === 'no-service' || wasThere) return undefined;
    if (error.code !== 'bus-refused') throw error;
    throw new TransportError(`the bus at ${url} does not take the token`, {
      code: 'bus-refused',
      hint: 'It may have ended (compare the clock of this machine), or be of another fleet: have a new one made, fleet enroll token.',
      cause: error,
    });
  }
  return orUntrusted(() => checkAnswer(answered, request, token, clock));
}

/** @throws TransportError `answer-untrusted` */
function orUntrusted<T>(check: () => T): T {
  try {
    return check();
  } catch (cause) {
    throw untrusted(cause);
  }
}

function untrusted(cause: unknown): unknown {
  if (!(cause instanceof FleetError)) return cause;
  return new TransportError(`an answer came that can't be trusted: ${cause.message}`, {
    code: 'answer-untrusted',
    hint: 'Check that the address is that of the fleet whose token this is, and the clock of this machine. Nothing was taken from it.',
    cause,
  });
}

function outOfTime(isPending: boolean, { name }: AskOptions): FleetError {
  if (isPending)
    return new ActionError(`nobody has approved ${name} in time`, {
      code: 'not-approved',
      hint: 'The request still waits: run the same command again, it goes on with the same keys.',
    });
  return new TransportError('the enrolment service did not answer in time', {
    code: 'no-service',
    hint: 'Have `fleet enroll serve` started where the issuer of the fleet is, then run the same command again.',
  });
}
