import { invalid } from '../../errors.ts'

/** Where a page ends: newest first, the id decides between documents of one millisecond. */
export interface Position {
  readonly createdAt: number
  readonly id: string
}

/** Refuses with VALIDATION (`cursor`) what this store did not hand out. */
export function readCursor(cursor: string | undefined): Position | null {
  if (cursor === undefined) return null
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (Array.isArray(position) && position.length === 2 && Number.isSafeInteger(position[0]) && typeof position[1] === 'string') {
      return { createdAt: position[0], id: position[1] }
    }
  } catch (cause) {
    throw Object.assign(invalid('cursor', 'is not one that this list handed out'), { cause })
  }
  throw invalid('cursor', 'is not one that this list handed out')
}

/** Cuts the one row that was read beyond the page, which says that there is more. */
export function cutPage<R extends { created_at: number; id: string }>(
  rows: readonly R[],
  limit: number,
): { rows: readonly R[]; nextCursor: string | null } {
  const page = rows.slice(0, limit)
  const last = page.at(-1)
  if (rows.length <= limit || !last) return { rows: page, nextCursor: null }
  return { rows: page, nextCursor: Buffer.from(JSON.stringify([last.created_at, last.id])).toString('base64url') }
}
