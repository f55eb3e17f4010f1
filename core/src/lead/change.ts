import { AppError } from '../errors.ts'
import { revise } from '../event/revise.ts'
import type { Stores } from '../store/stores.ts'
import type { Lead } from './lead.ts'
import type { Taken } from './store.ts'

export function addressTaken(taken: readonly Taken[]): AppError {
  const leadId = taken[0]?.leadId
  return new AppError('ADDRESS_TAKEN', `an address belongs to the lead ${leadId}`, { extra: { leadId } })
}

/** Reads the lead, decides, commits; null when it is gone. The caller relays. Refuses: ADDRESS_TAKEN, CONFLICT. */
export function changeLead(
  stores: Pick<Stores, 'leads'>,
  workspaceId: string,
  id: string,
  decide: (lead: Lead) => Lead | Promise<Lead>,
): Promise<{ doc: Lead; changed: boolean } | null> {
  return revise({
    load: () => stores.leads.get(workspaceId, id),
    decide,
    async commit(lead) {
      const outcome = await stores.leads.commit(lead)
      if (!outcome.ok && outcome.why === 'taken') throw addressTaken(outcome.taken)
      return outcome.ok
    },
  })
}
