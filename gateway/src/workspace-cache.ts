import { AppError, type Runtime, type Workspace } from '@trunkline/core'
import type { Engine } from './engine.ts'

const keptMs = 500
const sizeMax = 5_000

/** Workspaces as they were at most half a second ago: every write asks whether its workspace is read-only. */
export function createWorkspaceCache({ engine, runtime }: { engine: Pick<Engine, 'workspaces'>; runtime: Pick<Runtime, 'now'> }) {
  const kept = new Map<string, { until: number; workspace: Promise<Workspace | null> }>()

  function cached(key: string, load: () => Promise<Workspace | null>): Promise<Workspace | null> {
    const now = runtime.now().getTime()
    const found = kept.get(key)
    if (found !== undefined && found.until > now) return found.workspace
    if (kept.size >= sizeMax) kept.clear()
    const workspace = load()
    workspace.catch(() => kept.delete(key))
    kept.set(key, { until: now + keptMs, workspace })
    return workspace
  }
  const get = (id: string) =>
    cached(`id ${id}`, async () => {
      try {
        return await engine.workspaces.get(id)
      } catch (error) {
        if (error instanceof AppError && error.code === 'NOT_FOUND') return null
        throw error
      }
    })
  return {
    get,
    /** By what a token says: a workspace's id, or else its `externalId`. */
    async byClaim(claim: string): Promise<Workspace | null> {
      return (claim.startsWith('ws_') ? await get(claim) : null) ?? cached(`external ${claim}`, () => engine.workspaces.byExternalId(claim))
    },
    /** After a change made here, which must be seen by the next request. */
    forget(): void {
      kept.clear()
    },
  }
}

export type WorkspaceCache = ReturnType<typeof createWorkspaceCache>
