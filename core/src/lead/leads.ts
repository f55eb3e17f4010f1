import { AppError } from '../errors.ts'
import { announce } from '../event/event.ts'
import type { FoundAvailability, Leads } from '../operations.ts'
import type { Stores } from '../store/stores.ts'
import { pageOf } from '../workspace/audit.ts'
import type { Sealer } from '../workspace/secrets.ts'
import { type AddressHashes, createAddressHashes } from './address-hashes.ts'
import { changeLead } from './change.ts'
import { createErase, type EraseParts } from './erase.ts'
import { patchLead, readLead } from './intake.ts'
import { addressesOf, type Lead } from './lead.ts'
import { createLists, listNotFound } from './lists.ts'
import { createForRecipient } from './recipient.ts'
import { countryFor, createSave, refuseAll } from './save.ts'
import { keepSuppressed } from './suppress.ts'

export interface LeadsParts extends Omit<EraseParts, 'hashes' | 'stores'> {
  readonly stores: Pick<Stores, 'leads' | 'dnc' | 'messages' | 'replies' | 'deliveries' | 'availability' | 'workspaces' | 'idempotency'>
  readonly sealer: Pick<Sealer, 'open'>
  /** Shared with createConsent where both are made; made here otherwise. */
  readonly hashes?: AddressHashes
}

/** Contacts nearer together than this are one: a busy conversation must not rewrite its lead at every word. */
const contactStepMs = 60_000

function forward(stored: Date | null, at: Date | undefined): Date | null {
  return at && (stored === null || at.getTime() - stored.getTime() >= contactStepMs) ? at : stored
}

export function createLeads(given: LeadsParts): Leads {
  const parts = { ...given, hashes: given.hashes ?? createAddressHashes(given) }
  const { stores, runtime, relay, audit } = parts
  const notFound = (id: string) => new AppError('LEAD_NOT_FOUND', `there is no lead ${id}`)

  /** The lead with what a check found and the event that says so; the same lead when that is no news. */
  function withAvailability(lead: Lead, { status, address, checkedAddresses }: FoundAvailability): Lead {
    const at = runtime.now()
    const checkedMs = Math.max(...checkedAddresses.map((each) => each.checkedAt.getTime()), 0)
    const checkedAt = checkedMs > 0 ? new Date(checkedMs) : at
    const isOld = lead.availabilityCheckedAt !== null && lead.availabilityCheckedAt >= checkedAt
    if (isOld && lead.availabilityStatus === status && lead.availableAddress === address) return lead
    const next = { ...lead, availabilityStatus: status, availableAddress: address, availabilityCheckedAt: checkedAt, updatedAt: at }
    const checked = checkedAddresses.map((each) => ({ ...each, checkedAt: each.checkedAt.toISOString() }))
    return announce(next, { id: runtime.id('evt'), type: 'availability.checked', at, data: { status, address, checkedAddresses: checked } })
  }

  return {
    ...createSave(parts),
    ...createForRecipient(parts),
    ...createErase(parts),
    ...createLists(parts),

    async get(workspaceId, id) {
      const lead = await stores.leads.get(workspaceId, id)
      if (!lead) throw notFound(id)
      return lead
    },

    find: (workspaceId, filter, page) => stores.leads.find(workspaceId, filter, pageOf(page)),

    async update(caller, id, patch) {
      const { workspaceId } = caller
      const defaultCountryCode = await countryFor(stores, workspaceId, [patch])
      const { fields, issues } = readLead(patch, { defaultCountryCode, path: '' })
      if (issues.length > 0) throw refuseAll(issues)
      if (patch.listId && !(await stores.leads.getList(workspaceId, patch.listId))) throw listNotFound(patch.listId)
      let changed: string[] = []
      const revised = await changeLead(stores, workspaceId, id, async (lead) => {
        const patched = patchLead(lead, fields, runtime.now())
        changed = patched.changed
        if (changed.length === 0) return lead
        const left = addressesOf(patched.lead)
        if (left.length === 0) throw refuseAll([{ path: 'phone', message: 'a lead keeps at least one phone or email' }])
        const leaving = addressesOf(lead).filter((address) => !left.includes(address))
        // Before the commit: kept for nothing when that fails, which errs on the side of silence.
        await keepSuppressed(parts, lead, leaving, 'address')
        const event = {
          id: runtime.id('evt'),
          type: 'lead.updated' as const,
          at: patched.lead.updatedAt,
          data: { changed },
          correlationId: caller.correlationId,
        }
        return announce(patched.lead, event)
      })
      if (!revised) throw notFound(id)
      if (revised.changed) relay('lead', revised.doc)
      if (patch.listId) await stores.leads.addToList(workspaceId, patch.listId, [id])
      if (revised.changed) await audit.record(caller, 'lead.updated', id, { fields: changed })
      return revised.doc
    },

    async recordAvailability(workspaceId, id, found) {
      const revised = await changeLead(stores, workspaceId, id, (lead) => withAvailability(lead, found))
      if (revised?.changed) relay('lead', revised.doc)
    },

    async recordContact(workspaceId, id, { contactedAt, repliedAt, found }) {
      try {
        const revised = await changeLead(stores, workspaceId, id, (lead) => {
          const lastContactedAt = forward(lead.lastContactedAt, contactedAt)
          const lastRepliedAt = forward(lead.lastRepliedAt, repliedAt)
          const seen = found ? withAvailability(lead, found) : lead
          if (lastContactedAt === lead.lastContactedAt && lastRepliedAt === lead.lastRepliedAt) return seen
          return { ...seen, lastContactedAt, lastRepliedAt }
        })
        if (revised?.changed) relay('lead', revised.doc)
      } catch (error) {
        // Others are writing this lead at the same moment: the next contact moves the time on, and a send must not fail for it.
        if (!(error instanceof AppError && error.code === 'CONFLICT')) throw error
      }
    },
  }
}
