import { orderFor } from '../lead/addresses.ts'
import type { Lead } from '../lead/lead.ts'
import type { Message } from './message.ts'

/** What the caller named first, then the lead's others, each once, of the kinds this channel can use. */
export function candidatesFor(message: Pick<Message, 'addresses' | 'messageType'>, lead: Lead | null): string[] {
  const usable = (address: string) => message.messageType === 'imessage' || (message.messageType === 'email') === address.includes('@')
  const named = message.addresses.filter(usable)
  return [...new Set([...named, ...(lead === null ? [] : orderFor(message.messageType, lead))])]
}
