/**
 * The policy as data: roles, what each is allowed and denied, and under which conditions. Checked strictly where people
 * write it; what travels is read leniently, rule by rule (compile.ts), so that an older node loses a rule and not all.
 */
import * as z from 'zod';
import { LIMITS } from '../limits.ts';

/** In place of a role: whoever calls. */
export const EVERYBODY = '*';

/** An exact name, a beginning and `*`, or `*` alone. */
const Pattern = z
  .string()
  .min(1)
  .max(128)
  .regex(/^[^\s*]*\*?$/u, 'expected a name, a beginning and *, or * alone');
const Patterns = z.array(Pattern).min(1).max(LIMITS.policyPatterns);

/** An expression in the targeting language; what is wrong within it is found when the policy is compiled. */
const ExpressionText = z.string().min(1).max(LIMITS.policyExpressionBytes);

const RoleName = z.string().min(1).max(64);
const RuleName = z
  .string()
  .min(1)
  .max(80)
  .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'expected one line of text');

export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const;
export type Day = (typeof DAYS)[number];

/** `sat`, or `mon-fri`. */
const DayRange = z
  .string()
  .regex(/^(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))?$/, 'expected a day or a range: mon-fri');
const TimeOfDay = z.string().regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'expected a time such as "08:00"');

/** A window of the week, by the node's clock. */
export const TimeWindow = z
  .strictObject({
    days: z.union([DayRange, z.array(DayRange).min(1).max(7)]).optional(),
    from: TimeOfDay.optional(),
    to: TimeOfDay.optional(),
    /** IANA name. @default UTC */
    zone: z.string().min(1).max(64).optional(),
  })
  .refine(({ days, from, to }) => days !== undefined || from !== undefined || to !== undefined, {
    error: 'expected days, from or to',
  })
  .refine(({ from, to }) => from === undefined || from !== to, { error: 'from and to are the same', path: ['to'] });
export type TimeWindow = z.infer<typeof TimeWindow>;

const Duration = z.string().regex(/^\d+(ms|s|m|h|d)$/, 'expected a duration such as 10m');

/** Other operators who have to sign the same command. */
export const Approvals = z.strictObject({
  count: z.number().int().min(1).max(LIMITS.approvals),
  /** Of which each needs one. @default the rule's own role */
  roles: z.array(RoleName).min(1).max(64).optional(),
  /** How old the command may be when it comes, as `10m`. @default as long as it lives */
  within: Duration.optional(),
});
export type Approvals = z.infer<typeof Approvals>;

const conditions = {
  name: RuleName.optional(),
  actions: Patterns.optional(),
  tasks: Patterns.optional(),
  args: ExpressionText.optional(),
  where: ExpressionText.optional(),
  caller: ExpressionText.optional(),
  time: TimeWindow.optional(),
};
const speaksOfSomething = ({ actions, tasks }: { actions?: unknown; tasks?: unknown }): boolean =>
  actions !== undefined || tasks !== undefined;
const NOTHING_SAID = { error: 'expected actions or tasks' };

export const DenyRule = z.strictObject(conditions).refine(speaksOfSomething, NOTHING_SAID);
export type DenyRule = z.infer<typeof DenyRule>;
export const AllowRule = z
  .strictObject({
    ...conditions,
    approvals: Approvals.optional(),
    /** How long a command may wait: for its turn, or for a node that is away. @default as long as any may */
    until: Duration.optional(),
  })
  .refine(speaksOfSomething, NOTHING_SAID);
export type AllowRule = z.infer<typeof AllowRule>;

function policyOf<Allow extends z.ZodType, Deny extends z.ZodType>(
  allow: Allow,
  deny: Deny,
): z.ZodType<{
  version: 1;
  roles: Record<string, { allow?: z.output<Allow>[] | undefined; deny?: z.output<Deny>[] | undefined }>;
}> {
  return z.strictObject({
    version: z.literal(1),
    roles: z.record(
      RoleName,
      z.strictObject({
        allow: z.array(allow).max(LIMITS.policyRules).optional(),
        deny: z.array(deny).max(LIMITS.policyRules).optional(),
      }),
    ),
  });
}

/** What people write. */
export const Policy = policyOf(AllowRule, DenyRule);
export type Policy = z.infer<typeof Policy>;

/** What travels: a rule may have what this version doesn't know. */
export const TravellingPolicy = policyOf(z.record(z.string(), z.unknown()), z.record(z.string(), z.unknown()));
export type TravellingPolicy = z.infer<typeof TravellingPolicy>;
