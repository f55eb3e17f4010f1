import { AppError } from '../errors.ts'
import { announce, type Relay } from '../event/event.ts'
import type { Recipient } from '../message/store.ts'
import type { Audit, Caller, Leads } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { AddressHashes } from './address-hashes.ts'
import { changeLead } from './change.ts'
import { newLead } from './intake.ts'
import { addressesOf, type Lead } from './lead.ts'
import { keepSuppressed } from './suppress.ts'

export interface EraseParts {
  readonly stores: Pick<Stores, 'leads' | 'dnc' | 'messages' | 'replies' | 'deliveries' | 'availability' | 'idempotency'>
  readonly runtime: Pick<Runtime, 'now' | 'id' | 'after'>
  readonly hashes: AddressHashes
  readonly relay: Relay
  readonly audit: Pick<Audit, 'record'>
  /** Resolves when what is being announced now has been. */
  announced(): Promise<unknown>
  /** Cancels the open messages of one recipient, which gives their places back. */
  cancelOpen(workspaceId: string, recipient: Recipient, why: string): Promise<unknown>
}

/** What a request that is sent again gets, when its stored answer told of somebody who was erased since. */
const erasedAnswer = {
  status: 410,
  body: JSON.stringify({
    type: 'about:blank',
    title: 'Gone',
    status: 410,
    code: 'ERASED',
    detail: 'the lead was erased',
    error: 'the lead was erased',
  }),
}

const pollMs = 20
const pollsMax = 100

/**
 * What is left of a lead for its last event: ids that other systems need to act on it, nothing of the person. The event's id follows from the
 * lead's, so that an erasure that is finished after a crash announces the same event, not a second one.
 */
function farewell(lead: Lead, at: Date, { correlationId }: Pick<Caller, 'correlationId'>): Lead {
  const { id, workspaceId, externalId, hsContactId, hsPortalId, ghlContactId, ghlLocationId } = lead
  const bare = newLead({ externalId, hsContactId, hsPortalId, ghlContactId, ghlLocationId }, { id, workspaceId, now: at })
  const blank: Lead = { ...bare, version: lead.version, seq: lead.seq, createdAt: lead.createdAt }
  return announce(blank, { id: id.replace(/^[^_]*/, 'evt'), type: 'lead.deleted', at, correlationId })
}

export function createErase({ stores, runtime, hashes, relay, audit, announced, cancelOpen }: EraseParts): Pick<Leads, 'remove'> {
  /** The event is in the lead's outbox: the lead may only go when it was taken off. */
  async function untilRelayed(workspaceId: string, id: string): Promise<boolean> {
    for (let poll = 0; poll < pollsMax; poll++) {
      const lead = await stores.leads.get(workspaceId, id)
      if (!lead || lead.outbox.length === 0) return true
      await new Promise<void>((resolve) => void runtime.after(pollMs, resolve))
    }
    return false
  }

  return {
    /** Everything that needs the addresses is done while the lead still has them, and the lead goes last: called again, it finishes. */
    async remove(caller, id) {
      const { workspaceId } = caller
      const lead = await stores.leads.get(workspaceId, id)
      if (!lead) throw new AppError('LEAD_NOT_FOUND', `there is no lead ${id}`)
      const addresses = addressesOf(lead)
      await keepSuppressed({ stores, runtime, hashes }, lead, addresses, 'hash')
      await stores.dnc.blank(workspaceId, { addressHashes: await hashes(workspaceId, addresses), leadId: id })
      await cancelOpen(workspaceId, { leadId: id }, 'the lead was deleted')
      await stores.messages.removeForLead(workspaceId, id)
      await stores.replies.removeForLead(workspaceId, id, addresses)
      await stores.idempotency.blank(workspaceId, id, erasedAnswer)
      await stores.availability.remove(workspaceId, addresses)
      // The cancellations just made are being announced: their deliveries hold what is to be erased.
      await announced()
      await stores.deliveries.removeForLead(workspaceId, id)
      const revised = await changeLead(stores, workspaceId, id, (doc) => farewell(doc, runtime.now(), caller))
      if (revised) {
        relay('lead', revised.doc)
        if (!(await untilRelayed(workspaceId, id))) {
          throw new AppError('UNAVAILABLE', 'the data of the lead is erased, but its deletion could not be announced yet; call again')
        }
        await stores.leads.remove(workspaceId, id)
      }
      // Once more, for what was accepted while this went on.
      await stores.messages.removeForLead(workspaceId, id)
      await audit.record(caller, 'lead.removed', id)
    },
  }
}
