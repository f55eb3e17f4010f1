import type { Consent } from '../operations.ts'
import type { Sealer } from '../workspace/secrets.ts'
import { type AddressHashes, createAddressHashes } from './address-hashes.ts'
import { consentVerdict } from './consent.ts'
import { createDnc } from './dnc.ts'
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
  return {
    async allows(workspaceId, { lead, address, channel }) {
      const [addressHash = ''] = await hashes(workspaceId, [address])
      // Read anew even when the caller has just read the lead: an opt-out in between must be seen.
      const [fresh, entries] = await Promise.all([
        lead ? stores.leads.get(workspaceId, lead.id) : null,
        stores.dnc.matching(workspaceId, { addressHashes: [addressHash], leadId: lead?.id ?? null }),
      ])
      if (lead && !fresh) return { allowed: false, why: 'the lead was deleted' }
      return consentVerdict(fresh, entries, { channel, addressHash })
    },
    optOut,
    optIn,
    ...createDnc({ ...parts, optOuts }),
    ...createUnsubscribeTokens(parts.sealer),
  }
}
