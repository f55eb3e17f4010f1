import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'

/** Secrets at rest. A sealed text opens only for the workspace and the field it was sealed for. */
export interface Sealer {
  /** AES-256-GCM with a random nonce (NIST SP 800-38D §8.2.2), under the newest key. The answer is URL-safe text. */
  seal(workspaceId: string, field: string, plain: string): string
  /** Throws when the text was altered, belongs elsewhere, or its key is not among the given ones. Never says what was in it. */
  open(workspaceId: string, field: string, sealed: string): string
  /** A sealer for another purpose, with keys of its own made from these (HKDF, RFC 5869): what one seals, the other cannot open. */
  derive(purpose: string): Sealer
}

const nonceBytes = 12
const tagBytes = 16

function keyId(key: Buffer): string {
  return createHash('sha256').update('trunkline key id\0').update(key).digest('hex').slice(0, 8)
}

/** As JSON, so that no two pairs of workspace and field read alike. */
function associated(workspaceId: string, field: string): Buffer {
  return Buffer.from(JSON.stringify([workspaceId, field]))
}

/** `keys`: 32 bytes each, newest first: seals with the first, opens with any (rotation). Refuses an empty list and keys of another length. */
export function createSealer(keys: readonly Buffer[]): Sealer {
  const newest = keys[0]
  if (!newest) throw new Error('a sealer needs at least one key')
  if (keys.some((key) => key.length !== 32)) throw new Error('a sealing key has 32 bytes')
  const byId = new Map(keys.map((key) => [keyId(key), key]))
  const newestId = keyId(newest)
  return {
    seal(workspaceId, field, plain) {
      const nonce = randomBytes(nonceBytes)
      const cipher = createCipheriv('aes-256-gcm', newest, nonce, { authTagLength: tagBytes }).setAAD(associated(workspaceId, field))
      const body = Buffer.concat([nonce, cipher.update(plain, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return `s1.${newestId}.${body.toString('base64url')}`
    },
    open(workspaceId, field, sealed) {
      const [version, id, text, ...rest] = sealed.split('.')
      const key = version === 's1' && rest.length === 0 ? byId.get(id ?? '') : undefined
      if (!key) throw new Error(`${field}: sealed with a key that is not among the encryption keys`)
      const body = Buffer.from(text ?? '', 'base64url')
      if (body.length < nonceBytes + tagBytes || body.toString('base64url') !== text) throw new Error(`${field}: not a sealed text`)
      const decipher = createDecipheriv('aes-256-gcm', key, body.subarray(0, nonceBytes), { authTagLength: tagBytes })
      decipher.setAAD(associated(workspaceId, field)).setAuthTag(body.subarray(-tagBytes))
      try {
        return decipher.update(body.subarray(nonceBytes, -tagBytes), undefined, 'utf8') + decipher.final('utf8')
      } catch (cause) {
        throw new Error(`${field}: the sealed text was altered or belongs elsewhere`, { cause })
      }
    },
    derive: (purpose) => createSealer(keys.map((key) => Buffer.from(hkdfSync('sha256', key, Buffer.alloc(0), `trunkline ${purpose}`, 32)))),
  }
}
