import type { z } from 'zod'
import type { Line } from '../line/line.ts'
import type { Channel } from '../message/message.ts'
import type { Runtime } from '../runtime.ts'

export interface SendRequest {
  readonly messageId: string
  /** New for each hand-over; given to the vendor where it takes one (BlueBubbles `tempGuid`). */
  readonly attemptId: string
  /** From 1. */
  readonly attemptNumber: number
  /** E.164 or email address. */
  readonly address: string
  readonly text: string
  readonly subject: string | null
  readonly attachmentUrls: readonly string[]
  /** Where the recipient of an email unsubscribes with one click (RFC 8058). */
  readonly unsubscribeUrl: string | null
}

export type RefusalClass = 'recipient' | 'not_on_channel' | 'consent' | 'sender' | 'content'

/**
 * What became of a hand-over.
 * `accepted`: the channel took it. `refused`: it will never go (`class` says whose fault; `not_on_channel`: not on iMessage).
 * `unavailable`: surely not sent (connection refused, DNS, 429): the only one that is tried again. `unknown`: the bytes left.
 * `fault: 'content'`: what the caller wanted to attach could not be had, and the channel was not asked: says nothing of the line.
 */
export type SendResult =
  | { type: 'accepted'; externalId: string | null; detail?: string }
  | { type: 'refused'; class: RefusalClass; code: string; detail: string }
  | { type: 'unavailable'; why: string; retryAfterMs?: number; fault?: 'content' }
  | { type: 'unknown'; why: string }

export interface LookupRequest {
  readonly messageId: string
  readonly attemptId: string
  readonly attemptNumber: number
  readonly address: string
  readonly text: string
  readonly externalId: string | null
  /** When the hand-over began. */
  readonly since: Date
  /** True when this vendor id already belongs to another message: two equal texts to one person are two messages. */
  isTaken(externalId: string): Promise<boolean>
}

/** What the vendor knows about it. `missing` is no proof that it will not still go out. */
export type LookupResult =
  | { type: 'found'; externalId: string; status: 'sent' | 'delivered' | 'read' | 'failed' | 'not_on_channel'; at: Date | null; detail: string }
  | { type: 'missing' }
  | { type: 'unavailable'; why: string }

export type CheckResult = { type: 'answer'; available: boolean } | { type: 'error'; why: string }

export interface Checkup {
  ok: boolean
  /** Why it is not ok, or null. */
  why: string | null
  canCheckAvailability: boolean
}

/** What a channel tells afterwards: about a message we sent, or that somebody wrote. */
export type Inbound =
  | {
      type: 'receipt'
      externalId: string | null
      attemptId: string | null
      status: 'sent' | 'delivered' | 'read' | 'failed' | 'not_on_channel'
      at: Date
      detail: string
    }
  | {
      type: 'reply'
      externalId: string | null
      from: string
      to: string | null
      text: string
      at: Date
      attachments: readonly { name: string | null; mimeType: string | null }[]
    }
  | { type: 'ignored'; why: string }

/** One line's way out. Holds no state that matters: it may be thrown away and opened again at any time. */
export interface Transport {
  /** Never throws: what goes wrong is one of the four arms. Ends soon after `signal` aborts, as `unknown` when bytes may have left. */
  send(request: SendRequest, signal: AbortSignal): Promise<SendResult>
  /** Asks the vendor what became of a message. A channel that cannot be asked answers `unavailable`. */
  lookup(request: LookupRequest, signal: AbortSignal): Promise<LookupResult>
  /** Whether the address is on iMessage. */
  check(address: string, signal: AbortSignal): Promise<CheckResult>
  /** Ping and capability. */
  checkup(signal: AbortSignal): Promise<Checkup>
  /** What a call to the line's hook says. An unknown shape is `ignored` with why; it never throws. */
  receive(body: unknown): Inbound[]
  close(): Promise<void>
}

export interface TransportContext {
  readonly runtime: Runtime
  readonly line: Pick<Line, 'id' | 'workspaceId' | 'phone' | 'email' | 'channel' | 'name'>
  /** Settings with secrets opened, already parsed by the kind's `settings`. */
  readonly settings: Record<string, unknown>
  /** How long one call may take. */
  readonly timeoutMs: number
  /** `true`: the operator allows this line's server on a private address. */
  readonly allowPrivate: boolean
  /** For attachment downloads, whose addresses come from callers: whether private addresses are allowed there. */
  readonly allowPrivateFetch: boolean
  /** For channels that live in this process (sandbox): what a vendor would post to the hook. */
  inbound(event: Inbound): void
}

/** A kind of transport a line may name. */
export interface TransportKind {
  readonly type: string
  readonly channels: readonly Channel[]
  /** Strict. Fields with `.meta({ secret: true })` are sealed at rest and never returned. */
  readonly settings: z.ZodObject
  /** Applies no gaps unless the line says so (the sandbox). */
  readonly noGaps: boolean
  open(context: TransportContext): Transport
}
