import { type FakeBlueBubbles, startFakeBlueBubbles } from '@trunkline/core/testing/fakes'
import { type Call, eventually } from './hub.ts'
import type { Wish } from './load.ts'
import { type Receiver, startReceiver } from './receiver.ts'
import type { LineView } from './world.ts'

/** The outside of a hub that dies: its vendor, its webhook receiver, its lines and who gets messages. All of it outlives the hub. */
export interface CrashWorld {
  readonly bridge: FakeBlueBubbles
  readonly receiver: Receiver
  readonly open: LineView
  readonly tight: LineView
  readonly limit: number
  /** People who write STOP on the way. */
  readonly leaving: readonly string[]
  readonly wishes: readonly Wish[]
  /** Posts STOP as the bridge would, until the hub at `url` has kept it. Resolves with the moment of the acknowledgement. */
  stop(url: string, address: string): Promise<number>
  close(): Promise<void>
}

/** Not before the day of a line ends: a limit is counted by its day. */
export function noonZone(): string {
  const shift = new Date().getUTCHours() - 12
  return shift === 0 ? 'Etc/GMT' : `Etc/GMT${shift > 0 ? '+' : '-'}${Math.abs(shift)}`
}

const phone = (n: number) => `+1415${String(5_550_000 + n)}`
export const handoverMs = 1_500

/** Makes the lines and the endpoint on a hub that is up, and plans `count` messages over the open line with ten times the demand on the tight one. */
export async function createCrashWorld({ call, url, count, limit }: { call: Call; url: string; count: number; limit: number }): Promise<CrashWorld> {
  const [bridge, receiver] = await Promise.all([startFakeBlueBubbles(), startReceiver()])
  const made = async <T>(path: string, body: Record<string, unknown>): Promise<T> => {
    const answer = await call<T>('POST', path, body)
    if (answer.status !== 201) throw new Error(`${path} answered ${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body
  }
  const unlimited = { dailyNewConversationsLimit: 100_000, dailyAvailabilityChecksLimit: 100_000, deviceGapSeconds: 0, contactGapSeconds: 0 }
  const transport = { type: 'bluebubbles', url: bridge.url, password: bridge.password, method: 'private-api' }
  const line = (name: string, dailyTotalMessagesLimit: number) =>
    made<LineView>('/api/lines', {
      ...{ name, channel: 'imessage', transport, timezone: noonZone(), dailyTotalMessagesLimit, availabilityGapSeconds: 0 },
      ...unlimited,
    })
  const [open, tight] = [await line('open', 100_000), await line('tight', limit)]
  await made('/api/webhooks', { url: receiver.url, events: ['*'] })

  const leaving = [phone(9_001), phone(9_002), phone(9_003)]
  // Each way a bridge has of not answering after it really sent, for some people, without a webhook that would tell; a bridge that is faster with its webhook for others.
  const spoilt = (['reset_after_send', 'error500_after_send', 'half_after_send'] as const).map((send, n) => ({
    address: phone(n * 7),
    send,
    delayMs: 20,
    webhooks: [],
  }))
  const early = { address: phone(3), webhooksWhen: 'before' as const, delayMs: 80 }
  bridge.script({ hookUrls: [`${url}${new URL(open.hookUrl).pathname}`], rules: [...spoilt, early, { delayMs: 60 }] })

  const wishes: Wish[] = []
  const add = (to: string, lineId: string) => wishes.push({ number: wishes.length + 1, to, lineId })
  const last = Math.max(count, limit * 10)
  for (let n = 0; n < last; n++) {
    if (n < count) add(phone(n % 60), open.id)
    if (n < limit * 10) add(phone(1_000 + n), tight.id)
    if (n < count && n % 4 === 0) add(leaving[(n / 4) % leaving.length] ?? phone(0), open.id)
  }

  return {
    bridge,
    receiver,
    open,
    tight,
    limit,
    leaving,
    wishes,
    async stop(at, address) {
      const hook = `${at}${new URL(open.hookUrl).pathname}`
      const data = {
        guid: `STOP-${address}`,
        text: 'STOP',
        isFromMe: false,
        error: 0,
        dateCreated: Date.now(),
        handle: { address },
        chats: [],
        itemType: 0,
      }
      const body = JSON.stringify({ type: 'new-message', data })
      const ask = () =>
        fetch(hook, { method: 'POST', headers: { 'content-type': 'application/json' }, body }).then(
          ({ status }) => status,
          () => 0,
        )
      await eventually(ask, (status) => status === 200, 30_000)
      return Date.now()
    },
    async close() {
      await Promise.all([bridge.close(), receiver.close()])
    },
  }
}
