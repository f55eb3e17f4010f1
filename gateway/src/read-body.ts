import { AppError } from '@trunkline/core'
import type { Context } from 'hono'

function tooLarge(bytesMax: number): AppError {
  return new AppError('PAYLOAD_TOO_LARGE', `The body may hold at most ${bytesMax} bytes`)
}

/**
 * The body as text; empty when there is none. A declared length is believed (Node's parser enforces it) and costs a look; only a
 * body of unknown length is counted as it comes in. Hono's own limit wraps every body in a stream and costs two thirds of the speed.
 */
export async function readText(c: Context, bytesMax: number): Promise<string> {
  const declared = c.req.header('content-length')
  if (declared !== undefined) {
    const length = Number(declared)
    if (!(length <= bytesMax)) throw tooLarge(bytesMax)
    return length === 0 ? '' : c.req.text().catch(unreadable)
  }
  const isNodeServer = typeof c.env === 'object' && c.env !== null && 'incoming' in c.env
  if (isNodeServer && c.req.header('transfer-encoding') === undefined) return ''
  const stream = c.req.raw.body
  if (stream === null) return ''
  const chunks: Uint8Array[] = []
  let total = 0
  try {
    for await (const chunk of stream) {
      total += chunk.byteLength
      if (total > bytesMax) throw tooLarge(bytesMax)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof AppError) throw error
    return unreadable(error)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function unreadable(cause: unknown): never {
  throw new AppError('VALIDATION', 'The body could not be read to its end', { cause })
}

/** Refuses what is surely not JSON in UTF-8: another type, another charset, a compressed body. */
export function requireJson(c: Context): void {
  const type = c.req.header('content-type')
  if (type !== 'application/json' && !isJsonType(type ?? '')) {
    throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json')
  }
  const encoding = c.req.header('content-encoding')
  if (encoding !== undefined && encoding !== 'identity') throw new AppError('UNSUPPORTED_MEDIA_TYPE', 'Send the body without content-encoding')
}

function isJsonType(header: string): boolean {
  const [type = '', ...parameters] = header.toLowerCase().split(';')
  if (type.trim() !== 'application/json') return false
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=')
    return name.trim() !== 'charset' || ['utf-8', 'utf8', '"utf-8"'].includes(value.trim())
  })
}

/** The one parse of a body. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError('VALIDATION', 'The body is not valid JSON', { issues: [{ path: '', message: 'is not valid JSON' }], cause: error })
  }
}
