import { AppError, invalid } from '../errors.ts'
import { announce, type Relay } from '../event/event.ts'
import type { Channel } from '../message/message.ts'
import type { Recipient } from '../message/store.ts'
import type { Audit, Caller, Consent } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { AddressHashes } from './address-hashes.ts'
import { changeLead } from './change.ts'
import { canonical, flagsSet, liftFlags, optOutFlags, ownSources } from './consent.ts'
import { addressesOf, type Lead } from './lead.ts'
import type { DncEntry } from './store.ts'

export interface OptOutParts {
  readonly stores: Pick<Stores, 'leads' | 'dnc' | 'messages' | 'workspaces'>
  readonly runtime: Pick<Runtime, 'now' | 'id' | 'after'>
  readonly hashes: AddressHashes
  readonly relay: Relay
  readonly audit: Pick<Audit, 'record'>
  /** Cancels the open messages of one recipient on these channels (null: all). */
  cancelOpen(workspaceId: string, recipient: Recipient, why: string, channels: readonly Channel[] | null): Promise<unknown>
}

/** Whose request it was, for what is announced of it. */
type Asker = Pick<Caller, 'workspaceId' | 'correlationId'>

const pollMs = 50
const pollsMax = 40

/** An entry for one address, or for a lead when there is none. */
export async function entryFor(
  { runtime, hashes }: Pick<OptOutParts, 'runtime' | 'hashes'>,
  entry: Pick<DncEntry, 'workspaceId' | 'channels' | 'reason' | 'source'> & ({ address: string } | { leadId: string }),
  id = runtime.id('dnc'),
): Promise<DncEntry> {
  const { workspaceId, channels, reason, source } = entry
  const address = 'address' in entry ? entry.address : null
  const [addressHash = null] = address === null ? [] : await hashes(workspaceId, [address])
  const isEmail = address?.includes('@') ?? false
  return {
    id,
    workspaceId,
    phone: isEmail ? null : address,
    email: isEmail ? address : null,
    leadId: 'leadId' in entry ? entry.leadId : null,
    addressHash,
    channels,
    reason,
    source,
    createdAt: runtime.now(),
  }
}

export function createOptOut(parts: OptOutParts): Pick<Consent, 'optOut' | 'optIn'> & {
  /** Cancels what is open to these, and waits up to 2 s until what was in flight to the addresses has landed. */
  silence(workspaceId: string, who: { leadId: string | null; addresses: readonly string[] }, channels: readonly Channel[] | null): Promise<void>
  /** Sets the lead's flags, with the event when that changed anything. Null when the lead is gone. */
  flagLead(caller: Asker, leadId: string, channels: readonly Channel[] | null, data: Record<string, unknown>): Promise<Lead | null>
} {
  const { stores, runtime, relay } = parts

  async function scopeOf(workspaceId: string): Promise<'lead' | 'address'> {
    const workspace = await stores.workspaces.get(workspaceId)
    if (!workspace) throw new AppError('NOT_FOUND', `there is no workspace ${workspaceId}`)
    return workspace.optOutScope
  }

  function announced(lead: Lead, type: 'lead.opted_out' | 'lead.opted_in', data: Record<string, unknown>, { correlationId }: Asker): Lead {
    const at = runtime.now()
    return announce({ ...lead, updatedAt: at }, { id: runtime.id('evt'), type, at, data, correlationId })
  }

  const flagLead = async (caller: Asker, leadId: string, channels: readonly Channel[] | null, data: Record<string, unknown>) => {
    const revised = await changeLead(stores, caller.workspaceId, leadId, (lead) => {
      const optedOut = optOutFlags(lead.optedOut, channels)
      return optedOut === lead.optedOut ? lead : announced({ ...lead, optedOut }, 'lead.opted_out', { ...data, channels, scope: 'lead' }, caller)
    })
    if (revised?.changed) relay('lead', revised.doc)
    return revised?.doc ?? null
  }

  async function silence(workspaceId: string, who: { leadId: string | null; addresses: readonly string[] }, channels: readonly Channel[] | null) {
    const recipients: Recipient[] = [...(who.leadId === null ? [] : [{ leadId: who.leadId }]), ...who.addresses.map((address) => ({ address }))]
    for (const recipient of recipients) await parts.cancelOpen(workspaceId, recipient, 'the recipient opted out', channels)
    if (who.addresses.length === 0) return
    // Who was not `sending` at this point looks at consent after it was withdrawn, so only these have to land.
    let flying = await stores.messages.sendingTo(workspaceId, who.addresses)
    for (let poll = 0; flying.length > 0 && poll < pollsMax; poll++) {
      await new Promise<void>((resolve) => void runtime.after(pollMs, resolve))
      const now = new Set(await stores.messages.sendingTo(workspaceId, who.addresses))
      flying = flying.filter((id) => now.has(id))
    }
  }

  /** The address alone: the announcement lies on the lead, so it is committed first; a crash in between ends in a second one, never in none. */
  async function closeAddress(entry: DncEntry, lead: Lead | null, data: Record<string, unknown>, caller: Asker): Promise<void> {
    const known = await stores.dnc.matching(entry.workspaceId, { addressHashes: entry.addressHash === null ? [] : [entry.addressHash], leadId: null })
    const isKnown = known.some((each) => each.source === entry.source && String(each.channels) === String(entry.channels))
    if (isKnown) return
    const told = lead
      ? await changeLead(stores, entry.workspaceId, lead.id, (doc) =>
          announced(doc, 'lead.opted_out', { ...data, channels: entry.channels, scope: 'address' }, caller),
        )
      : null
    await stores.dnc.add(entry)
    if (told) relay('lead', told.doc)
  }

  return {
    silence,
    flagLead,

    async optOut(caller, { lead, address, channels: list, reason, source }) {
      const { workspaceId } = caller
      if (lead === null && address === null) throw invalid('address', 'a lead or an address is needed')
      const channels = canonical(list)
      const base = { workspaceId, channels, reason, source }
      const data = { address, reason, source }
      const isByLead = lead !== null && (address === null || (await scopeOf(workspaceId)) === 'lead')
      let flagged: Lead | null = null
      if (isByLead) {
        // The entry goes first: it holds at once, and it is what later says who set the flag.
        await stores.dnc.add(await entryFor(parts, { ...base, leadId: lead.id }))
        flagged = await flagLead(caller, lead.id, channels, data)
      }
      const own = flagged ? addressesOf(flagged) : []
      if (address !== null && !own.includes(address))
        await closeAddress(await entryFor(parts, { ...base, address }), isByLead ? null : lead, data, caller)
      const addresses = address === null ? own : [...new Set([...own, address])]
      await silence(workspaceId, { leadId: flagged?.id ?? null, addresses }, channels)
      await parts.audit.record(caller, 'lead.opted_out', lead?.id ?? 'address', { channels, source, scope: isByLead ? 'lead' : 'address' })
    },

    async optIn(caller, { lead, address, source }) {
      const { workspaceId } = caller
      if (lead === null && address === null) throw invalid('address', 'a lead or an address is needed')
      const isByLead = lead !== null && (address === null || (await scopeOf(workspaceId)) === 'lead')
      const isOwn = (entry: DncEntry) => ownSources.includes(entry.source) || entry.source === source
      const entriesOf = async (doc: Lead | null) => {
        const own = doc && isByLead ? addressesOf(doc) : []
        const addressHashes = await parts.hashes(workspaceId, address === null ? own : [...new Set([...own, address])])
        return stores.dnc.matching(workspaceId, { addressHashes, leadId: doc?.id ?? null })
      }
      let leaving: DncEntry[] = []
      const decide = async (doc: Lead) => {
        const entries = await entriesOf(doc)
        leaving = entries.filter(isOwn)
        const staying = entries.filter((entry) => !isOwn(entry))
        const optedOut = liftFlags(doc.optedOut, flagsSet(doc.optedOut), staying)
        if (optedOut === doc.optedOut && leaving.length === 0) return doc
        return announced({ ...doc, optedOut }, 'lead.opted_in', { address, source, scope: isByLead ? 'lead' : 'address' }, caller)
      }
      const revised = lead ? await changeLead(stores, workspaceId, lead.id, decide) : null
      if (!revised) leaving = (await entriesOf(null)).filter(isOwn)
      for (const entry of leaving) await stores.dnc.remove(workspaceId, entry.id)
      if (revised?.changed) relay('lead', revised.doc)
      await parts.audit.record(caller, 'lead.opted_in', lead?.id ?? 'address', { source })
    },
  }
}
