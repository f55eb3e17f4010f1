import { createHash } from 'node:crypto'
import { AppError, type Issue } from '../errors.ts'
import { announce, type Relay } from '../event/event.ts'
import type { Audit, Caller, LeadInput, Leads } from '../operations.ts'
import type { Runtime } from '../runtime.ts'
import type { Stores } from '../store/stores.ts'
import { addressesIn, type LeadFields, needsCountry, newLead, readLead } from './intake.ts'
import type { Lead } from './lead.ts'
import { listNotFound } from './lists.ts'

export interface SaveParts {
  readonly stores: Pick<Stores, 'leads' | 'workspaces'>
  readonly runtime: Pick<Runtime, 'now' | 'id'>
  readonly relay: Relay
  readonly audit: Pick<Audit, 'record'>
}

const base32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** The id of the lead at this place of a request whose first lead has the reserved id: the same again when the request is made again. */
function idAt(reservedId: string, index: number): string {
  if (index === 0) return reservedId
  const digest = createHash('sha256').update(`${reservedId} ${index}`).digest()
  const tail = Array.from(digest.subarray(0, 16), (byte) => base32[byte & 31]).join('')
  return reservedId.slice(0, -16) + tail
}

/** The default country code, asked for only when a number is written in national form. */
export async function countryFor(stores: Pick<Stores, 'workspaces'>, workspaceId: string, inputs: readonly LeadInput[]): Promise<string> {
  if (!inputs.some(needsCountry)) return '+1'
  const workspace = await stores.workspaces.get(workspaceId)
  if (!workspace) throw new AppError('NOT_FOUND', `there is no workspace ${workspaceId}`)
  return workspace.defaultCountryCode
}

export function refuseAll(issues: Issue[]): AppError {
  const shown = issues.slice(0, 20).map((issue) => `${issue.path}: ${issue.message}`)
  return new AppError('VALIDATION', shown.join('; '), { issues: issues.slice(0, 1_000) })
}

export type Inserted = { made: Lead } | { again: Lead } | { existingId: string }

/** Inserts a new lead with its event. `again`: this very lead is there from before a crash; `existingId`: another lead has an address. */
export async function insertLead(
  { stores, runtime, relay }: Omit<SaveParts, 'audit'>,
  lead: Lead,
  { correlationId }: Pick<Caller, 'correlationId'>,
): Promise<Inserted> {
  const born = announce(lead, { id: runtime.id('evt'), type: 'lead.created', at: lead.createdAt, correlationId })
  const answer = await stores.leads.insert(born)
  if (answer.ok) {
    relay('lead', born)
    return { made: born }
  }
  const other = answer.taken.find((each) => each.leadId !== lead.id)
  if (other) return { existingId: other.leadId }
  const there = await stores.leads.get(lead.workspaceId, lead.id)
  if (!there) throw new AppError('CONFLICT', 'the lead was made and deleted at the same time; try again')
  return { again: there }
}

type Read = { index: number; id: string; input: LeadInput; fields: LeadFields; addresses: string[] }

export function createSave(parts: SaveParts): Pick<Leads, 'save'> {
  const { stores, runtime } = parts

  async function read(caller: Caller, leads: readonly LeadInput[], reservedId: string | undefined): Promise<Read[]> {
    const defaultCountryCode = await countryFor(stores, caller.workspaceId, leads)
    const issues: Issue[] = []
    const all = leads.map((input, index) => {
      const { fields, issues: found } = readLead(input, { defaultCountryCode, path: `leads.${index}.` })
      const addresses = addressesIn(fields)
      issues.push(...found)
      if (addresses.length === 0 && found.length === 0)
        issues.push({ path: `leads.${index}.phone`, message: 'at least one phone or email is needed' })
      return { index, id: reservedId === undefined ? runtime.id('lead') : idAt(reservedId, index), input, fields, addresses }
    })
    if (issues.length > 0) throw refuseAll(issues)
    return all
  }

  return {
    async save(caller, leads, reserved) {
      const { workspaceId } = caller
      const listIds = [...new Set(leads.flatMap(({ listId }) => listId || []))]
      const lists = await Promise.all(listIds.map((id) => stores.leads.getList(workspaceId, id)))
      const missing = listIds.find((_, at) => lists[at] === null)
      if (missing !== undefined) throw listNotFound(missing)

      const saved = new Map<number, Lead>()
      const existing = new Map<number, string>()
      let pending = await read(caller, leads, reserved?.id)
      // Each round settles at least its first lead. Another is needed only when one that others of the request repeat lost a race.
      while (pending.length > 0) {
        const owners = await stores.leads.byAddresses(workspaceId, [...new Set(pending.flatMap((each) => each.addresses))])
        const firsts = new Map<string, Read>()
        const fresh: Read[] = []
        const repeats: { read: Read; first: Read }[] = []
        for (const each of pending) {
          const owner = each.addresses.map((address) => owners.get(address)).find((id) => id !== undefined)
          const first = each.addresses.map((address) => firsts.get(address)).find((other) => other !== undefined)
          if (owner !== undefined && owner !== each.id) existing.set(each.index, owner)
          else if (first) repeats.push({ read: each, first })
          else {
            fresh.push(each)
            for (const address of each.addresses) firsts.set(address, each)
          }
        }
        const now = runtime.now()
        await Promise.all(
          fresh.map(async ({ index, id, fields }) => {
            const outcome = await insertLead(parts, newLead(fields, { id, workspaceId, now }), caller)
            if ('existingId' in outcome) existing.set(index, outcome.existingId)
            else saved.set(index, 'made' in outcome ? outcome.made : outcome.again)
          }),
        )
        pending = []
        for (const { read: each, first } of repeats) {
          const lead = saved.get(first.index)
          if (lead) existing.set(each.index, lead.id)
          else pending.push(each)
        }
      }

      const idOf = (index: number) => saved.get(index)?.id ?? existing.get(index)
      for (const listId of listIds) {
        const ids = leads.flatMap((input, index) => (input.listId === listId ? (idOf(index) ?? []) : []))
        await stores.leads.addToList(workspaceId, listId, [...new Set(ids)])
      }
      const inOrder = [...saved].sort(([a], [b]) => a - b).map(([, lead]) => lead)
      const duplicates = leads.flatMap((input, index) => {
        const existingLeadId = existing.get(index)
        return existingLeadId === undefined ? [] : [{ input, existingLeadId }]
      })
      const target = inOrder[0]?.id ?? duplicates[0]?.existingLeadId
      if (target !== undefined)
        await parts.audit.record(caller, 'lead.saved', target, { savedCount: inOrder.length, duplicateCount: duplicates.length })
      return { leads: inOrder, duplicates }
    },
  }
}
