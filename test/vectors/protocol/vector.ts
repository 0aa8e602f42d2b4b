/** What stands in the vector files, and how bytes are written in them: as hexadecimal text. */
import type { TravellingPolicy } from '../../../shared/policy/policy.ts';

/** Decoded data: bytes within it are `{bytes: <hex>}`. */
export type Plain = null | boolean | number | string | Plain[] | { [key: string]: Plain };

export interface SignatureVector {
  readonly name: string;
  readonly publicKey: string;
  readonly message: string;
  readonly signature: string;
  /** `bad-key`: the key is refused before anything is verified. */
  readonly verdict: 'valid' | 'invalid' | 'bad-key';
}

export interface CodecVector {
  readonly name: string;
  readonly bytes: string;
  readonly verdict: string;
  readonly value?: Plain;
}

export interface CredentialVector {
  readonly name: string;
  readonly now: number;
  readonly credential: string;
  readonly verdict: string;
  /** SHA-256 of the body, where the bytes are a credential. */
  readonly hash?: string;
}

export interface EnvelopeVector {
  readonly name: string;
  /** What the reader expects it to be. */
  readonly kind: string;
  readonly now: number;
  /** Credentials that the reader has verified before. */
  readonly known: readonly string[];
  readonly message: string;
  readonly verdict: string;
  readonly payload?: string;
  readonly signers?: readonly string[];
}

export interface CommandVector {
  readonly name: string;
  /** The node that it arrives at, the subject of arrival, and the node's clock. */
  readonly node: string;
  readonly subject: string;
  readonly now: number;
  readonly message: string;
  /** `accepted`, `dropped <code>` (no answer), or `refused <code>` (a signed answer). */
  readonly verdict: string;
  readonly command?: Plain;
}

export interface SealedVector {
  readonly name: string;
  /** What the node opens with. */
  readonly boxSecret: string;
  readonly message: string;
  /** `accepted`, or the code. */
  readonly verdict: string;
  /** The sealed arguments. */
  readonly values?: Plain;
}

export interface ResultVector {
  readonly name: string;
  readonly caller: string;
  readonly job: string;
  /** Message id, and SHA-256 of the payload, of what was asked. */
  readonly asked: { readonly id: string; readonly payload: string };
  readonly now: number;
  readonly known: readonly string[];
  readonly messages: readonly { readonly subject: string; readonly message: string }[];
  /** `accepted`, `rejected`, or `incomplete`. */
  readonly verdict: string;
  readonly result?: Plain;
}

export interface EntryVector {
  readonly name: string;
  readonly kind: 'roster' | 'inventory head' | 'inventory body';
  readonly now: number;
  readonly known: readonly string[];
  readonly subject: string;
  readonly message: string;
  readonly verdict: 'accepted' | 'left out';
  readonly entry?: Plain;
}

export interface JobVector {
  readonly name: string;
  readonly now: number;
  readonly subject: string;
  readonly message: string;
  /** `accepted`, or the code. */
  readonly verdict: string;
  readonly frame?: Plain;
}

export interface SubjectVectors {
  readonly tokens: readonly { readonly text: string; readonly token: string }[];
  /** Where a command that says `via` arrives at `node`; without a subject, `via` is malformed. */
  readonly ways: readonly { readonly via: string; readonly node: string; readonly subject?: string }[];
  readonly subjects: Readonly<Record<string, string>>;
  /** The first ten characters of the id of a job that was made at this time. */
  readonly jobs: readonly { readonly now: number; readonly begins: string }[];
}

export interface AuditTrailVector {
  readonly name: string;
  readonly subject: string;
  readonly now: number;
  readonly known: readonly string[];
  /** In the order they are stored. */
  readonly messages: readonly string[];
  /** `holds`, or what is the first thing wrong. */
  readonly verdict: string;
  /** The first bad record, where it has a number. */
  readonly record?: number;
  readonly records?: readonly Plain[];
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
export const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

export function toPlain(value: unknown): Plain {
  if (value instanceof Uint8Array) return { bytes: hex(value) };
  if (Array.isArray(value)) return value.map(toPlain);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(
      Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, toPlain(item)]])),
    );
  return value as Plain;
}

/** A policy as it is stored under `fleet.main.ctl.policy`. */
export interface PolicyDocumentVector {
  readonly name: string;
  readonly now: number;
  readonly message: string;
  readonly verdict: string;
}

/** What a policy decides: `args` and `facts` that are absent are not known. */
export interface DecisionVector {
  readonly name: string;
  readonly policy: TravellingPolicy;
  readonly roles: readonly string[];
  readonly action: string;
  readonly task?: string | undefined;
  readonly args?: Readonly<Record<string, unknown>> | undefined;
  readonly facts?: Readonly<Record<string, unknown>> | undefined;
  readonly caller: Readonly<Record<string, unknown>>;
  readonly now: number;
  readonly issued: number;
  readonly approvers: readonly { readonly name: string; readonly roles: readonly string[] }[];
  readonly decision: { readonly allowed: boolean; readonly rule: string; readonly why?: string };
}

export interface PolicyVectors {
  readonly documents: readonly PolicyDocumentVector[];
  readonly decisions: readonly DecisionVector[];
}

export interface RevocationVectors {
  readonly lists: readonly {
    readonly name: string;
    readonly now: number;
    readonly message: string;
    readonly verdict: string;
    /** What becomes of these, once the list was there, whether it was taken or not. */
    readonly credentials: readonly { readonly credential: string; readonly verdict: string }[];
  }[];
  readonly roots: readonly {
    readonly name: string;
    /** The roots that the reader goes by. */
    readonly pinned: readonly string[];
    readonly message: string;
    readonly verdict: string;
    /** Those that hold afterwards. */
    readonly roots?: readonly string[];
  }[];
}

export interface JoiningVectors {
  readonly now: number;
  readonly token: { readonly text: string; readonly id: string; readonly expires: number };
  readonly requests: { readonly name: string; readonly message: string; readonly verdict: string; readonly request?: unknown }[];
  /** The request that is answered. */
  readonly asked: string;
  readonly answers: { readonly name: string; readonly message: string; readonly verdict: string; readonly answer?: unknown }[];
}

/** Something that one reader takes or not; `says` is its payload. */
export interface MessageVector {
  readonly name: string;
  readonly message: string;
  /** `accepted`, or the code. */
  readonly verdict: string;
  readonly says?: Plain;
}

export interface EventVector {
  readonly name: string;
  readonly now: number;
  readonly known: readonly string[];
  readonly subject: string;
  readonly message: string;
  readonly verdict: string;
  readonly event?: Plain;
}

export interface ServiceVectors {
  readonly now: number;
  readonly questions: readonly MessageVector[];
  /** Payload of the question that `answers` are for. */
  readonly asked: string;
  readonly answers: readonly MessageVector[];
  /** What was asked of who leads. */
  readonly leadQuestion: string;
  readonly leads: readonly MessageVector[];
}

export interface PlanVectors {
  readonly pieces: readonly {
    readonly name: string;
    readonly now: number;
    readonly subject: string;
    readonly message: string;
    readonly verdict: string;
    readonly piece?: Plain;
  }[];
  /** What goes along with a command, unsigned. */
  readonly attachments: readonly {
    readonly name: string;
    /** What is signed. */
    readonly startBy: number;
    /** Whether the command has sealed arguments. */
    readonly isSealed: boolean;
    readonly attachment: string;
    /** Until when this node may start it. */
    readonly until: number;
    /** What is left to open sealed arguments with. */
    readonly sealed?: string;
  }[];
}

export interface QueueVector {
  readonly name: string;
  /** As it lies on the bus. */
  readonly stored: string;
  readonly verdict: string;
  readonly entries?: readonly Plain[];
}

export interface JobMessageVector {
  readonly name: string;
  readonly now: number;
  readonly message: string;
  /** `accepted`, `refused <code>`, or `dropped <code>`. */
  readonly verdict: string;
  readonly args?: Plain;
}

export interface PairwiseVectors {
  readonly now: number;
  readonly known: readonly string[];
  /** Box secrets of the two, and the key that both have. */
  readonly keys: readonly { readonly node: string; readonly caller: string; readonly key: string }[];
  /** Box keys with which no key is agreed on. */
  readonly small: readonly string[];
  /** The caller's, with which it reads `results`. */
  readonly boxSecret: string;
  readonly caller: string;
  readonly job: string;
  readonly asked: { readonly id: string; readonly payload: string };
  readonly results: readonly {
    readonly name: string;
    readonly subject: string;
    readonly message: string;
    readonly verdict: string;
    readonly result?: Plain;
  }[];
}
