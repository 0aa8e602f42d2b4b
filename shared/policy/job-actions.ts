/**
 * What one does about jobs, as policies name it. These are no actions: they run nothing, and `*` isn't about them. One's
 * own jobs, and everybody's for who has the role admin, need no rule that allows it; a rule may deny it even there.
 */

export const JOB_ACTIONS = { cancel: 'job.cancel', status: 'job.follow', retry: 'job.retry' } as const;
export type JobAction = (typeof JOB_ACTIONS)[keyof typeof JOB_ACTIONS];

/** In sentences: `alice may not …`. */
export const JOB_ACTION_WORDS: Readonly<Record<string, string>> = {
  [JOB_ACTIONS.cancel]: 'cancel what was sent here',
  [JOB_ACTIONS.status]: 'ask about what was sent here',
  [JOB_ACTIONS.retry]: 'try again what was sent here',
} satisfies Record<JobAction, string>;

/** How all of their names begin, and those of no action do. */
export const isJobAction = (name: string): boolean => name.startsWith('job.');
