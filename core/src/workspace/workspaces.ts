import { randomBytes } from 'node:crypto'
import { AppError } from '../errors.ts'
import { revise } from '../event/revise.ts'
import type { Audit, Caller, Lines, WorkspaceInput, Workspaces } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { pageOf } from './audit.ts'
import { generateKeyText, judgeKeyText } from './key-text.ts'
import { keyDocument } from './keys.ts'
import type { Sealer } from './secrets.ts'
import { defaultSettings, patchSettings } from './settings.ts'
import type { Workspace } from './workspace.ts'

export interface WorkspacesParts {
  readonly stores: Pick<Stores, 'workspaces' | 'keys'>
  readonly runtime: Pick<Runtime, 'now' | 'id' | 'log'>
  readonly sealer: Sealer
  readonly audit: Pick<Audit, 'record'>
  /** Makes the sandbox line of the first workspace. */
  readonly lines: Pick<Lines, 'create'>
}

/** Fixed, so that processes that start at once insert the same documents and collide harmlessly. */
const zeros = '0'.repeat(26)
const adminKeyName = 'Admin key'
const first = { workspaceId: `ws_${zeros}`, keyId: `key_${zeros}`, lineId: `line_${zeros}` }

export function createWorkspaces({ stores, runtime, sealer, audit, lines }: WorkspacesParts): Workspaces {
  function newWorkspace(id: string, input: WorkspaceInput): Workspace {
    const now = runtime.now()
    return {
      ...patchSettings(defaultSettings, input),
      id,
      workspaceId: id,
      version: 1,
      seq: 0,
      outbox: [],
      readOnly: null,
      plugins: {},
      hashKey: sealer.seal(id, 'hashKey', randomBytes(32).toString('base64')),
      createdAt: now,
      updatedAt: now,
    }
  }

  async function get(id: string): Promise<Workspace> {
    const workspace = await stores.workspaces.get(id)
    if (!workspace) throw new AppError('NOT_FOUND', `there is no workspace ${id}`)
    return workspace
  }

  async function change(id: string, decide: (workspace: Workspace) => Workspace): Promise<Workspace> {
    const revised = await revise({
      load: () => get(id),
      decide: (workspace) => ({ ...decide(workspace), updatedAt: runtime.now() }),
      async commit(workspace) {
        const outcome = await stores.workspaces.commit(workspace)
        if (outcome === 'taken') throw new AppError('CONFLICT', 'another workspace has this externalId')
        return outcome === 'ok'
      },
    })
    if (!revised) throw new AppError('NOT_FOUND', `there is no workspace ${id}`)
    return revised.doc
  }

  /** Without the key that the store was sealed with nothing could be sent, and each attempt would only fail in its own way. */
  async function checkSealer(workspaceId: string): Promise<void> {
    const workspace = await stores.workspaces.get(workspaceId)
    if (!workspace) return
    try {
      sealer.open(workspace.id, 'hashKey', workspace.hashKey)
    } catch (cause) {
      throw new Error(
        'ENCRYPTION_KEY: expected the key this store was sealed with among its keys (when it is a new one: put it before the old one)',
        {
          cause,
        },
      )
    }
  }

  /** The admin key of a workspace; one whose secret was never told, because the process died, is revoked. */
  async function adminKey(workspaceId: string): Promise<string> {
    const untold = (await stores.keys.list(workspaceId)).filter((key) => key.revokedAt === null && key.name === adminKeyName)
    for (const key of untold) await stores.keys.end(workspaceId, key.id, { revokedAt: runtime.now() })
    const secret = generateKeyText()
    const key = { id: runtime.id('key'), workspaceId, name: adminKeyName, scopes: ['read', 'write', 'admin'] as const, isInstallation: false }
    await stores.keys.insert(keyDocument(secret, key, runtime.now()))
    return secret
  }

  return {
    get,
    byExternalId: (externalId) => stores.workspaces.byExternalId(externalId),
    list: (page) => stores.workspaces.list(pageOf(page)),

    async create(caller, input, reserved) {
      const id = reserved?.id ?? runtime.id('ws')
      const made = newWorkspace(id, input)
      const isNew = await stores.workspaces.insert(made)
      const workspace = isNew ? made : await stores.workspaces.get(id)
      if (!workspace) throw new AppError('CONFLICT', 'another workspace has this externalId')
      const apiKey = await adminKey(id)
      await audit.record({ ...caller, workspaceId: id }, 'workspace.created', id, { by: caller.workspaceId })
      return { workspace, apiKey }
    },

    async update(caller, id, patch) {
      const workspace = await change(id, (current) => ({ ...current, ...patchSettings(current, patch) }))
      await audit.record({ ...caller, workspaceId: id }, 'workspace.updated', id, { fields: Object.keys(patch) })
      return workspace
    },

    async setReadOnly(caller, id, readOnly) {
      const workspace = await change(id, (current) => ({ ...current, readOnly: readOnly && { reason: readOnly.reason } }))
      await audit.record({ ...caller, workspaceId: id }, 'workspace.read_only_set', id, { readOnly: readOnly !== null, by: caller.workspaceId })
      return workspace
    },

    async bootstrap({ adminApiKey, sandboxLine }) {
      const { workspaceId, keyId, lineId } = first
      // The key is written last: where it is, everything was made, and what people took away since stays away.
      if (await stores.keys.get(workspaceId, keyId)) {
        await checkSealer(workspaceId)
        return { workspaceId, generatedKey: null }
      }
      const there = await stores.workspaces.list({ limit: 1 })
      const other = there.workspaces[0]
      if (other && !(await stores.workspaces.get(workspaceId))) return { workspaceId: other.id, generatedKey: null }
      if (adminApiKey !== null && judgeKeyText(adminApiKey) !== 'ok') {
        throw new Error('ADMIN_API_KEY: expected tl_ and at least 32 more characters; one that Trunkline generated has to be copied whole')
      }
      await stores.workspaces.insert(newWorkspace(workspaceId, { name: 'My workspace' }))
      const caller: Caller = { workspaceId, actor: 'system', correlationId: null }
      if (sandboxLine) {
        await lines.create(caller, { name: 'Sandbox', channel: 'imessage', transport: { type: 'sandbox' } }, { id: lineId })
      }
      const secret = adminApiKey ?? generateKeyText()
      const key = { id: keyId, workspaceId, name: 'Installation key', scopes: ['read', 'write', 'admin'] as const, isInstallation: true }
      const isOurs = await stores.keys.insert(keyDocument(secret, key, runtime.now()))
      return { workspaceId, generatedKey: isOurs && adminApiKey === null ? secret : null }
    },
  }
}
