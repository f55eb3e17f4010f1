import { z } from 'zod'
import { planFor } from './sandbox-script.ts'
import type { LookupRequest, LookupResult, SendRequest, SendResult, TransportContext, TransportKind } from './transport.ts'

/** After the call returned and its outcome could be written, and far enough apart to be told apart. */
const receiptDelaysMs = { delivered: 20, read: 60 } as const
const replyDelayMs = 80
/** A real vendor's record of a call that failed shows up late. */
const lookupDelayMs = 1_000

/** A simulated world in this process (api.md §4). It remembers nothing: everything follows from the address and the attempt. */
export const sandbox: TransportKind = {
  type: 'sandbox',
  channels: ['imessage', 'sms', 'email'],
  settings: z.strictObject({}),
  noGaps: true,
  open(context) {
    const { runtime, line } = context
    const pending = new Set<() => void>()
    const later = (delayMs: number, run: () => void) => {
      const cancel = runtime.after(delayMs, () => {
        pending.delete(cancel)
        run()
      })
      pending.add(cancel)
    }
    return {
      send: async (request, signal) => send({ context, later }, request, signal),
      lookup: (request) => lookUp(context, request),
      check: async (address) => ({ type: 'answer', available: planFor(address, { channel: line.channel, attemptNumber: 1 }).onChannel }),
      checkup: async () => ({ ok: true, why: null, canCheckAvailability: line.channel === 'imessage' }),
      receive: () => [{ type: 'ignored', why: 'the sandbox has no hook: its receipts come from within' }],
      async close() {
        for (const cancel of pending) cancel()
        pending.clear()
      },
    }
  },
}

interface World {
  context: TransportContext
  later(delayMs: number, run: () => void): void
}

function send({ context, later }: World, request: SendRequest, signal: AbortSignal): SendResult {
  const { runtime, line, inbound } = context
  const { address, attemptId } = request
  if (signal.aborted) return { type: 'unavailable', why: 'called off before it began' }
  const plan = planFor(address, { channel: line.channel, attemptNumber: request.attemptNumber })
  if (plan.sends === 'down') return { type: 'unavailable', why: 'the sandbox bridge is down for the first two attempts' }
  if (plan.sends === 'unknown') return { type: 'unknown', why: 'the sandbox bridge never answered' }
  if (plan.sends === 'not_on_channel')
    return { type: 'refused', class: 'not_on_channel', code: 'sandbox_22', detail: 'the address is not on iMessage' }
  if (plan.sends === 'bad_recipient')
    return { type: 'refused', class: 'recipient', code: 'sandbox_bad_recipient', detail: 'there is no such recipient' }

  const externalId = externalIdOf(request)
  for (const status of plan.receipts) {
    later(receiptDelaysMs[status], () => inbound({ type: 'receipt', externalId, attemptId, status, at: runtime.now(), detail: `sandbox: ${status}` }))
  }
  const text = plan.reply
  if (text !== null) {
    const to = line.channel === 'email' ? line.email : line.phone
    const reply = { type: 'reply', externalId: `${externalId}-reply`, from: address, to, text, attachments: [] } as const
    later(replyDelayMs, () => inbound({ ...reply, at: runtime.now() }))
  }
  return { type: 'accepted', externalId }
}

/** The end its address leads to: what a process that died between the hand-over and the receipts would have missed. */
async function lookUp({ runtime, line }: TransportContext, request: LookupRequest): Promise<LookupResult> {
  const plan = planFor(request.address, { channel: line.channel, attemptNumber: request.attemptNumber })
  const early = runtime.now().getTime() - request.since.getTime() < lookupDelayMs
  if (plan.lookup === 'missing' || (plan.sends === 'unknown' && early)) return { type: 'missing' }
  const externalId = externalIdOf(request)
  if (await request.isTaken(externalId)) return { type: 'missing' }
  return { type: 'found', externalId, status: plan.lookup, at: request.since, detail: `sandbox: ${plan.lookup}` }
}

function externalIdOf({ messageId, attemptNumber }: { messageId: string; attemptNumber: number }): string {
  return `sbx-${messageId}-${attemptNumber}`
}
