import type { Audit } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'

export interface AuditParts {
  readonly stores: Pick<Stores, 'audit'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
}

/** Who changed what. `data` holds ids, names of fields and counts: never an address, a body or a secret. */
export function createAudit({ stores, runtime }: AuditParts): Audit {
  return {
    record({ workspaceId, actor, correlationId }, action, target, data = {}) {
      const at = runtime.now()
      return stores.audit.record({
        id: runtime.id('aud'),
        workspaceId,
        actor,
        action,
        target,
        data: correlationId === null ? data : { ...data, correlationId },
        at,
      })
    },
    find: (workspaceId, page) => stores.audit.find(workspaceId, pageOf(page)),
  }
}

/** A page as the ports take it: a cursor that is not given is not there. */
export function pageOf(page: { limit: number; cursor?: string | undefined }): { limit: number; cursor?: string } {
  return page.cursor === undefined ? { limit: page.limit } : { limit: page.limit, cursor: page.cursor }
}
