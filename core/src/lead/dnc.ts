import { AppError, invalid } from '../errors.ts'
import { announce, type Relay } from '../event/event.ts'
import type { Audit, Consent } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { pageOf } from '../workspace/audit.ts'
import type { AddressHashes } from './address-hashes.ts'
import { normaliseEmail, normalisePhone } from './addresses.ts'
import { changeLead } from './change.ts'
import { canonical, liftFlags } from './consent.ts'
import { addressesOf, type Lead } from './lead.ts'
import { type createOptOut, entryFor } from './opt-out.ts'
import type { DncEntry } from './store.ts'

export interface DncParts {
  readonly stores: Pick<Stores, 'leads' | 'dnc' | 'workspaces'>
  readonly runtime: Pick<Runtime, 'now' | 'id' | 'after'>
  readonly hashes: AddressHashes
  readonly relay: Relay
  readonly audit: Pick<Audit, 'record'>
  readonly optOuts: Pick<ReturnType<typeof createOptOut>, 'silence' | 'flagLead'>
}

export function createDnc(parts: DncParts): Pick<Consent, 'addDnc' | 'findDnc' | 'removeDnc'> {
  const { stores, runtime, hashes, relay, audit, optOuts } = parts

  async function leadOf(workspaceId: string, address: string): Promise<string | null> {
    return (await stores.leads.byAddresses(workspaceId, [address])).get(address) ?? null
  }

  return {
    async addDnc(caller, input, reserved) {
      const { workspaceId } = caller
      const given = (['phone', 'email', 'leadId'] as const).filter((field) => input[field]?.trim())
      const field = given[0]
      if (field === undefined || given.length > 1) throw invalid('phone', 'exactly one of phone, email and leadId is needed')
      if (input.channels?.length === 0) throw invalid('channels', 'names no channel; leave it out for all of them')
      const workspace = await stores.workspaces.get(workspaceId)
      if (!workspace) throw new AppError('NOT_FOUND', `there is no workspace ${workspaceId}`)
      const text = input[field] ?? ''
      const base = { workspaceId, channels: canonical(input.channels ?? null), reason: input.reason?.trim() || null, source: 'api' }

      let leadId: string | null = null
      let address: string | null = null
      if (field === 'leadId') {
        if (!(await stores.leads.get(workspaceId, text))) throw new AppError('LEAD_NOT_FOUND', `there is no lead ${text}`)
        leadId = text
      } else {
        const read = field === 'phone' ? normalisePhone(text, workspace.defaultCountryCode) : normaliseEmail(text)
        if (!read.ok) throw invalid(field, read.why)
        address = read.value
        if (workspace.optOutScope === 'lead') leadId = await leadOf(workspaceId, address)
      }
      const known = reserved?.id ? await stores.dnc.get(workspaceId, reserved.id) : null
      const wish = await entryFor(parts, address === null ? { ...base, leadId: text } : { ...base, address }, reserved?.id)
      const entry = known ?? (await stores.dnc.add(wish))
      const lead = leadId === null ? null : await optOuts.flagLead(caller, leadId, base.channels, { address, reason: base.reason, source: 'api' })
      const own = lead ? addressesOf(lead) : []
      const addresses = address === null ? own : [...new Set([...own, address])]
      await optOuts.silence(workspaceId, { leadId: lead?.id ?? null, addresses }, base.channels)
      await audit.record(caller, 'dnc.added', entry.id, { channels: base.channels, leadId: lead?.id ?? null })
      return entry
    },

    findDnc: (workspaceId, page) => stores.dnc.find(workspaceId, pageOf(page)),

    async removeDnc(caller, id) {
      const { workspaceId } = caller
      const entry = await stores.dnc.get(workspaceId, id)
      if (!entry) throw new AppError('NOT_FOUND', `there is no do-not-contact entry ${id}`)
      const address = entry.phone ?? entry.email
      const leadId = entry.leadId ?? (address === null ? null : await leadOf(workspaceId, address))
      const decide = async (lead: Lead): Promise<Lead> => {
        const addressHashes = await hashes(workspaceId, addressesOf(lead))
        const all: DncEntry[] = await stores.dnc.matching(workspaceId, { addressHashes, leadId: lead.id })
        const remaining = all.filter((each) => each.id !== id)
        const optedOut = liftFlags(lead.optedOut, entry.channels ?? ['all'], remaining)
        if (optedOut === lead.optedOut) return lead
        const at = runtime.now()
        const data = { address, source: 'api', scope: entry.leadId === null ? 'address' : 'lead' }
        return announce(
          { ...lead, optedOut, updatedAt: at },
          { id: runtime.id('evt'), type: 'lead.opted_in', at, data, correlationId: caller.correlationId },
        )
      }
      // The entry goes last: a crash in between leaves the recipient protected, and calling again finishes it.
      const revised = leadId === null ? null : await changeLead(stores, workspaceId, leadId, decide)
      await stores.dnc.remove(workspaceId, id)
      if (revised?.changed) relay('lead', revised.doc)
      await audit.record(caller, 'dnc.removed', id, { leadId })
    },
  }
}
