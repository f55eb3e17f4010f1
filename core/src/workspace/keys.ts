import { timingSafeEqual } from 'node:crypto'
import { AppError, invalid } from '../errors.ts'
import type { Audit, Keys } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { generateKeyText, hashKeyText, hintOf, judgeKeyText } from './key-text.ts'
import { type ApiKey, scopes as knownScopes } from './workspace.ts'

export interface KeysParts {
  readonly stores: Pick<Stores, 'keys'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  readonly audit: Pick<Audit, 'record'>
}

const cacheMs = 500
const cacheMax = 5_000
const graceMs = 24 * 3_600_000

/** A new key document for a text that exists nowhere else. */
export function keyDocument(text: string, key: Pick<ApiKey, 'id' | 'workspaceId' | 'name' | 'scopes' | 'isInstallation'>, createdAt: Date): ApiKey {
  return { ...key, hash: hashKeyText(text), hint: hintOf(text), expiresAt: null, revokedAt: null, lastUsedAt: null, createdAt }
}

export function createKeys({ stores, runtime, audit }: KeysParts): Keys {
  /** By hash; oldest first, as a Map keeps insertion order. `asOf`: when the store was asked. */
  const cache = new Map<string, { key: ApiKey; asOf: number }>()
  const asking = new Map<string, Promise<ApiKey | null>>()
  /** Raised when a key ends here, so that an answer from before is not kept. */
  let epoch = 0

  function isValid(key: ApiKey): boolean {
    return key.revokedAt === null && (key.expiresAt === null || key.expiresAt > runtime.now())
  }

  async function ask(hash: string): Promise<ApiKey | null> {
    const asOf = runtime.now().getTime()
    const asked = epoch
    const key = await stores.keys.byHash(hash)
    if (key === null || !timingSafeEqual(Buffer.from(key.hash), Buffer.from(hash))) return null
    if (asked === epoch) {
      cache.delete(hash)
      const oldest = cache.size >= cacheMax ? cache.keys().next().value : undefined
      if (oldest !== undefined) cache.delete(oldest)
      cache.set(hash, { key, asOf })
    }
    return key
  }

  function forget(key: ApiKey): void {
    epoch++
    cache.delete(key.hash)
    asking.delete(key.hash)
  }

  async function existing(workspaceId: string, id: string): Promise<ApiKey> {
    const key = await stores.keys.get(workspaceId, id)
    if (key === null || !isValid(key)) throw new AppError('NOT_FOUND', `there is no key ${id}`)
    return key
  }

  async function insert(key: Omit<Parameters<typeof keyDocument>[1], 'id'>, id = runtime.id('key')): Promise<{ key: ApiKey; secret: string }> {
    const secret = generateKeyText()
    const doc = keyDocument(secret, { ...key, id }, runtime.now())
    if (await stores.keys.insert(doc)) return { key: doc, secret }
    // The first answer with this id was lost, and its secret with it: nobody has it, so it ends and another one takes its place.
    const lost = await stores.keys.get(key.workspaceId, id)
    if (lost) {
      await stores.keys.end(key.workspaceId, id, { revokedAt: runtime.now() })
      forget(lost)
    }
    return insert(key)
  }

  return {
    async create(caller, input, reserved) {
      const name = input.name.trim()
      if (name === '' || name.length > 200) throw invalid('name', 'is needed, with at most 200 characters')
      const scopes = knownScopes.filter((scope) => input.scopes.includes(scope))
      if (scopes.length === 0 || scopes.length !== new Set(input.scopes).size) throw invalid('scopes', `is needed: some of ${knownScopes.join(', ')}`)
      const made = await insert({ workspaceId: caller.workspaceId, name, scopes, isInstallation: false }, reserved?.id)
      await audit.record(caller, 'key.created', made.key.id, { name, scopes })
      return made
    },

    async list(workspaceId) {
      return (await stores.keys.list(workspaceId)).filter(isValid)
    },

    async rotate(caller, id) {
      const old = await existing(caller.workspaceId, id)
      const { workspaceId, name, scopes, isInstallation } = old
      const made = await insert({ workspaceId, name, scopes, isInstallation })
      const graceEndsAt = new Date(runtime.now().getTime() + graceMs)
      const expiresAt = old.expiresAt !== null && old.expiresAt < graceEndsAt ? old.expiresAt : graceEndsAt
      await stores.keys.end(workspaceId, id, { expiresAt })
      forget(old)
      await audit.record(caller, 'key.rotated', id, { replacedBy: made.key.id, expiresAt: expiresAt.toISOString() })
      return made
    },

    async revoke(caller, id) {
      const key = await existing(caller.workspaceId, id)
      const others = await stores.keys.list(caller.workspaceId)
      if (key.isInstallation && !others.some((other) => other.id !== id && other.isInstallation && isValid(other) && other.expiresAt === null)) {
        throw new AppError('CONFLICT', "this is the installation's last admin key: rotate it instead, or nobody could get in")
      }
      await stores.keys.end(caller.workspaceId, id, { revokedAt: runtime.now() })
      forget(key)
      await audit.record(caller, 'key.revoked', id)
    },

    async authenticate(secret) {
      if (judgeKeyText(secret) !== 'ok') return null
      const hash = hashKeyText(secret)
      const cached = cache.get(hash)
      const age = cached ? runtime.now().getTime() - cached.asOf : Number.NaN
      if (cached && age >= 0 && age < cacheMs) return isValid(cached.key) ? cached.key : null
      let answer = asking.get(hash)
      if (!answer) {
        const fresh = ask(hash).finally(() => {
          if (asking.get(hash) === fresh) asking.delete(hash)
        })
        asking.set(hash, fresh)
        answer = fresh
      }
      const key = await answer
      return key !== null && isValid(key) ? key : null
    },
  }
}
