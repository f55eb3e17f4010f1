import { AppError, invalid } from '../errors.ts'
import { normaliseEmail, normalisePhone, orderFor } from '../lead/addresses.ts'
import type { Lead } from '../lead/lead.ts'
import type { Availability, Leads } from '../operations.ts'
import type { Queue } from '../queue/queue.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import type { Job, Workspace } from '../workspace/workspace.ts'
import { statusOf } from './order.ts'
import type { Probe, Reach } from './probe.ts'

export interface ChecksParts {
  stores: Stores
  runtime: Runtime
  probe: Probe
  queue: Queue
  leads: Pick<Leads, 'recordAvailability'>
}

/** A person waits this long at most for a device's gap; a job comes back later instead. */
const patienceMs = 20_000
const jobBatch = 50

export interface Checks extends Availability {
  /** Goes on with a background job of this kind; false when it is of another. */
  runJob(job: Job, signal: AbortSignal): Promise<boolean>
}

/** Answers "is this address on iMessage", for one address, one lead, or many in the background. */
export function createChecks({ stores, runtime, probe, queue, leads }: ChecksParts): Checks {
  async function workspaceOf(id: string): Promise<Workspace> {
    const workspace = await stores.workspaces.get(id)
    if (workspace === null) throw new AppError('NOT_FOUND', 'no such workspace')
    return workspace
  }

  /** Waits out short gaps; returns the last answer when patience ends. */
  async function patiently(workspace: Workspace, addresses: readonly string[], waitMs: number): Promise<Reach> {
    const deadline = runtime.now().getTime() + waitMs
    const signal = AbortSignal.timeout(waitMs + patienceMs)
    for (;;) {
      const reach = await probe.reach(workspace, addresses, null, signal)
      const until = reach.go === 'later' ? reach.hold.until : null
      if (until === null || until.getTime() > deadline) return reach
      await new Promise<void>((resolve) => void runtime.after(Math.max(1, until.getTime() - runtime.now().getTime()), resolve))
    }
  }

  async function walkLead(workspace: Workspace, lead: Lead, waitMs: number) {
    const addresses = orderFor('imessage', lead)
    const reach = await patiently(workspace, addresses, waitMs)
    const status = statusFor(reach)
    const address = reach.go === 'use' ? reach.address : null
    if (status !== 'unknown') await leads.recordAvailability(workspace.id, lead.id, { status, address, checkedAddresses: reach.checked })
    return {
      reach,
      result: {
        leadId: lead.id,
        available: status === 'available' ? true : status === 'unavailable' ? false : null,
        status,
        address,
        checkedAddresses: reach.checked,
      },
    }
  }

  return {
    answers: (workspaceId, addresses) => stores.availability.get(workspaceId, addresses),
    async checkAddress(caller, text) {
      const workspace = await workspaceOf(caller.workspaceId)
      const parsed = text.includes('@') ? normaliseEmail(text) : normalisePhone(text, workspace.defaultCountryCode)
      if (!parsed.ok) throw invalid('address', parsed.why)
      const reach = await patiently(workspace, [parsed.value], patienceMs)
      const found = reach.checked[0]
      return {
        address: parsed.value,
        available: found?.available ?? null,
        status: statusFor(reach),
        checkedAt: found?.checkedAt ?? null,
        detail:
          reach.go === 'later' ? `${reach.hold.reason}: ${reach.hold.detail}` : reach.go === 'blind' ? 'no line of this workspace can check' : null,
      }
    },
    async checkLead(caller, leadId) {
      const workspace = await workspaceOf(caller.workspaceId)
      const lead = await stores.leads.get(caller.workspaceId, leadId)
      if (lead === null) throw new AppError('LEAD_NOT_FOUND', 'there is no such lead')
      return (await walkLead(workspace, lead, patienceMs)).result
    },
    async checkLeads(caller, who, reserved = {}) {
      if (who.listId !== undefined && (await stores.leads.getList(caller.workspaceId, who.listId)) === null)
        throw new AppError('LIST_NOT_FOUND', 'there is no such list')
      const leadIds = [...new Set(who.leadIds ?? [])]
      if (who.listId === undefined) {
        const found = new Set((await stores.leads.getMany(caller.workspaceId, leadIds)).map((lead) => lead.id))
        const missing = leadIds.find((id) => !found.has(id))
        if (missing !== undefined) throw new AppError('LEAD_NOT_FOUND', `there is no lead ${missing}`)
      }
      const list = who.listId === undefined ? null : (await stores.leads.lists(caller.workspaceId)).find((entry) => entry.id === who.listId)
      const now = runtime.now()
      const job: Job = {
        id: reserved.id ?? runtime.id('job'),
        workspaceId: caller.workspaceId,
        version: 1,
        kind: 'check-availability',
        status: 'running',
        total: list?.leadCount ?? leadIds.length,
        done: 0,
        savedCount: 0,
        duplicateCount: 0,
        errors: [],
        input: who.listId === undefined ? { leadIds: leadIds.sort() } : { listId: who.listId },
        cursor: null,
        dueAt: now,
        createdAt: now,
        updatedAt: now,
      }
      await stores.jobs.insert(job)
      queue
        .add([{ kind: 'job', workspaceId: job.workspaceId, id: job.id }])
        .catch((error: unknown) => runtime.log.debug({ error, jobId: job.id }, 'the queue is away; the sweeper will bring the job'))
      return { jobId: job.id, total: job.total }
    },
    async runJob(job, signal) {
      if (job.kind !== 'check-availability') return false
      const workspace = await workspaceOf(job.workspaceId)
      let current = job
      while (!signal.aborted) {
        const ids = await nextIds(current)
        if (ids.length === 0) {
          await stores.jobs.commit({ ...current, status: 'done', dueAt: null, updatedAt: runtime.now() })
          return true
        }
        for (const id of ids) {
          const lead = await stores.leads.get(current.workspaceId, id)
          const walked = lead === null ? null : await walkLead(workspace, lead, 0)
          if (walked?.reach.go === 'later') {
            const dueAt = walked.reach.hold.until ?? new Date(runtime.now().getTime() + patienceMs)
            await stores.jobs.commit({ ...current, dueAt, updatedAt: runtime.now() })
            await queue.add([{ kind: 'job', workspaceId: current.workspaceId, id: current.id, at: dueAt }])
            return true
          }
          current = { ...current, done: current.done + 1, savedCount: current.savedCount + (walked?.result.available ? 1 : 0), cursor: id }
        }
        const next = { ...current, dueAt: runtime.now(), updatedAt: runtime.now() }
        if (!(await stores.jobs.commit(next))) return true
        current = { ...next, version: next.version + 1 }
      }
      return true
    },
  }

  async function nextIds(job: Job): Promise<string[]> {
    const { listId, leadIds } = job.input
    if (typeof listId === 'string') return stores.leads.leadIdsOf(job.workspaceId, listId, job.cursor, jobBatch)
    const ids = Array.isArray(leadIds) ? leadIds.filter((id): id is string => typeof id === 'string') : []
    return ids.filter((id) => job.cursor === null || id > job.cursor).slice(0, jobBatch)
  }
}

function statusFor(reach: Reach) {
  if (reach.go === 'later') return reach.hold.reason === 'availability_error' ? 'error' : 'unknown'
  return reach.go === 'blind' ? 'unknown' : statusOf(reach)
}
