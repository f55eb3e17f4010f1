import { isEnded } from '../message/lifecycle.ts'
import type { Message } from '../message/message.ts'

/**
 * Whose a place is that the ledger of a line holds for a message. `used`: its message left by this line, or was erased since. `left`: no
 * commit of its message can name it any more, so it was taken by a process that died, or lost a race, before it could write that down.
 * `claimed`: the message has it, or is about to.
 */
export function claimOf(message: Pick<Message, 'status' | 'reservation'> | null, lineId: string): 'used' | 'left' | 'claimed' {
  if (message === null) return 'used'
  if (message.reservation === null) return isEnded(message.status) ? 'left' : 'claimed'
  if (message.reservation.lineId !== lineId) return 'left'
  if (message.reservation.state === 'releasing') return 'claimed'
  return message.status === 'sent' || isEnded(message.status) ? 'used' : 'claimed'
}
