import { AppError, invalid } from '../errors.ts'
import type { Audit, Leads } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { LeadList } from './lead.ts'

export interface ListsParts {
  readonly stores: Pick<Stores, 'leads'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  readonly audit: Pick<Audit, 'record'>
}

const chunk = 500

export function listNotFound(id: string): AppError {
  return new AppError('LIST_NOT_FOUND', `there is no list ${id}`)
}

export function createLists({ stores, runtime, audit }: ListsParts): Pick<Leads, 'createList' | 'lists' | 'getList' | 'removeList' | 'addToList'> {
  return {
    async createList(caller, input, reserved) {
      const name = input.name.trim()
      if (name === '' || name.length > 200) throw invalid('name', 'is needed, with at most 200 characters')
      const description = input.description?.trim() || null
      const list: LeadList = { id: reserved?.id ?? runtime.id('list'), workspaceId: caller.workspaceId, name, description, createdAt: runtime.now() }
      if (!(await stores.leads.insertList(list))) {
        const there = await stores.leads.getList(caller.workspaceId, list.id)
        if (!there) throw new AppError('CONFLICT', `there is a list named ${name}`)
        return there
      }
      await audit.record(caller, 'list.created', list.id)
      return list
    },

    lists: (workspaceId) => stores.leads.lists(workspaceId),

    async getList(workspaceId, id) {
      const list = (await stores.leads.lists(workspaceId)).find((each) => each.id === id)
      if (!list) throw listNotFound(id)
      return list
    },

    async removeList(caller, id) {
      if (!(await stores.leads.removeList(caller.workspaceId, id))) throw listNotFound(id)
      await audit.record(caller, 'list.removed', id)
    },

    async addToList(caller, listId, leadIds) {
      const { workspaceId } = caller
      if (!(await stores.leads.getList(workspaceId, listId))) throw listNotFound(listId)
      const ids = [...new Set(leadIds)]
      const chunks = Array.from({ length: Math.ceil(ids.length / chunk) }, (_, at) => ids.slice(at * chunk, (at + 1) * chunk))
      const found = new Set<string>()
      for (const some of chunks) for (const lead of await stores.leads.getMany(workspaceId, some)) found.add(lead.id)
      const missing = ids.filter((id) => !found.has(id))
      if (missing.length > 0) throw new AppError('LEAD_NOT_FOUND', `there is no lead ${missing[0]}`, { extra: { leadIds: missing.slice(0, 100) } })
      let addedCount = 0
      for (const some of chunks) addedCount += await stores.leads.addToList(workspaceId, listId, some)
      await audit.record(caller, 'list.leads_added', listId, { addedCount })
      return { addedCount }
    },
  }
}
