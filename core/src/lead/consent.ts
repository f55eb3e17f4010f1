import { type Channel, channels } from '../message/message.ts'
import type { ConsentVerdict } from '../operations.ts'
import type { Lead } from './lead.ts'
import type { DncEntry } from './store.ts'

/** What a lead's own "no" is: all channels, or some. */
export type OptedOut = Lead['optedOut']

/** Sources of entries that a person made for themselves, and takes back by opting in. `opted_out`: what an opted-out lead left behind. */
export const ownSources: readonly string[] = ['keyword', 'unsubscribe', 'opted_out']

function concerns(entry: DncEntry, who: { leadId: string | null; addressHash: string }): boolean {
  return (entry.leadId !== null && entry.leadId === who.leadId) || (entry.addressHash !== null && entry.addressHash === who.addressHash)
}

/**
 * May this channel be used to this address? Refuses for the lead's opt-out, for a do-not-contact entry of the address or the lead, and for a
 * consent that was withdrawn. Consent that was never recorded is the caller's matter, not ours. The reason names no address.
 */
export function consentVerdict(
  lead: Pick<Lead, 'id' | 'optedOut' | 'consent'> | null,
  entries: readonly DncEntry[],
  to: { channel: Channel; addressHash: string },
): ConsentVerdict {
  if (lead?.optedOut.all) return { allowed: false, why: 'the recipient opted out' }
  if (lead?.optedOut[to.channel]) return { allowed: false, why: `the recipient opted out of ${to.channel}` }
  const who = { leadId: lead?.id ?? null, addressHash: to.addressHash }
  const entry = entries.find((each) => concerns(each, who) && (each.channels === null || each.channels.includes(to.channel)))
  if (entry) return { allowed: false, why: `the recipient is on the do-not-contact list (${entry.source})` }
  if (lead?.consent[to.channel]?.granted === false) return { allowed: false, why: `consent for ${to.channel} was withdrawn` }
  return { allowed: true }
}

/** Channels in one order and each once, so that equal entries are equal. All of them is every channel there will be. */
export function canonical(list: readonly Channel[] | null): readonly Channel[] | null {
  if (list === null) return null
  const some = channels.filter((channel) => list.includes(channel))
  return some.length === channels.length ? null : some
}

/** The flags with these channels (null: all) set; the same object when they were. */
export function optOutFlags(flags: OptedOut, list: readonly Channel[] | null): OptedOut {
  const wanted = list ?? (['all'] as const)
  if (wanted.every((key) => flags[key])) return flags
  return { ...flags, ...Object.fromEntries(wanted.map((key) => [key, true])) }
}

/**
 * The flags without those among `candidates` that none of the remaining entries stands for; the same object when all stay. An entry that is taken
 * off the list lifts what it set, but never what another entry, such as a STOP, set as well: writing to somebody who said no is the dearer mistake.
 */
export function liftFlags(flags: OptedOut, candidates: readonly (Channel | 'all')[], remaining: readonly DncEntry[]): OptedOut {
  const stays = (key: Channel | 'all') => remaining.some((entry) => entry.channels === null || (key !== 'all' && entry.channels.includes(key)))
  const lifted = candidates.filter((key) => flags[key] && !stays(key))
  if (lifted.length === 0) return flags
  return Object.fromEntries(Object.entries(flags).filter(([key, on]) => on && !lifted.includes(key as Channel | 'all')))
}

/** Keys of the flags that are set. */
export function flagsSet(flags: OptedOut): (Channel | 'all')[] {
  return (['all', ...channels] as const).filter((key) => flags[key])
}

/** What has to be kept of a lead's "no" for an address that leaves it: its entries, and flags that no entry stands for. */
export function keptFor(flags: OptedOut, entriesOfLead: readonly DncEntry[]): Pick<DncEntry, 'channels' | 'reason' | 'source'>[] {
  const kept = entriesOfLead.map(({ channels: list, reason, source }) => ({ channels: list, reason, source }))
  const bare = flagsSet(flags).filter((key) => liftFlags(flags, [key], entriesOfLead) !== flags)
  if (bare.includes('all')) return [...kept, { channels: null, reason: null, source: 'opted_out' }]
  const list = bare.filter((key) => key !== 'all')
  return list.length === 0 ? kept : [...kept, { channels: list, reason: null, source: 'opted_out' }]
}
