import { AppError, invalid } from '../errors.ts'
import type { Announcer } from '../event/announcer.ts'
import type { Relay } from '../event/event.ts'
import { announce } from '../event/event.ts'
import { normaliseEmail, normalisePhone } from '../lead/addresses.ts'
import { type AddressField, addressesOf, addressFields, type Lead } from '../lead/lead.ts'
import type { Metrics } from '../metrics.ts'
import type { Caller, Consent, Leads, MessageInput, Reserved } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Workspace } from '../workspace/workspace.ts'
import type { Commits } from './commit.ts'
import { eligibility } from './eligibility.ts'
import type { Message, Window } from './message.ts'
import { candidatesFor } from './recipients.ts'
import { isZone, minutesOf } from './schedule.ts'

export interface AcceptParts {
  stores: Stores
  runtime: Runtime
  commits: Commits
  metrics: Metrics
  relay: Relay
  trim: Announcer['trim']
  leads: Pick<Leads, 'forRecipient'>
  consent: Pick<Consent, 'allows'>
  /** Whether the workspace has a fallback route that is enabled and configured. */
  canFallBack(workspace: Workspace): Promise<boolean>
}

const fieldOf: Record<AddressField, keyof MessageInput> = {
  phone: 'recipientPhone',
  email: 'recipientEmail',
  altPhone1: 'altPhone1',
  altPhone2: 'altPhone2',
  altPhone3: 'altPhone3',
  altEmail1: 'altEmail1',
  altEmail2: 'altEmail2',
  altEmail3: 'altEmail3',
}

/** Takes a message in: checked, matched with its lead, durable. It is sent by whoever finds it due. */
export function createAccept(parts: AcceptParts): (caller: Caller, input: MessageInput, reserved?: Reserved) => Promise<Message> {
  const { stores, runtime, commits } = parts

  return async (caller, input, reserved = {}) => {
    try {
      return await take(caller, input, reserved)
    } catch (error) {
      // A retry under the same id, of a request whose process died before it answered: what was taken in then stays taken in, whatever
      // the recipient, the line or the workspace have become since.
      const there = reserved.id !== undefined && error instanceof AppError ? await stores.messages.get(caller.workspaceId, reserved.id) : null
      if (there === null) throw error
      return there
    }
  }

  async function take(caller: Caller, input: MessageInput, reserved: Reserved): Promise<Message> {
    const now = runtime.now()
    const workspace = await stores.workspaces.get(caller.workspaceId)
    if (workspace === null) throw new AppError('NOT_FOUND', 'no such workspace')
    if (workspace.readOnly !== null)
      throw new AppError('READ_ONLY', `the workspace is read-only: ${workspace.readOnly.reason}`, { extra: { reason: workspace.readOnly.reason } })
    const channel = input.messageType ?? 'imessage'
    const named = namedAddresses(input, workspace.defaultCountryCode)
    if (!input.leadId && named.length === 0) {
      throw new AppError('NO_RECIPIENT', 'give leadId, recipientPhone or recipientEmail', {
        issues: [{ path: 'recipientPhone', message: 'no recipient was given' }],
      })
    }
    const window = windowOf(input, workspace)
    const scheduledDate = input.scheduledDate ? new Date(input.scheduledDate) : null
    if (scheduledDate !== null && Number.isNaN(scheduledDate.getTime())) throw invalid('scheduledDate', 'is no date')
    if (input.sendFallbackSmsOnFailed === true && !(await parts.canFallBack(workspace))) {
      throw new AppError('FALLBACK_NOT_CONFIGURED', 'sendFallbackSmsOnFailed needs a fallback route that is enabled and configured', {
        issues: [{ path: 'sendFallbackSmsOnFailed', message: 'no fallback route is configured' }],
      })
    }
    await checkLine(caller.workspaceId, channel, input.fromLineId ?? null)
    // Done while the message is written, and before its sender is answered. A place in a list is no reason to refuse a message.
    const alongside: Promise<unknown>[] = []
    const lead = await leadOf(caller, input, named, (work) => {
      alongside.push(work.catch((error: unknown) => runtime.log.warn({ error, workspaceId: caller.workspaceId }, 'lead.not_listed')))
    })
    if (input.leadId) checkOwn(lead, named)
    const first = candidatesFor({ addresses: named.map((entry) => entry.value), messageType: channel }, lead)[0]
    if (first === undefined) {
      throw new AppError('NO_RECIPIENT', `the recipient has no address for ${channel}`, {
        issues: [{ path: channel === 'email' ? 'recipientEmail' : 'recipientPhone', message: `needed for ${channel}` }],
      })
    }
    await checkConsent(caller.workspaceId, lead, channel, named.length > 0 ? [first] : candidatesFor({ addresses: [], messageType: channel }, lead))
    const message = await parts.trim(
      build(caller, input, { now, lead, named, window, scheduledDate, id: reserved.id ?? runtime.id('msg') }, workspace),
    )
    const [isNew] = await Promise.all([stores.messages.insert(message), ...alongside])
    if (!isNew) {
      const there = await stores.messages.get(caller.workspaceId, message.id)
      if (there === null) throw new AppError('CONFLICT', 'the id of the message is taken')
      return there
    }
    parts.metrics.message('queued', channel)
    if (message.hold !== null) parts.metrics.held(message.hold.reason)
    parts.relay('message', message)
    commits.hint(message)
    return message
  }

  /** An address the caller named must be allowed; of a lead's own addresses, one is enough: the others are passed over. */
  async function checkConsent(workspaceId: string, lead: Lead, channel: Message['messageType'], addresses: readonly string[]): Promise<void> {
    const verdicts = await Promise.all(addresses.map((address) => parts.consent.allows(workspaceId, { lead, address, channel })))
    const refused = verdicts.find((verdict) => !verdict.allowed)
    if (refused?.allowed === false && !verdicts.some((verdict) => verdict.allowed)) throw new AppError('OPTED_OUT', refused.why)
  }

  async function checkLine(workspaceId: string, channel: Message['messageType'], fromLineId: string | null): Promise<void> {
    const lines = await stores.lines.list(workspaceId, channel)
    if (fromLineId === null) {
      if (!lines.some((line) => line.isActive)) throw new AppError('NO_LINE', `there is no active line for ${channel}`)
      return
    }
    const line = lines.find((candidate) => candidate.id === fromLineId)
    if (line?.isActive) return
    if (line)
      throw new AppError('NO_LINE', `the line ${fromLineId} is not active`, { issues: [{ path: 'fromLineId', message: 'the line is not active' }] })
    const other = await stores.lines.get(workspaceId, fromLineId)
    if (other === null)
      throw new AppError('LINE_NOT_FOUND', `there is no line ${fromLineId}`, { issues: [{ path: 'fromLineId', message: 'no such line' }] })
    throw invalid('fromLineId', `is a line for ${other.channel}, the message is ${channel}`)
  }

  function leadOf(caller: Caller, input: MessageInput, named: readonly Named[], alongside: (work: Promise<unknown>) => void): Promise<Lead> {
    const addresses: Partial<Record<AddressField, string>> = Object.fromEntries(named.map(({ field, value }) => [field, value]))
    const [firstName, ...rest] = (input.recipientName ?? '').trim().split(/\s+/)
    return parts.leads.forRecipient(
      caller,
      {
        ...addresses,
        leadId: input.leadId,
        firstName: firstName || null,
        lastName: rest.join(' ') || null,
        ghlContactId: input.ghlContactId,
        ghlLocationId: input.ghlLocationId,
        hsContactId: input.hsContactId,
        hsPortalId: input.hsPortalId,
        contactOwnerEmail: input.contactOwnerEmail,
      },
      alongside,
    )
  }

  function build(
    caller: Caller,
    input: MessageInput,
    known: { now: Date; lead: Lead; named: readonly Named[]; window: Window | null; scheduledDate: Date | null; id: string },
    workspace: Workspace,
  ): Message {
    const { now, lead, named } = known
    const clock = eligibility({ scheduledDate: known.scheduledDate, window: known.window }, workspace, lead, now)
    const hold = clock.go === 'later' ? clock.hold : null
    const given = (field: AddressField) => named.find((entry) => entry.field === field)?.value
    const leadName = [lead.firstName, lead.lastName].filter(Boolean).join(' ') || null
    const message: Message = {
      id: known.id,
      workspaceId: caller.workspaceId,
      version: 1,
      seq: 0,
      outbox: [],
      message: input.message,
      messageType: input.messageType ?? 'imessage',
      subject: input.subject ?? null,
      attachmentUrls: input.attachmentUrls ?? [],
      status: 'queued',
      hold,
      failure: null,
      reason: null,
      checkedAddresses: [],
      fromLineId: input.fromLineId ?? null,
      linePinned: Boolean(input.fromLineId),
      recipientPhone: given('phone') ?? (named.length === 0 ? lead.phone : null),
      recipientEmail: given('email') ?? (named.length === 0 ? lead.email : null),
      recipientName: input.recipientName ?? leadName,
      addresses: named.map((entry) => entry.value),
      address: null,
      leadId: lead.id,
      campaignId: null,
      stepIndex: null,
      batchId: input.batchId ?? null,
      scheduledDate: known.scheduledDate,
      window: known.window,
      priority: input.priority ?? 'normal',
      sendAt: null,
      sentAt: null,
      deliveredAt: null,
      readAt: null,
      failedAt: null,
      externalMessageId: null,
      fallback: null,
      fallbackOf: null,
      duplicateDelivery: false,
      sendFallbackSmsOnFailed: input.sendFallbackSmsOnFailed ?? null,
      metadata: input.metadata ?? null,
      ghlContactId: input.ghlContactId ?? lead.ghlContactId,
      ghlLocationId: input.ghlLocationId ?? lead.ghlLocationId,
      hsContactId: input.hsContactId ?? lead.hsContactId,
      hsPortalId: input.hsPortalId ?? lead.hsPortalId,
      contactOwnerEmail: input.contactOwnerEmail ?? lead.contactOwnerEmail,
      history: [{ status: 'queued', at: now, why: hold === null ? 'accepted' : `${hold.reason}: ${hold.detail}` }],
      attempt: null,
      unavailableCount: 0,
      reservation: null,
      dueAt: hold?.until ?? now,
      correlationId: caller.correlationId,
      createdAt: now,
      updatedAt: now,
    }
    return announce(message, { id: runtime.id('evt'), type: 'message.queued', at: now })
  }
}

interface Named {
  field: AddressField
  value: string
}

/** Beside a lead's id, an address says which of the lead's own to try first. One of somebody else would go out as if it were the lead's. */
function checkOwn(lead: Lead, named: readonly Named[]): void {
  const own = addressesOf(lead)
  const foreign = named.find((entry) => !own.includes(entry.value))
  if (foreign) throw invalid(fieldOf[foreign.field], 'is not an address of the lead that leadId names')
}

/** The addresses the caller gave, normalised, in the order of checking. Refuses with the field's own name. */
function namedAddresses(input: MessageInput, defaultCountryCode: string): Named[] {
  const named: Named[] = []
  for (const field of addressFields) {
    const text = input[fieldOf[field]]
    if (typeof text !== 'string' || text.trim() === '') continue
    const result = field.toLowerCase().includes('phone') ? normalisePhone(text, defaultCountryCode) : normaliseEmail(text)
    if (!result.ok) throw invalid(fieldOf[field], result.why)
    if (!named.some((entry) => entry.value === result.value)) named.push({ field, value: result.value })
  }
  return named
}

function windowOf(input: MessageInput, workspace: Workspace): Window | null {
  for (const field of ['sendWindowStart', 'sendWindowEnd'] as const) {
    const text = input[field]
    if (text && minutesOf(text) === null) throw invalid(field, 'is no time of day (HH:mm)')
  }
  const timezone = input.timezone || workspace.timezone
  if (timezone !== 'lead' && !isZone(timezone)) throw invalid('timezone', 'is no IANA time zone')
  const days = input.allowedDaysOfWeek ?? null
  if (!input.sendWindowStart && !input.sendWindowEnd && days === null) return null
  return { start: input.sendWindowStart || null, end: input.sendWindowEnd || null, days, timezone }
}
