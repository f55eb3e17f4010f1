import { AppError } from '../errors.ts'
import type { Leads } from '../operations.ts'
import { addressesIn, newLead, readLead } from './intake.ts'
import type { Lead, LeadList } from './lead.ts'
import { countryFor, insertLead, refuseAll, type SaveParts } from './save.ts'

/** Under these names quick sends give what a lead calls `phone` and `email`. */
const sendNames: Record<string, string> = { phone: 'recipientPhone', email: 'recipientEmail' }
const listName = 'Quick Sends'
const listsMax = 1_000
const listMs = 60_000
const roundsMax = 3

/** The hot path of quick sends: one read for a known recipient; for a new one an insert and a place in the list. */
export function createForRecipient(parts: Omit<SaveParts, 'audit'>): Pick<Leads, 'forRecipient'> {
  const { stores, runtime } = parts
  /** The list of each workspace; a removed one takes nobody in and is made anew, and none is trusted for longer than a minute. */
  const lists = new Map<string, { id: string; asOf: Date }>()

  async function listOf(workspaceId: string): Promise<string> {
    const known = lists.get(workspaceId)
    const asOf = runtime.now()
    if (known && Math.abs(asOf.getTime() - known.asOf.getTime()) < listMs) return known.id
    const wish: LeadList = { id: runtime.id('list'), workspaceId, name: listName, description: null, createdAt: asOf }
    const { id } = await stores.leads.listNamed(wish)
    const oldest = lists.size >= listsMax ? lists.keys().next().value : undefined
    if (oldest !== undefined) lists.delete(oldest)
    lists.set(workspaceId, { id, asOf })
    return id
  }

  async function enlist(workspaceId: string, leadId: string): Promise<void> {
    if ((await stores.leads.addToList(workspaceId, await listOf(workspaceId), [leadId])) > 0) return
    lists.delete(workspaceId)
    await stores.leads.addToList(workspaceId, await listOf(workspaceId), [leadId])
  }

  async function byId(workspaceId: string, id: string): Promise<Lead> {
    const lead = await stores.leads.get(workspaceId, id)
    if (!lead) throw new AppError('LEAD_NOT_FOUND', `there is no lead ${id}`)
    return lead
  }

  return {
    async forRecipient(caller, recipient, alongside) {
      const { workspaceId } = caller
      if (recipient.leadId) return byId(workspaceId, recipient.leadId)
      const defaultCountryCode = await countryFor(stores, workspaceId, [recipient])
      const { fields, issues } = readLead(recipient, { defaultCountryCode, path: '' })
      if (issues.length > 0) throw refuseAll(issues.map(({ path, message }) => ({ path: sendNames[path] ?? path, message })))
      const addresses = addressesIn(fields)
      if (addresses.length === 0) throw new AppError('NO_RECIPIENT', 'leadId, recipientPhone or recipientEmail is needed')
      for (let round = 0; round < roundsMax; round++) {
        const owners = await stores.leads.byAddresses(workspaceId, addresses)
        const owner = addresses.map((address) => owners.get(address)).find((id) => id !== undefined)
        if (owner !== undefined) {
          const lead = await stores.leads.get(workspaceId, owner)
          if (lead) return lead
          continue
        }
        const wish = newLead(fields, { id: runtime.id('lead'), workspaceId, now: runtime.now() })
        const outcome = await insertLead(parts, wish, caller)
        if ('existingId' in outcome) {
          const lead = await stores.leads.get(workspaceId, outcome.existingId)
          if (lead) return lead
          continue
        }
        const lead = 'made' in outcome ? outcome.made : outcome.again
        const enlisted = enlist(workspaceId, lead.id)
        if (alongside) alongside(enlisted)
        else await enlisted
        return lead
      }
      throw new AppError('CONFLICT', 'the recipient is being made and deleted at the same time; try again')
    },
  }
}
