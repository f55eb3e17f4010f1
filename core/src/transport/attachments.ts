import { Agent, request } from 'undici'
import type { Runtime } from '../runtime.ts'
import { createDeadline } from './deadline.ts'
import { createGuardedConnector } from './guarded-connect.ts'

export interface Attachment {
  readonly name: string
  readonly mimeType: string
  readonly content: Buffer
}

/** Nothing has been handed over in any of these. `gone`: the address will not serve it; `unavailable`: perhaps later. */
export type Downloaded = { type: 'done'; attachments: readonly Attachment[] } | { type: 'gone'; why: string } | { type: 'unavailable'; why: string }

/** Of one message, together: most mail servers stop at 25 MB, and it is held in memory. */
export const attachmentBytesMax = 25_000_000

/**
 * Fetches what a caller asked to attach. The addresses come from callers, so: http(s) only, checked when connecting,
 * no redirects, bounded. All or nothing: a message never goes out with a part of it missing that was known to be missing.
 */
export async function downloadAttachments(
  urls: readonly string[],
  { runtime, allowPrivate, timeoutMs, signal }: { runtime: Runtime; allowPrivate: boolean; timeoutMs: number; signal: AbortSignal },
): Promise<Downloaded> {
  if (urls.length === 0) return { type: 'done', attachments: [] }
  const agent = new Agent({ connect: createGuardedConnector({ allowPrivate, timeoutMs: Math.min(timeoutMs, 10_000) }), pipelining: 0 })
  const deadline = createDeadline({ runtime, signal, timeoutMs })
  try {
    const attachments: Attachment[] = []
    let bytesLeft = attachmentBytesMax
    for (const [index, url] of urls.entries()) {
      const label = `attachment ${index + 1} of ${urls.length}`
      const target = URL.parse(url)
      if (target === null || !/^https?:$/.test(target.protocol)) return { type: 'gone', why: `${label} has no http(s) address` }
      const answer = await fetchOne(target, { agent, signal: deadline.signal, bytesLeft })
      if (answer.type !== 'done') return { type: answer.type, why: `${label} ${answer.why}` }
      bytesLeft -= answer.attachment.content.length
      attachments.push(answer.attachment)
    }
    return { type: 'done', attachments }
  } finally {
    deadline.done()
    await agent.destroy()
  }
}

type Fetched = { type: 'done'; attachment: Attachment } | { type: 'gone' | 'unavailable'; why: string }

async function fetchOne(target: URL, { agent, signal, bytesLeft }: { agent: Agent; signal: AbortSignal; bytesLeft: number }): Promise<Fetched> {
  try {
    const { statusCode, headers, body } = await request(target, { dispatcher: agent, signal })
    if (statusCode !== 200) {
      await body.dump({ limit: 4_096 })
      const passing = statusCode === 408 || statusCode === 429 || statusCode >= 500
      return { type: passing ? 'unavailable' : 'gone', why: `answered ${statusCode}` }
    }
    const chunks: Buffer[] = []
    let size = 0
    for await (const chunk of body) {
      if (!Buffer.isBuffer(chunk)) continue
      size += chunk.length
      if (size > bytesLeft) return { type: 'gone', why: `makes the message larger than ${attachmentBytesMax / 1_000_000} MB` }
      chunks.push(chunk)
    }
    if (size === 0) return { type: 'gone', why: 'is empty' }
    const declared = headers['content-type']
    const mimeType = typeof declared === 'string' && /^[\w.+-]+\/[\w.+-]+/.exec(declared)?.[0]
    return { type: 'done', attachment: { name: fileName(target), mimeType: mimeType || 'application/octet-stream', content: Buffer.concat(chunks) } }
  } catch (error) {
    const refused = error instanceof Error && 'code' in error && error.code === 'ADDRESS_REFUSED'
    return refused ? { type: 'gone', why: 'leads to an address that may not be called' } : { type: 'unavailable', why: 'could not be fetched' }
  }
}

/** The last part of the path, without anything a file system or a header could take amiss. */
function fileName(target: URL): string {
  let name = target.pathname.split('/').at(-1) ?? ''
  try {
    name = decodeURIComponent(name)
  } catch {
    // A stray % in a path is no reason to refuse the file: the encoded name is used.
  }
  name = name
    .replace(/[^\p{L}\p{N}._ -]/gu, '_')
    .replace(/^[. ]+/, '')
    .slice(-100)
  return name === '' ? 'attachment' : name
}
