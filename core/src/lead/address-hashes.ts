import { createHmac } from 'node:crypto'
import { AppError } from '../errors.ts'
import type { Stores } from '../store/stores.ts'
import type { Sealer } from '../workspace/secrets.ts'

/** Keyed hashes of normalised addresses (HMAC-SHA256, hex, in the order given): what the do-not-contact list matches on. */
export type AddressHashes = (workspaceId: string, addresses: readonly string[]) => Promise<string[]>

const keysMax = 1_000

/** A workspace's key never changes, so it is opened once and kept. Refuses an unknown workspace with NOT_FOUND. */
export function createAddressHashes({ stores, sealer }: { stores: Pick<Stores, 'workspaces'>; sealer: Pick<Sealer, 'open'> }): AddressHashes {
  const keys = new Map<string, string>()

  async function keyOf(workspaceId: string): Promise<string> {
    const known = keys.get(workspaceId)
    if (known !== undefined) return known
    const workspace = await stores.workspaces.get(workspaceId)
    if (!workspace) throw new AppError('NOT_FOUND', `there is no workspace ${workspaceId}`)
    const key = sealer.open(workspaceId, 'hashKey', workspace.hashKey)
    const oldest = keys.size >= keysMax ? keys.keys().next().value : undefined
    if (oldest !== undefined) keys.delete(oldest)
    keys.set(workspaceId, key)
    return key
  }

  return async (workspaceId, addresses) => {
    const key = await keyOf(workspaceId)
    return addresses.map((address) => createHmac('sha256', key).update(address).digest('hex'))
  }
}
