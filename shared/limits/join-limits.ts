/** Limits of joining a fleet: a part of LIMITS, as the others are. */
export const JOIN_LIMITS = {
  /** A token to join with, or a request to join, as it is stored. */
  enrollMessageBytes: 64 * 1024,
  /** Text of a token to join with: keys, login and the certificate of the bus take three kilobytes. */
  joinTokenLength: 32 * 1024,
  /** Servers that one token may let in: an order of magnitude above a large data centre's. */
  joinTokenUses: 100_000,
  /** Longest life of a token: as long as it's kept. */
  joinTokenLifeMs: 30 * 24 * 60 * 60_000,
  /** Uses that a token's entry names while they are being carried out; what a service that was killed left behind is known again by it. */
  joinOpenUses: 512,
  /** How long a request to join is good: clocks may be off, and a retry is a new one. */
  joinRequestLifeMs: 5 * 60_000,
  /** An answer to who wants to join comes within this, or it is asked again. */
  joinAnswerMs: 5_000,
  /** Waits between questions of who wants to join; they double from the first to the second. */
  joinRetryMs: 500,
  joinRetryMaxMs: 10_000,
  /** The same where a person has to approve: they take minutes. */
  joinPendingMs: 2_000,
  joinPendingMaxMs: 30_000,
  /** How long an answer to an operator about tokens and requests may take: a long list is read and verified for it. */
  enrollAnswerMs: 20_000,
  /** After which somebody who waits for it is told so: a service that is there answers in a fraction of that. */
  enrollNoticeMs: 2_000,
  /** Requests that the enrolment service works on at once: enough to keep the bus busy, too few to starve anything. */
  enrollConcurrent: 64,
  /** Requests that wait for that; more are dropped, and asked again by themselves. */
  enrollWaiting: 2_000,
  /** Tokens, or requests, in one answer: the largest there are stay within what a message may be. */
  enrollPage: 200,
  /** Refusals of one kind within this are one record of the audit trail. */
  enrollTallyMs: 10_000,
  /** Ids of messages that the enrolment service remembers; full means refuse, never forget. */
  enrollRemembered: 100_000,
  /** How long tokens and requests are kept after their last change. */
  enrollKeepMs: 30 * 24 * 60 * 60_000,
} as const;
