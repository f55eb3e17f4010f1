import type { Consent } from '../operations.ts'
import type { Sealer } from '../workspace/secrets.ts'
import { type AddressHashes, createAddressHashes } from './address-hashes.ts'
import { consentVerdict } from './consent.ts'
import { createDnc } from './dnc.ts'
import { addressesOf, type Lead } from './lead.ts'
import { createOptOut, type OptOutParts } from './opt-out.ts'
import { createUnsubscribeTokens } from './unsubscribe.ts'

export interface ConsentParts extends Omit<OptOutParts, 'hashes'> {
  readonly sealer: Sealer
  /** Shared with createLeads where both are made; made here otherwise. */
  readonly hashes?: AddressHashes
}

/** Who may be written to, and how people say no and yes again. */
export function createConsent(given: ConsentParts): Consent {
  const hashes = given.hashes ?? createAddressHashes(given)
  const parts = { ...given, hashes }
  const { stores } = parts
  const { optOut, optIn, ...optOuts } = createOptOut(parts)
  /** Somebody else's address may be named beside a lead's own: whose it is, has the last word on it. */
  async function ownerOf(workspaceId: string, address: string): Promise<Lead | null> {
    const id = (await stores.leads.byAddresses(workspaceId, [address])).get(address)
    return id === undefined ? null : stores.leads.get(workspaceId, id)
  }

  return {
    async allows(workspaceId, { lead, address, channel }) {
      const [addressHash = ''] = await hashes(workspaceId, [address])
      // Read anew even when the caller has just read the lead: an opt-out in between must be seen.
      const [fresh, entries] = await Promise.all([
        lead ? stores.leads.get(workspaceId, lead.id) : null,
        stores.dnc.matching(workspaceId, { addressHashes: [addressHash], leadId: lead?.id ?? null }),
      ])
      if (lead && !fresh) return { allowed: false, why: 'the lead was deleted' }
      const verdict = consentVerdict(fresh, entries, { channel, addressHash })
      if (!verdict.allowed || (fresh && addressesOf(fresh).includes(address))) return verdict
      const owner = await ownerOf(workspaceId, address)
      if (owner === null) return verdict
      return consentVerdict(owner, await stores.dnc.matching(workspaceId, { addressHashes: [], leadId: owner.id }), { channel, addressHash })
    },
    optOut,
    optIn,
    ...createDnc({ ...parts, optOuts }),
    ...createUnsubscribeTokens(parts.sealer),
  }
}
