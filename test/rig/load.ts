import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, type Call, client } from './hub.ts'

/** One message that somebody wants sent, whatever happens to the hub meanwhile. Its number is in its text. */
export interface Wish {
  readonly number: number
  readonly to: string
  readonly lineId: string
}

export interface Acked {
  readonly wish: Wish
  readonly id: string
}

export interface Load {
  readonly acked: readonly Acked[]
  /** Numbers that were answered with a final refusal, and with which code. */
  readonly refused: ReadonlyMap<number, string>
  /** What no client should ever see, in words. */
  readonly surprises: readonly string[]
  /** Answers of 5xx, and connections that broke after the request had left: a client cannot tell what became of it. */
  readonly broken: readonly string[]
  /** Resolves when every wish has its final answer. */
  readonly done: Promise<void>
}

interface Said {
  status?: string
  code?: string
  message?: { id: string }
}

export const textOf = (number: number): string => `message #${number} of the run`
export const keyOf = (number: number): string => `wish-${number}`

/** Posts one wish under its own idempotency key. */
export function post(call: Call, { number, to, lineId }: Wish): Promise<Answer<Said>> {
  return call<Said>(
    'POST',
    '/api/messages',
    { message: textOf(number), recipientPhone: to, fromLineId: lineId },
    { 'idempotency-key': keyOf(number) },
  )
}

/**
 * Clients that do as the documentation tells them: one idempotency key per message, and the same request again until there is an answer,
 * through broken connections, 5xx and "the first request has not ended yet".
 */
export function startLoad({ url, wishes, clients, paceMs }: { url: string; wishes: readonly Wish[]; clients: number; paceMs: number }): Load {
  const acked: Acked[] = []
  const refused = new Map<number, string>()
  const surprises: string[] = []
  const broken: string[] = []
  const call = client(url)
  const waiting = [...wishes]

  async function settle(wish: Wish): Promise<boolean> {
    const answer = await post(call, wish).catch((error: unknown) => {
      // A refused connection is a plain answer: nobody is there, and nothing was sent.
      const why = error instanceof Error && error.cause instanceof Error && 'code' in error.cause ? String(error.cause.code) : String(error)
      if (why !== 'ECONNREFUSED') broken.push(`#${wish.number}: ${why}`)
      return null
    })
    if (answer !== null && answer.status >= 500) broken.push(`#${wish.number}: ${answer.status} ${answer.body?.code}`)
    if (answer === null || answer.status >= 500 || answer.body?.code === 'IDEMPOTENCY_RUNNING') return false
    const id = answer.body?.message?.id
    if (answer.status === 201 && id !== undefined) acked.push({ wish, id })
    else if (answer.status === 403) refused.set(wish.number, answer.body?.code ?? '')
    else surprises.push(`#${wish.number} was answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return true
  }

  async function work(): Promise<void> {
    for (let wish = waiting.shift(); wish !== undefined; wish = waiting.shift()) {
      // To the end of the row: one whose claim has to grow old must not hold up the others.
      if (!(await settle(wish))) waiting.push(wish)
      await wait(paceMs)
    }
  }

  return { acked, refused, surprises, broken, done: Promise.all(Array.from({ length: clients }, work)).then(() => undefined) }
}
