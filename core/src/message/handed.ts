import type { Message } from './message.ts'

/**
 * When the message was handed over, or is being: its bytes left, or may have. Null when it surely never left. What decides whether an
 * address was touched by a line, and which message a reply answers.
 */
export function handedAt(message: Pick<Message, 'status' | 'sentAt' | 'failure' | 'attempt' | 'updatedAt'>): Date | null {
  const { status, sentAt, failure, attempt, updatedAt } = message
  const left = sentAt !== null || status === 'sending' || status === 'sent' || status === 'delivered' || failure?.code === 'outcome_unknown'
  return left ? (sentAt ?? attempt?.at ?? updatedAt) : null
}
