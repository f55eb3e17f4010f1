import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { AddressHashes } from './address-hashes.ts'
import { keptFor } from './consent.ts'
import { addressesOf, type Lead } from './lead.ts'

export interface SuppressParts {
  readonly stores: Pick<Stores, 'dnc'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  readonly hashes: AddressHashes
}

/**
 * A lead's "no" holds on all its addresses. For those that leave it (erased, or taken off it) it is written on the address itself, or the next
 * lead made with that address would be written to. `hash`: no address stays in clear.
 */
export async function keepSuppressed(
  { stores, runtime, hashes }: SuppressParts,
  lead: Lead,
  leaving: readonly string[],
  keep: 'address' | 'hash',
): Promise<void> {
  if (leaving.length === 0) return
  const { workspaceId } = lead
  const all = await stores.dnc.matching(workspaceId, { addressHashes: await hashes(workspaceId, addressesOf(lead)), leadId: lead.id })
  const kept = keptFor(
    lead.optedOut,
    all.filter((entry) => entry.leadId === lead.id),
  )
  if (kept.length === 0) return
  const leavingHashes = await hashes(workspaceId, leaving)
  const entries = leaving.flatMap((address, index) =>
    kept.map((each) => ({
      ...each,
      id: runtime.id('dnc'),
      workspaceId,
      phone: keep === 'address' && !address.includes('@') ? address : null,
      email: keep === 'address' && address.includes('@') ? address : null,
      leadId: null,
      addressHash: leavingHashes[index] ?? null,
      createdAt: runtime.now(),
    })),
  )
  await Promise.all(entries.map((entry) => stores.dnc.add(entry)))
}
